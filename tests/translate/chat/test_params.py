"""The table of parameters: complete, explained, and each tried in every mode."""

import pytest
from openai.types.chat import completion_create_params

from chat_requests import FOREIGN, OLD, assistant, function_tool, plan, planned, user
from claif_cla.errors import Refusal
from claif_cla.translate.chat.params import PARAMS
from claif_cla.translate.rules import Convert, Elsewhere, Refuse, Tune

SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
FORMAT = {"type": "json_schema", "json_schema": {"name": "o", "schema": SCHEMA}}
FUNCTION = {"name": "f", "parameters": SCHEMA}
TOOLS = [function_tool("f", SCHEMA)]
VOICE = {"voice": "ash", "format": "wav"}
NAN, INF = float("nan"), float("inf")
COMPATS = ("strict", "adapt", "lenient")
SENT, ADAPTED, DROPPED, REFUSED, WRONG = "sent", "adapted", "dropped", "refused", "wrong"
FATES = {
    SENT: (SENT, SENT, SENT),
    ADAPTED: (REFUSED, ADAPTED, ADAPTED),
    DROPPED: (REFUSED, DROPPED, DROPPED),
    REFUSED: (REFUSED, REFUSED, DROPPED),
    WRONG: (WRONG, WRONG, WRONG),
}
"""What becomes of a class of values in `strict`, `adapt` and `lenient`. Neutral values are `SENT`:
they change nothing; what is `WRONG` makes no valid request in any mode."""
# parameter, value, what else the request needs, and its class
CASES = [
    ("model", OLD, {}, SENT),
    ("model", 5, {}, WRONG),
    ("model", "", {}, WRONG),
    ("model", "claude-3-5-sonnet-20241022", {}, ADAPTED),
    ("messages", [user("hello")], {}, SENT),
    ("messages", [user(), assistant("So")], {}, ADAPTED),
    ("messages", [], {}, WRONG),
    ("messages", "hello", {}, WRONG),
    ("messages", [{"role": "user", "content": 5}], {}, WRONG),
    ("tools", TOOLS, {}, SENT),
    ("tools", [], {}, SENT),
    ("tools", {}, {}, WRONG),
    ("tools", [5], {}, WRONG),
    ("functions", [FUNCTION], {}, SENT),
    ("functions", [], {}, SENT),
    ("functions", [{}], {}, WRONG),
    ("functions", [FUNCTION], {"tools": TOOLS}, WRONG),
    ("tool_choice", "none", {"tools": TOOLS}, SENT),
    ("tool_choice", "required", {"tools": TOOLS}, ADAPTED),
    ("tool_choice", "auto", {}, SENT),
    ("tool_choice", "required", {}, WRONG),
    ("tool_choice", "maybe", {"tools": TOOLS}, WRONG),
    ("function_call", "none", {"functions": [FUNCTION]}, SENT),
    ("function_call", {"name": "f"}, {"functions": [FUNCTION]}, ADAPTED),
    ("function_call", {"name": "g"}, {"functions": [FUNCTION]}, WRONG),
    ("parallel_tool_calls", False, {"tools": TOOLS}, SENT),
    ("parallel_tool_calls", True, {"tools": TOOLS}, SENT),
    ("parallel_tool_calls", False, {}, SENT),
    ("parallel_tool_calls", 0, {}, WRONG),
    ("max_completion_tokens", 50, {}, SENT),
    ("max_completion_tokens", 500_000, {}, ADAPTED),
    ("max_completion_tokens", 50.0, {}, SENT),
    ("max_completion_tokens", 0, {}, WRONG),
    ("max_completion_tokens", -1, {}, WRONG),
    ("max_completion_tokens", 1.5, {}, WRONG),
    ("max_completion_tokens", True, {}, WRONG),
    ("max_completion_tokens", "50", {}, WRONG),
    ("max_completion_tokens", NAN, {}, WRONG),
    ("max_completion_tokens", INF, {}, WRONG),
    ("max_tokens", 50, {}, SENT),
    ("max_tokens", 500_000, {}, ADAPTED),
    ("max_tokens", 50.0, {}, SENT),
    ("max_tokens", 0, {}, WRONG),
    ("max_tokens", -1, {}, WRONG),
    ("max_tokens", 1.5, {}, WRONG),
    ("max_tokens", True, {}, WRONG),
    ("max_tokens", "50", {}, WRONG),
    ("max_tokens", NAN, {}, WRONG),
    ("max_tokens", INF, {}, WRONG),
    ("max_tokens", 50, {"max_completion_tokens": 50}, SENT),
    ("max_tokens", 50, {"max_completion_tokens": 60}, DROPPED),
    ("max_tokens", "50", {"max_completion_tokens": 60}, WRONG),
    ("stop", ["a", "b", "c", "d", "e"], {}, SENT),
    ("stop", [" "], {}, DROPPED),
    ("stop", "END", {}, SENT),
    ("stop", [], {}, SENT),
    ("stop", "", {}, DROPPED),
    ("stop", 5, {}, WRONG),
    ("stop", ["a", None], {}, WRONG),
    ("temperature", 0.3, {"model": OLD}, SENT),
    ("temperature", 1.5, {"model": OLD}, ADAPTED),
    ("temperature", 0.3, {}, DROPPED),
    ("temperature", 1, {}, SENT),
    ("temperature", 2.1, {}, WRONG),
    ("temperature", -0.1, {}, WRONG),
    ("temperature", True, {}, WRONG),
    ("temperature", "1", {}, WRONG),
    ("temperature", NAN, {}, WRONG),
    ("top_p", 0.3, {"model": OLD}, SENT),
    ("top_p", 0.3, {}, DROPPED),
    ("top_p", 1, {}, SENT),
    ("top_p", 1.1, {}, WRONG),
    ("top_p", False, {}, WRONG),
    ("top_p", "1", {}, WRONG),
    ("top_p", INF, {}, WRONG),
    ("frequency_penalty", 1, {}, ADAPTED),
    ("frequency_penalty", 0, {}, SENT),
    ("frequency_penalty", 2.5, {}, WRONG),
    ("frequency_penalty", True, {}, WRONG),
    ("frequency_penalty", NAN, {}, WRONG),
    ("presence_penalty", -1, {}, ADAPTED),
    ("presence_penalty", 0, {}, SENT),
    ("presence_penalty", 2.5, {}, WRONG),
    ("presence_penalty", True, {}, WRONG),
    ("presence_penalty", NAN, {}, WRONG),
    ("verbosity", "low", {}, ADAPTED),
    ("verbosity", "high", {}, ADAPTED),
    ("verbosity", "medium", {}, SENT),
    ("verbosity", "loud", {}, WRONG),
    ("reasoning_effort", "low", {}, SENT),
    ("reasoning_effort", "minimal", {}, ADAPTED),
    ("reasoning_effort", "huge", {}, WRONG),
    ("response_format", FORMAT, {}, SENT),
    ("response_format", {"type": "json_object"}, {}, ADAPTED),
    ("response_format", {"type": "text"}, {}, SENT),
    ("response_format", {"type": "yaml"}, {}, WRONG),
    ("stream", True, {}, SENT),
    ("stream", False, {}, SENT),
    ("stream", 1, {}, WRONG),
    ("stream_options", {"include_usage": True}, {"stream": True}, SENT),
    ("stream_options", {"include_obfuscation": False}, {"stream": True}, SENT),
    ("stream_options", {"include_usage": True}, {}, SENT),
    ("stream_options", {"include_useage": True}, {"stream": True}, REFUSED),
    ("stream_options", {"include_usage": 1}, {}, WRONG),
    ("stream_options", {"include_obfuscation": "no"}, {}, WRONG),
    ("user", "u", {}, SENT),
    ("user", "u", {"safety_identifier": "u"}, SENT),
    ("user", "u", {"safety_identifier": "v"}, DROPPED),
    ("user", "ann@example.com", {}, ADAPTED),
    ("user", "", {}, SENT),
    ("user", 5, {}, WRONG),
    ("safety_identifier", "u", {}, SENT),
    ("safety_identifier", "ann@example.com", {}, ADAPTED),
    ("safety_identifier", "", {}, SENT),
    ("safety_identifier", 5, {}, WRONG),
    ("metadata", {"user_id": "u"}, {}, SENT),
    ("metadata", {"a": "b"}, {}, DROPPED),
    ("metadata", {}, {}, SENT),
    ("metadata", "a", {}, WRONG),
    ("prompt_cache_key", "k", {}, SENT),
    ("prompt_cache_key", 5, {}, WRONG),
    ("prompt_cache_options", {"mode": "implicit"}, {}, SENT),
    ("prompt_cache_options", {"mode": "explicit", "ttl": "30m"}, {}, SENT),
    ("prompt_cache_options", {"ttl": "30m"}, {}, SENT),
    ("prompt_cache_options", {"ttl": "30m"}, {"model": FOREIGN}, DROPPED),
    ("prompt_cache_options", {"tll": "30m"}, {}, REFUSED),
    ("prompt_cache_options", {"ttl": "5m"}, {}, WRONG),
    ("prompt_cache_options", "implicit", {}, WRONG),
    ("prompt_cache_retention", "in_memory", {}, SENT),
    ("prompt_cache_retention", "24h", {}, ADAPTED),
    ("prompt_cache_retention", "24h", {"model": FOREIGN}, DROPPED),
    ("prompt_cache_retention", "1h", {}, WRONG),
    ("seed", 7, {}, DROPPED),
    ("seed", "7", {}, WRONG),
    ("seed", True, {}, WRONG),
    ("prediction", {"type": "content", "content": "x"}, {}, DROPPED),
    ("prediction", "x", {}, WRONG),
    ("store", False, {}, SENT),
    ("store", True, {}, DROPPED),
    ("store", 1, {}, WRONG),
    ("service_tier", "default", {}, SENT),
    ("service_tier", "flex", {}, DROPPED),
    ("service_tier", "auto", {}, SENT),
    ("service_tier", "scale", {}, DROPPED),
    ("service_tier", "priority", {}, SENT),
    ("service_tier", "fast", {}, SENT),
    ("service_tier", "priority", {"model": OLD}, DROPPED),
    ("service_tier", "fast", {"model": OLD}, DROPPED),
    ("service_tier", "slow", {}, WRONG),
    ("n", 1, {}, SENT),
    ("n", 2, {}, SENT),
    ("n", 0, {}, WRONG),
    ("n", 129, {}, WRONG),
    ("n", True, {}, WRONG),
    ("n", "2", {}, WRONG),
    ("logprobs", False, {}, SENT),
    ("logprobs", True, {}, REFUSED),
    ("logprobs", 1, {}, WRONG),
    ("top_logprobs", 0, {}, SENT),
    ("top_logprobs", 2, {}, REFUSED),
    ("top_logprobs", False, {}, WRONG),
    ("logit_bias", {}, {}, SENT),
    ("logit_bias", {"50256": -100}, {}, REFUSED),
    ("logit_bias", [], {}, WRONG),
    ("modalities", ["text"], {}, SENT),
    ("modalities", ["text", "audio"], {}, REFUSED),
    ("modalities", ["audio"], {"audio": VOICE}, REFUSED),
    ("modalities", "text", {}, WRONG),
    ("audio", VOICE, {}, DROPPED),
    ("audio", "ash", {}, WRONG),
    ("moderation", {"model": "m"}, {}, REFUSED),
    ("moderation", True, {}, WRONG),
    ("web_search_options", {}, {}, SENT),
    ("web_search_options", {"search_context_size": "low"}, {}, ADAPTED),
    ("web_search_options", {"search_context_size": "huge"}, {}, WRONG),
]


