"""The table of parameters: complete, explained, and each tried in every mode."""

import pytest
from openai.types.chat import completion_create_params

from chat_requests import OLD, assistant, function_tool, plan, planned, user
from claif_cla.errors import Refusal
from claif_cla.translate.chat.params import PARAMS
from claif_cla.translate.rules import Convert, Elsewhere, Refuse, Tune

SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
FORMAT = {"type": "json_schema", "json_schema": {"name": "o", "schema": SCHEMA}}
FUNCTION = {"name": "f", "parameters": SCHEMA}
TOOLS = [function_tool("f", SCHEMA)]
SENT, ADAPTED, DROPPED, REFUSED = "sent", "adapted", "dropped", "refused"
# parameter, value, what else the request needs, and what becomes of it in adapt mode
CASES = [
    ("model", OLD, {}, SENT),
    ("model", "claude-3-5-sonnet-20241022", {}, ADAPTED),
    ("messages", [user("hello")], {}, SENT),
    ("messages", [user(), assistant("So")], {}, ADAPTED),
    ("tools", TOOLS, {}, SENT),
    ("functions", [FUNCTION], {}, SENT),
    ("tool_choice", "none", {"tools": TOOLS}, SENT),
    ("tool_choice", "required", {"tools": TOOLS}, ADAPTED),
    ("function_call", "none", {"functions": [FUNCTION]}, SENT),
    ("parallel_tool_calls", False, {"tools": TOOLS}, SENT),
    ("max_completion_tokens", 50, {}, SENT),
    ("max_completion_tokens", 500_000, {}, ADAPTED),
    ("max_tokens", 50, {}, SENT),
    ("max_tokens", 500_000, {}, ADAPTED),
    ("stop", ["a", "b", "c", "d", "e"], {}, SENT),
    ("stop", [" "], {}, DROPPED),
    ("temperature", 0.3, {"model": OLD}, SENT),
    ("temperature", 1.5, {"model": OLD}, ADAPTED),
    ("temperature", 0.3, {}, DROPPED),
    ("top_p", 0.3, {"model": OLD}, SENT),
    ("top_p", 0.3, {}, DROPPED),
    ("frequency_penalty", 1, {}, ADAPTED),
    ("presence_penalty", -1, {}, ADAPTED),
    ("verbosity", "low", {}, ADAPTED),
    ("reasoning_effort", "low", {}, SENT),
    ("reasoning_effort", "minimal", {}, ADAPTED),
    ("response_format", FORMAT, {}, SENT),
    ("response_format", {"type": "json_object"}, {}, ADAPTED),
    ("stream", True, {}, SENT),
    ("stream_options", {"include_usage": True}, {"stream": True}, SENT),
    ("user", "u", {}, SENT),
    ("user", "ann@example.com", {}, ADAPTED),
    ("safety_identifier", "u", {}, SENT),
    ("safety_identifier", "ann@example.com", {}, ADAPTED),
    ("metadata", {"user_id": "u"}, {}, SENT),
    ("metadata", {"a": "b"}, {}, DROPPED),
    ("prompt_cache_key", "k", {}, SENT),
    ("prompt_cache_options", {"mode": "implicit"}, {}, SENT),
    ("prompt_cache_retention", "in_memory", {}, SENT),
    ("prompt_cache_retention", "24h", {}, ADAPTED),
    ("seed", 7, {}, DROPPED),
    ("prediction", {"type": "content", "content": "x"}, {}, DROPPED),
    ("store", False, {}, SENT),
    ("store", True, {}, DROPPED),
    ("service_tier", "default", {}, SENT),
    ("service_tier", "flex", {}, DROPPED),
    ("n", 1, {}, SENT),
    ("n", 2, {}, SENT),
    ("logprobs", False, {}, SENT),
    ("logprobs", True, {}, REFUSED),
    ("top_logprobs", 0, {}, SENT),
    ("top_logprobs", 2, {}, REFUSED),
    ("logit_bias", {}, {}, SENT),
    ("logit_bias", {"50256": -100}, {}, REFUSED),
    ("modalities", ["text"], {}, SENT),
    ("modalities", ["text", "audio"], {}, REFUSED),
    ("audio", {"voice": "ash", "format": "wav"}, {}, REFUSED),
    ("moderation", {"model": "m"}, {}, REFUSED),
    ("web_search_options", {}, {}, SENT),
]


def outcome(compat, name, value, more):
    """What becomes of the parameter in a mode: sent, adapted, dropped or refused."""
    try:
        made = plan(**{**more, name: value}, settings={"compat": compat})
    except Refusal as refusal:
        return REFUSED if refusal.param == name else refusal.message
    actions = {entry["action"] for entry in made.receipts.entries}
    assert {entry["param"] for entry in made.receipts.entries} <= {name}
    return actions.pop() if actions else SENT


def test_the_table_knows_every_parameter_of_the_installed_sdk():
    base = completion_create_params.CompletionCreateParamsBase.__annotations__
    assert {*base, "stream"} <= PARAMS.keys()


@pytest.mark.parametrize("name", sorted(PARAMS))
def test_every_rule_has_a_note_that_users_can_read(name):
    note = PARAMS[name].note
    assert note.endswith(".")
    assert len(note) > 8


@pytest.mark.parametrize("name", sorted(PARAMS))
def test_every_parameter_is_tried(name):
    outcomes = {case[3] for case in CASES if case[0] == name}
    assert outcomes
    match PARAMS[name]:
        case Tune():
            assert DROPPED in outcomes
        case Refuse():
            assert REFUSED in outcomes
        case Convert() | Elsewhere():
            assert SENT in outcomes or ADAPTED in outcomes


@pytest.mark.parametrize(("name", "value", "more", "expected"), CASES)
def test_adapt_keeps_what_has_a_near_equivalent_or_only_tunes(name, value, more, expected):
    assert outcome("adapt", name, value, more) == expected


@pytest.mark.parametrize(("name", "value", "more", "expected"), CASES)
def test_strict_refuses_what_is_not_exact(name, value, more, expected):
    assert outcome("strict", name, value, more) == (SENT if expected == SENT else REFUSED)


@pytest.mark.parametrize(("name", "value", "more", "expected"), CASES)
def test_lenient_drops_what_the_request_can_do_without(name, value, more, expected):
    assert outcome("lenient", name, value, more) == (DROPPED if expected == REFUSED else expected)


NULLABLE = [name for name in sorted(PARAMS) if name != "messages"]


@pytest.mark.parametrize("compat", ["strict", "adapt", "lenient"])
@pytest.mark.parametrize("name", NULLABLE)
def test_null_is_absent_in_every_mode(name, compat):
    settings = {"compat": compat, "default_model": OLD}
    without = planned(settings=settings, model=None)
    assert planned(settings=settings, **{"model": None, name: None}) == without
