"""The whole request: laws that hold for every one of them, and what only shows in the whole."""

from __future__ import annotations

import contextlib
import copy
import json
from types import MappingProxyType

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chat_requests import (
    FOREIGN,
    NEWEST,
    OLD,
    STEADY,
    assistant,
    call,
    function_tool,
    plan,
    planned,
    receipts,
    refused,
    result,
    system,
    user,
)
from chat_requests.strategies import (
    chat_requests,
    mutilated_messages,
    mutilated_requests,
    next_rounds,
)
from claif_cla.catalog.model_info import newest_of_line
from claif_cla.errors import Refusal
from claif_cla.translate.call import Call, Settings
from claif_cla.translate.chat.limits import STREAM_ABOVE
from claif_cla.translate.chat.plan import MESSAGES_PATH, Plan
from claif_cla.translate.chat.request import plan_request
from claif_cla.translate.chat.sampling import SAMPLING_VERSION
from rules_of_messages import violations

COMPATS = st.sampled_from(["strict", "adapt", "lenient"])
CACHING = st.sampled_from(["auto", "always", "off"])
REASONING = st.sampled_from(["auto", "summary", "model"])


def plan_of(request, **settings) -> Plan:
    return plan_request(Call("POST", "/chat/completions", request, Settings(**settings)))


# Laws


@given(chat_requests(), CACHING, REASONING)
def test_a_request_that_openai_would_take_becomes_a_legal_one(request_, caching, reasoning):
    assume(request_["model"] != FOREIGN)  # its parameters go as they are given
    made = plan_of(request_, prompt_caching=caching, reasoning=reasoning)
    legacy = made.headers["anthropic-version"] == SAMPLING_VERSION
    assert violations(json.loads(made.data), legacy=legacy) == []


@given(mutilated_requests(), COMPATS, CACHING)
def test_whatever_comes_is_planned_or_refused(request_, compat, caching):
    try:
        made = plan_of(request_, compat=compat, prompt_caching=caching)
    except Refusal as refusal:
        outcome = refusal.code
    else:
        outcome = made.upstream().body == made.data
    assert outcome


@given(mutilated_messages(), COMPATS, st.sampled_from([NEWEST, STEADY, OLD]))
def test_whatever_the_messages_are_they_are_legal_or_refused_by_their_place(
    messages, compat, model
):
    try:
        made = plan_of({"model": model, "messages": messages}, compat=compat)
    except Refusal as refusal:
        place, wrong = refusal.param, []
    else:
        place, wrong = "messages", violations(json.loads(made.data))
    assert wrong == []
    assert place is not None
    assert place.startswith("messages")


@given(chat_requests())
def test_the_same_request_gives_the_same_bytes(request_):
    first = plan_of(request_)
    again = plan_of(copy.deepcopy(request_))
    assert (first.data, first.headers) == (again.data, again.headers)


@given(mutilated_requests(bury=False), COMPATS)
def test_the_callers_objects_are_left_alone(request_, compat):
    before = copy.deepcopy(request_)
    with contextlib.suppress(Refusal):
        plan_of(request_, compat=compat)
    assert repr(request_) == repr(before)


@given(chat_requests(), next_rounds())
def test_a_longer_conversation_keeps_its_prefix(request_, more):
    longer = {**request_, "messages": [*request_["messages"], *more]}
    short, long = json.loads(plan_of(request_).data), json.loads(plan_of(longer).data)
    assert long.get("system") == short.get("system")
    tools = short.get("tools", [])
    # Tools that only the history knows are declared as they come up.
    assert long.get("tools", [])[: len(tools) if "tools" not in request_ else None] == tools
    last = max(at for at, turn in enumerate(short["messages"]) if turn["role"] == "user")
    assert dumped(long["messages"][: last + 1]) == dumped(short["messages"][: last + 1])


def dumped(value):
    return json.dumps(value, ensure_ascii=True)


def frozen(value):
    if isinstance(value, dict):
        return MappingProxyType({key: frozen(item) for key, item in value.items()})
    return tuple(map(frozen, value)) if isinstance(value, list) else value


@given(chat_requests())
def test_tuples_and_read_only_mappings_are_arrays_and_objects(request_):
    assert plan_of(frozen(request_)).data == plan_of(request_).data


# The model


def test_without_a_model_the_newest_sonnet_answers():
    assert planned(model=None)["model"] == newest_of_line("sonnet").id


def test_the_clients_default_model_answers_calls_that_name_none():
    assert planned(model=None, settings={"default_model": OLD})["model"] == OLD


def test_an_alias_of_the_client_is_looked_up_first():
    settings = {"model_aliases": {"gpt-4o": STEADY, "opus": OLD}}
    assert planned(model="gpt-4o", settings=settings)["model"] == STEADY
    assert planned(model="opus", settings=settings)["model"] == OLD


@pytest.mark.parametrize("line", ["opus", "sonnet", "haiku", "fable"])
def test_a_short_name_is_the_newest_of_its_line(line):
    assert planned(model=line)["model"] == newest_of_line(line).id


@pytest.mark.parametrize("name", ["claude-zeta-9", "gpt-4o", FOREIGN])
def test_other_names_pass(name):
    assert planned(model=name)["model"] == name


