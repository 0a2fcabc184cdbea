import pytest

from chat_requests import (
    FOREIGN,
    MIDDLE,
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
    user,
)
from claif_cla.catalog import model_info
from claif_cla.translate.call import Settings
from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.thinking import settle_thinking
from claif_cla.translate.chat.tools import ToolBox
from claif_cla.translate.receipts import Receipts

BETWEEN = "claude-sonnet-5-5"
"""Thinks between tools instead of not at all."""

SUMMARY = {"type": "adaptive", "display": "summarized"}
FORCED = {"tools": [function_tool()], "tool_choice": "required"}
SIGNED = {"type": "thinking", "thinking": "t", "signature": "s"}


def settled(**request):
    body = planned(**request)
    return body.get("thinking"), body.get("output_config", {}).get("effort")


def details(**request):
    return [note["detail"] for note in plan(**request).receipts.entries]


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        (NEWEST, None, (None, None)),
        (NEWEST, "high", (SUMMARY, "high")),
        (STEADY, None, (None, None)),
        (STEADY, "none", ({"type": "disabled"}, None)),
        (STEADY, "medium", (SUMMARY, "medium")),
        (MIDDLE, "medium", ({"type": "adaptive"}, "medium")),
        (OLD, None, (None, None)),
        (OLD, "low", ({"type": "enabled", "budget_tokens": 2048}, None)),
        (FOREIGN, "low", ({"type": "enabled", "budget_tokens": 2048}, "low")),
    ],
)
def test_an_effort_becomes_what_the_model_has(model, effort, expected):
    assert settled(model=model, reasoning_effort=effort) == expected


@pytest.mark.parametrize(
    ("reasoning", "effort", "thinking"),
    [
        ("auto", None, None),
        ("auto", "none", None),
        ("auto", "low", SUMMARY),
        ("summary", None, SUMMARY),
        ("model", "low", None),
    ],
)
def test_readable_thinking_is_asked_for_as_the_client_says(reasoning, effort, thinking):
    made = planned(reasoning_effort=effort, settings={"reasoning": reasoning})
    assert made.get("thinking") == thinking


def test_an_effort_that_the_model_lacks_leaves_a_receipt():
    assert receipts(reasoning_effort="minimal") == [("reasoning_effort", "adapted")]


def test_an_unknown_effort_is_refused():
    assert refused(reasoning_effort="extreme").param == "reasoning_effort"


def test_a_defaulted_limit_has_room_for_every_budget():
    body = planned(model=OLD, reasoning_effort="max")
    assert body["max_tokens"] == 64_000
    assert body["thinking"]["budget_tokens"] == 32_768


def test_a_foreign_models_defaulted_limit_is_kept():
    assert planned(model=FOREIGN, reasoning_effort="low")["max_tokens"] == 16_384


def test_a_given_limit_cuts_the_budget():
    body = planned(model=OLD, reasoning_effort="high", max_tokens=4000)
    assert body["max_tokens"] == 4000
    assert body["thinking"]["budget_tokens"] < 4000


def test_a_native_thinking_wins_over_the_effort():
    thinking = {"type": "enabled", "budget_tokens": 3000}
    assert settled(model=OLD, thinking=thinking, reasoning_effort="high") == (thinking, None)


def test_a_native_budget_beyond_the_limit_is_cut_with_a_receipt():
    request = {"thinking": {"type": "enabled", "budget_tokens": 8000}, "max_tokens": 4000}
    assert settled(model=OLD, **request)[0]["budget_tokens"] < 4000
    assert receipts(model=OLD, **request) == [("thinking", "adapted")]


def test_a_native_budget_on_a_newer_model_is_upgraded_with_a_receipt():
    request = {"thinking": {"type": "enabled", "budget_tokens": 8000}, "model": STEADY}
    assert settled(**request) == ({"type": "adaptive"}, "medium")
    assert receipts(**request) == [("thinking", "adapted")]


def test_a_native_effort_stands_beside_an_upgraded_budget():
    request = {"thinking": {"type": "enabled", "budget_tokens": 8000}, "model": STEADY}
    assert settled(**request, output_config={"effort": "max"}) == ({"type": "adaptive"}, "max")


def test_a_native_adaptive_thinking_gets_a_budget_below_the_limit():
    body = planned(model=OLD, thinking={"type": "adaptive"}, max_tokens=6000)
    assert 1024 <= body["thinking"]["budget_tokens"] < 6000


