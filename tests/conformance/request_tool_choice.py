"""`tool_choice` and `parallel_tool_calls`."""

from __future__ import annotations

from typing import Any

from conformance.bench import MID, NEW, NEWEST, Bench
from conformance.registry import check, expects, refuses
from conformance.samples import function
from loopback import tool_use_block

F = [function()]
CHOSEN = {"type": "function", "function": {"name": "f"}}


def allowed(mode: str, *tools: Any) -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [*tools]}}


for label, value, expected in (
    ("auto", "auto", {"tool_choice.type": "auto"}),
    ("required", "required", {"tool_choice.type": "any"}),
    ("named", CHOSEN, {"tool_choice.type": "tool", "tool_choice.name": "f"}),
):
    expects(f"tool_choice.{label}", tools=F, tool_choice=value, wire=expected)


@check("tool_choice.none_keeps_claude_from_calling")
def _(bench: Bench) -> None:
    bench.ask(tools=F, tool_choice="none")
    assert bench.sent("tool_choice.type") == "none" or bench.sent("tools") is None
    bench.legal()


@check("tool_choice.none_keeps_the_tools_for_the_cache")
def _(bench: Bench) -> None:
    bench.ask(tools=F, tool_choice="none")
    assert bench.sent("tool_choice") == {"type": "none"}
    assert bench.sent("tools.0.name") == "f"


@check("tool_choice.absent_leaves_it_to_claude")
def _(bench: Bench) -> None:
    bench.ask(tools=F)
    assert bench.sent("tool_choice") in (None, {"type": "auto"})


expects(
    "tool_choice.parallel_false_without_a_choice",
    33,
    tools=F,
    parallel_tool_calls=False,
    wire={"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
)
expects(
    "tool_choice.parallel_false_with_a_forced_choice",
    33,
    tools=F,
    parallel_tool_calls=False,
    tool_choice=CHOSEN,
    wire={"tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True}},
)
expects(
    "tool_choice.parallel_false_with_required",
    33,
    tools=F,
    parallel_tool_calls=False,
    tool_choice="required",
    wire={"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
)


@check("tool_choice.parallel_true_changes_nothing", 33)
def _(bench: Bench) -> None:
    bench.ask(tools=F, parallel_tool_calls=True)
    assert not bench.sent("tool_choice.disable_parallel_tool_use")
    bench.legal()


@check("tool_choice.allowed_tools_are_a_subset")
def _(bench: Bench) -> None:
    bench.ask(tools=[function("f"), function("g")], tool_choice=allowed("auto", CHOSEN))
    assert [tool["name"] for tool in bench.wire["tools"]] == ["f"]
    assert bench.sent("tool_choice.type") in (None, "auto")
    bench.legal()


@check("tool_choice.the_one_allowed_tool_can_be_required")
def _(bench: Bench) -> None:
    bench.ask(tools=[function("f"), function("g")], tool_choice=allowed("required", CHOSEN))
    only = [tool["name"] for tool in bench.wire["tools"]] == ["f"]
    choice = bench.sent("tool_choice")
    assert choice["type"] == "any" if only else choice == {"type": "tool", "name": "f"}
    bench.legal()


@check("tool_choice.no_allowed_tool_is_none")
def _(bench: Bench) -> None:
    bench.ask(tools=F, tool_choice=allowed("auto"))
    assert not bench.sent("tools") or bench.sent("tool_choice.type") == "none"
    bench.legal()


@check("tool_choice.forced_is_not_sent_to_a_model_that_refuses_it")
def _(bench: Bench) -> None:
    bench.ask(tools=F, tool_choice="required", model=NEWEST)
    assert bench.sent("tool_choice.type") in (None, "auto")
    bench.legal()


@check("tool_choice.forced_in_words_is_asked_for_once_more", ours=True)
def _(bench: Bench) -> None:
    bench.says("I would rather not.")
    bench.says(tool_use_block("f", {}), stop_reason="tool_use")
    answer = bench.ask(tools=F, tool_choice="required", model=NEWEST)
    assert answer.calls
    assert answer.finish == "tool_calls"
    assert len(bench.requests) == 2
    bench.legal()


@check("tool_choice.forced_in_words_is_asked_for_no_third_time", ours=True)
def _(bench: Bench) -> None:
    bench.says("No.")
    bench.says("No!")
    answer = bench.ask(tools=F, tool_choice="required", model=NEWEST)
    assert not answer.calls
    assert answer.finish == "stop"
    assert len(bench.requests) == 2


@check("tool_choice.forced_in_words_is_asked_for_once_more_in_streams", ours=True)
def _(bench: Bench) -> None:
    bench.says("I would rather not.")
    bench.says(tool_use_block("f", {}), stop_reason="tool_use")
    stream = bench.stream(tools=F, tool_choice="required", model=NEWEST)
    assert stream.calls
    assert stream.finish == "tool_calls"
    assert len(bench.requests) == 2
    bench.legal()


for model, label in ((MID, "mid"), (NEW, "new")):
    expects(
        f"tool_choice.required.{label}",
        model=model,
        tools=F,
        tool_choice="required",
        wire={"tool_choice.type": "any"},
    )
refuses("tool_choice.of_no_tool_is_refused", param="tool_choice", tool_choice="required")
refuses(
    "tool_choice.of_an_unknown_tool_is_refused",
    param="tool_choice",
    tools=F,
    tool_choice={"type": "function", "function": {"name": "nope"}},
)
refuses("tool_choice.unknown_word_is_refused", param="tool_choice", tools=F, tool_choice="maybe")