RETIRED = "claude-3-5-sonnet-20241022"


def test_a_retired_model_is_answered_by_its_successor_with_a_receipt():
    made = plan(model=RETIRED)
    assert made.body["model"] == newest_of_line("sonnet").id
    [entry] = made.receipts.entries
    assert (entry["param"], entry["action"]) == ("model", "adapted")
    assert "2025-10-28" in entry["detail"]


def test_strict_refuses_a_retired_model():
    assert refused(model=RETIRED, settings={"compat": "strict"}).param == "model"


def test_behind_another_address_a_retired_model_may_live():
    assert planned(model=RETIRED, settings={"official": False})["model"] == RETIRED
    assert receipts(model=RETIRED, settings={"official": False}) == []


def test_a_model_that_will_be_retired_leaves_a_remark_and_no_receipt():
    made = plan(model=OLD)
    assert OLD in made.remarks[0]
    assert made.receipts.entries == ()
    assert plan(model=NEWEST).remarks == ()


@pytest.mark.parametrize("name", ["", 5])
def test_a_model_that_is_no_name_is_refused(name):
    assert refused(model=name).param == "model"


# The request as a whole


@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(Refusal) as caught:
        plan_of(body)
    assert caught.value.param == "body"


def test_messages_are_required():
    refusal = refused(messages=None)
    assert (refusal.param, refusal.code) == ("messages", "missing_required_parameter")


def test_a_plain_question_is_a_short_request():
    assert plan(max_tokens=10).data.decode() == (
        '{"model":"claude-opus-5-5","max_tokens":10,'
        '"messages":[{"role":"user","content":[{"type":"text","text":"q"}]}]}'
    )


def test_the_keys_stand_in_one_order_whatever_order_they_came_in():
    fields = {"user": "u", "stop": "x", "max_tokens": 5, "reasoning_effort": "low"}
    turned = dict(reversed(fields.items()))
    assert plan(**fields).data == plan(**turned).data


def test_the_request_goes_to_messages_with_its_headers():
    sent = plan(headers={"x-trace": "1", "openai-organization": "org"}).upstream()
    assert (sent.method, sent.path) == ("POST", MESSAGES_PATH)
    assert sent.headers == {
        "anthropic-version": "2026-10-21",
        "x-trace": "1",
        "content-type": "application/json",
    }


def test_the_callers_version_wins():
    assert plan(headers={"anthropic-version": "x"}).headers["anthropic-version"] == "x"


def test_a_continuation_differs_in_its_messages_alone():
    made = plan(max_tokens=10)
    more = [*made.body["messages"], {"role": "assistant", "content": []}]
    sent = json.loads(made.upstream(more).body)
    assert sent == {**json.loads(made.data), "messages": more}


@pytest.mark.parametrize(
    ("request_", "stream", "include_usage"),
    [
        ({}, False, False),
        ({"stream": False}, False, False),
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": {}}, True, False),
        ({"stream": True, "stream_options": {"include_usage": None}}, True, False),
        ({"stream": True, "stream_options": {"include_usage": False}}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
        ({"stream_options": {"include_usage": True}}, False, False),
    ],
)
def test_the_stream_is_as_the_caller_wants_it(request_, stream, include_usage):
    made = plan(max_tokens=10, **request_)
    assert (made.stream, made.include_usage) == (stream, include_usage)
    assert made.body.get("stream", False) == stream


def test_a_long_answer_is_streamed_upstream_but_not_to_the_caller():
    made = plan(max_tokens=STREAM_ABOVE + 1)
    assert made.body["stream"] is True
    assert made.stream is False


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        ({"stream": 1}, "stream"),
        ({"stream_options": 1}, "stream_options"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ],
)
def test_malformed_stream_settings_are_refused(request_, param):
    assert refused(**request_).param == param


def buried(depth):
    value = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def test_nesting_beyond_what_json_can_spell_is_refused():
    assert "nested too deeply" in refused(container=buried(5000)).message


def test_nesting_beyond_what_can_be_read_is_refused():
    assert "nested too deeply" in refused(verbosity=buried(100_000)).message


def test_arguments_nested_too_deeply_are_refused_or_kept_as_text():
    arguments = '{"a":' * 100_000 + "1" + "}" * 100_000
    body = planned(messages=[user(), assistant(None, call(arguments=arguments)), result()])
    assert body["messages"][1]["content"][0]["input"] == {"_raw": arguments}


def test_half_an_emoji_does_not_break_the_request():
    body = planned(messages=[user("\ud83d cut"), assistant("\ude00"), user("\ud83d\ude00")])
    assert body["messages"][0]["content"][0]["text"] == "\ufffd cut"
    assert body["messages"][2]["content"][0]["text"] == "😀"


def test_instructions_of_several_parameters_are_one_last_system_block():
    body = planned(
        messages=[system("S"), user()],
        system="N",
        tools=[function_tool()],
        tool_choice="required",
        verbosity="low",
    )
    assert [block["text"] for block in body["system"]][:2] == ["S", "N"]
    assert len(body["system"]) == 3