@pytest.mark.parametrize(
    ("model", "thinking", "effort", "sent", "told"),
    [
        (STEADY, {"type": "adaptive"}, "low", ({"type": "adaptive"}, "low"), []),
        (STEADY, {"type": "adaptive"}, "minimal", ({"type": "adaptive"}, "low"), ["effort"]),
        (STEADY, {"type": "adaptive"}, "none", ({"type": "adaptive"}, None), ["effort"]),
        (STEADY, {"type": "disabled"}, "none", ({"type": "disabled"}, None), []),
        (
            STEADY,
            {"type": "enabled", "budget_tokens": 8000},
            "medium",
            ({"type": "adaptive"}, "medium"),
            ["thinking"],
        ),
        (
            STEADY,
            {"type": "enabled", "budget_tokens": 8000},
            "max",
            ({"type": "adaptive"}, "medium"),
            ["thinking", "effort"],
        ),
        (
            BETWEEN,
            {"type": "between_tools"},
            "xhigh",
            ({"type": "between_tools"}, None),
            ["effort"],
        ),
        (
            OLD,
            {"type": "enabled", "budget_tokens": 3000},
            "high",
            ({"type": "enabled", "budget_tokens": 3000}, None),
            ["effort"],
        ),
        (FOREIGN, {"type": "of_its_own"}, "high", ({"type": "of_its_own"}, "high"), []),
    ],
)
def test_an_effort_beside_a_native_thinking_sets_what_that_leaves_open(
    model, thinking, effort, sent, told
):
    request = {"model": model, "thinking": thinking, "reasoning_effort": effort}
    assert settled(**request) == sent
    assert [param.removeprefix("reasoning_") for param, _ in receipts(**request)] == told


def test_an_unknown_effort_beside_a_native_thinking_is_refused():
    request = {"thinking": {"type": "adaptive"}, "reasoning_effort": "extreme"}
    assert refused(**request).param == "reasoning_effort"


@pytest.mark.parametrize(("own", "told"), [("max", [("reasoning_effort", "adapted")]), ("low", [])])
def test_a_native_effort_wins_over_the_effort(own, told):
    request = {"model": STEADY, "output_config": {"effort": own}, "reasoning_effort": "low"}
    assert settled(**request) == (SUMMARY, own)
    assert receipts(**request) == told


@pytest.mark.parametrize(
    "asked", [{"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}]
)
def test_a_native_effort_wins_over_thinking_that_we_would_have_turned_down(asked):
    request = {"model": BETWEEN, "output_config": {"effort": "max"}, **asked}
    assert settled(**request) == (None, "max")
    assert any("`between_tools`" in detail for detail in details(**request))


def test_what_the_caller_wrote_that_does_not_go_together_is_for_the_api_to_refuse():
    request = {"output_config": {"effort": "max"}, "thinking": {"type": "between_tools"}}
    assert settled(model=BETWEEN, **request) == ({"type": "between_tools"}, "max")


@pytest.mark.parametrize(
    ("extra", "param"),
    [
        ({"reasoning_effort": "high"}, "reasoning_effort"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "thinking"),
    ],
)
def test_a_forced_call_wins_over_a_budget(extra, param):
    body = planned(model=OLD, **FORCED, **extra)
    assert "thinking" not in body
    assert body["tool_choice"] == {"type": "any"}
    assert receipts(model=OLD, **FORCED, **extra) == [(param, "adapted")]


def test_a_forced_call_stands_beside_adaptive_thinking():
    body = planned(model=STEADY, **FORCED, reasoning_effort="low")
    assert (body["thinking"], body["tool_choice"]) == (SUMMARY, {"type": "any"})


OPEN_TURN = [user(), assistant(None, call()), result()]


@pytest.mark.parametrize("messages", [OPEN_TURN, [*OPEN_TURN, user("and?")]])
def test_a_turn_that_began_without_thinking_goes_on_without(messages):
    request = {"model": OLD, "reasoning_effort": "low", "messages": messages}
    assert settled(**request) == (None, None)
    assert ("reasoning_effort", "adapted") in receipts(**request)


def test_a_turn_that_began_with_thinking_goes_on_with_it():
    messages = [user(), assistant(None, call(), thinking_blocks=[SIGNED]), result()]
    assert settled(model=OLD, reasoning_effort="low", messages=messages)[0]["type"] == "enabled"


def test_a_finished_turn_without_thinking_does_no_harm():
    messages = [*OPEN_TURN, assistant("done"), user("more")]
    assert settled(model=OLD, reasoning_effort="low", messages=messages)[0]["type"] == "enabled"


def test_adaptive_models_think_on_in_a_turn_that_began_without():
    assert settled(model=STEADY, reasoning_effort="low", messages=OPEN_TURN)[0] == SUMMARY


def test_a_continued_message_is_continued_without_thinking():
    request = {"model": OLD, "reasoning_effort": "low", "messages": [user(), assistant("So")]}
    assert settled(**request) == (None, None)
    assert receipts(**request) == [("reasoning_effort", "adapted")]


def test_a_foreign_models_thinking_is_as_given():
    thinking = {"type": "enabled", "budget_tokens": 2000}
    assert settled(model=FOREIGN, thinking=thinking, messages=OPEN_TURN) == (thinking, None)


def test_a_system_message_at_the_end_does_not_hide_the_open_turn():
    model = model_info.lookup(OLD)._replace(mid_conversation_system=True)
    notes = Receipts()
    context = Context({}, Settings(), OLD, model, ToolBox(), notes)
    body = {
        "max_tokens": 4096,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "messages": [
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a"}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]},
            {"role": "system", "content": [{"type": "text", "text": "now"}]},
        ],
    }
    settle_thinking(body, context)
    assert "thinking" not in body
    assert notes.entries[0]["detail"].endswith("does not think in a turn that began without.")
