import pytest
from anthropic.types import message_create_params
from anthropic.types.beta import message_create_params as beta_params

from chat_requests import (
    FOREIGN,
    STEADY,
    plan,
    planned,
    receipts,
    refused,
    system,
    user,
)
from claif_cla.translate.chat.native import NATIVE
from claif_cla.translate.chat.params import PARAMS


@pytest.mark.parametrize(
    ("thinking", "beta"),
    [
        ({"type": "adaptive", "block_binding": {}}, "thinking-binding-controls-2026-08-01"),
        ({"type": "adaptive"}, None),
    ],
)
def test_a_block_binding_brings_its_beta(thinking, beta):
    made = plan(model=STEADY, thinking=thinking)
    assert made.headers.get("anthropic-beta") == beta
    assert made.body["thinking"] == thinking


@pytest.mark.parametrize("module", [message_create_params, beta_params])
def test_every_field_of_the_messages_api_has_a_way_in(module):
    fields = set(module.MessageCreateParamsBase.__annotations__)
    headers = {"user_profile_id", "workspace_id"}  # arguments of the SDK that travel as headers
    assert fields - headers <= NATIVE | PARAMS.keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("container", "container_1"),
        ("context_management", {"edits": []}),
        ("mcp_servers", [{"type": "url", "url": "https://e.x", "name": "m"}]),
        ("inference_geo", "us"),
        ("fallbacks", "default"),
        ("cache_control", {"type": "ephemeral"}),
    ],
)
def test_a_native_field_passes_as_it_is(name, value):
    assert planned(**{name: value})[name] == value
    assert receipts(**{name: value}) == []


@pytest.mark.parametrize("name", sorted(NATIVE))
def test_null_is_absent(name):
    assert planned(**{name: None}) == planned()


def test_native_stop_sequences_win_over_stop():
    assert planned(stop="a", stop_sequences=["b"])["stop_sequences"] == ["b"]


def test_a_native_effort_stands_beside_a_format():
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    asked = {"type": "json_schema", "json_schema": {"name": "o", "schema": schema}}
    config = planned(response_format=asked, output_config={"effort": "low"})["output_config"]
    assert config["effort"] == "low"
    assert config["format"]["schema"] == schema


def test_a_native_format_replaces_the_derived_one_whole():
    asked = {
        "type": "json_schema",
        "json_schema": {"name": "o", "schema": {"type": "object", "properties": {"a": {}}}},
    }
    theirs = {"type": "json_schema", "schema": {"type": "object", "properties": {"b": {}}}}
    body = planned(response_format=asked, output_config={"format": theirs})
    assert body["output_config"]["format"] == theirs


def test_a_native_effort_wins_over_reasoning_effort():
    config = planned(reasoning_effort="high", output_config={"effort": "low"})["output_config"]
    assert config == {"effort": "low"}


@pytest.mark.parametrize("given", ["N", [{"type": "text", "text": "N"}]])
def test_a_native_system_follows_the_system_messages(given):
    body = planned(messages=[system("S"), user()], system=given)
    assert body["system"] == [{"type": "text", "text": "S"}, {"type": "text", "text": "N"}]


@pytest.mark.parametrize("given", ["", " ", []])
def test_an_empty_native_system_is_left_out(given):
    assert "system" not in planned(system=given)


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"system": 5}, "system"),
        ({"system": ["S"]}, "system[0]"),
        ({"output_config": "low"}, "output_config"),
        ({"speed": "warp"}, "speed"),
        ({"betas": 5}, "betas"),
        ({"betas": [5]}, "betas[0]"),
        ({"thinking": "yes"}, "thinking"),
    ],
)
def test_malformed_native_fields_are_refused(request_, param):
    assert refused(**request_).param == param


def test_betas_of_all_sources_make_one_header():
    made = plan(
        model=STEADY,
        speed="fast",
        betas=["b", "a"],
        headers={"anthropic-beta": "a, c"},
    )
    assert made.headers["anthropic-beta"] == "a,c,b,fast-mode-2026-02-01"


def test_one_beta_may_be_a_string():
    assert plan(betas="a").headers["anthropic-beta"] == "a"


def test_betas_are_no_field_of_the_body():
    assert "betas" not in planned(betas=["a"])


def test_an_unknown_parameter_is_refused_as_openai_does():
    refusal = refused(temprature=1)
    assert (refusal.param, refusal.code) == ("temprature", "unknown_parameter")


def test_an_unknown_null_is_no_parameter():
    assert planned(whatever=None) == planned()


def test_lenient_drops_an_unknown_parameter_with_a_receipt():
    lenient = {"settings": {"compat": "lenient"}}
    assert planned(temprature=1, **lenient) == planned()
    assert receipts(temprature=1, **lenient) == [("temprature", "dropped")]


@pytest.mark.parametrize(
    "request_", [{"betas": ["new"]}, {"headers": {"anthropic-beta": "new"}}, {"model": FOREIGN}]
)
def test_with_a_beta_or_a_foreign_model_the_server_judges(request_):
    assert planned(new_field={"x": 1}, **request_)["new_field"] == {"x": 1}