def outcome(compat, name, value, more):
    """What becomes of the parameter in a mode, and what the caller is told."""
    try:
        made = plan(**{**more, name: value}, settings={"compat": compat})
    except Refusal as refusal:
        wrong = refusal.code in ("invalid_type", "invalid_value", "missing_required_parameter")
        return (WRONG if wrong else REFUSED), refusal
    entries = [entry for entry in made.receipts.entries if _is_of(entry["param"], name)]
    return (entries[0]["action"] if entries else SENT), made


def _is_of(param, name):
    return param.replace("[", ".").split(".")[0] == name


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
    classes = {case[3] for case in CASES if case[0] == name}
    assert WRONG in classes
    match PARAMS[name]:
        case Tune():
            assert DROPPED in classes
        case Refuse():
            assert {SENT, REFUSED} <= classes or name == "moderation"
        case Convert() | Elsewhere():
            assert SENT in classes


@pytest.mark.parametrize(("name", "value", "more", "kind"), CASES)
def test_each_value_has_its_fate_in_each_mode(name, value, more, kind):
    told = [outcome(compat, name, value, more)[0] for compat in COMPATS]
    assert tuple(told) == FATES[kind]


@pytest.mark.parametrize("compat", COMPATS)
@pytest.mark.parametrize(
    ("name", "value", "more"), [case[:3] for case in CASES if case[3] in (REFUSED, WRONG)]
)
def test_a_refusal_names_the_parameter_and_says_what_to_do(compat, name, value, more):
    fate, refusal = outcome(compat, name, value, more)
    if fate == DROPPED:
        return
    assert _is_of(refusal.param, name)
    assert f"`{name}" in refusal.message
    if fate == REFUSED:
        assert "Leave it out" in refusal.message
        assert "compat='lenient'" in refusal.message


@pytest.mark.parametrize(
    ("name", "value", "more"), [case[:3] for case in CASES if case[3] in (ADAPTED, DROPPED)]
)
def test_strict_says_which_mode_would_do_it(name, value, more):
    _, refusal = outcome("strict", name, value, more)
    assert _is_of(refusal.param, name)
    assert (refusal.code, "compat='adapt'" in refusal.message) == ("unsupported_value", True)


NULLABLE = [name for name in sorted(PARAMS) if name != "messages"]


@pytest.mark.parametrize("compat", COMPATS)
@pytest.mark.parametrize("name", NULLABLE)
def test_null_is_absent_in_every_mode(name, compat):
    settings = {"compat": compat, "default_model": OLD}
    without = planned(settings=settings, model=None)
    assert planned(settings=settings, **{"model": None, name: None}) == without
