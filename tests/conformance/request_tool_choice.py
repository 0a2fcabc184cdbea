"""`tool_choice` and `parallel_tool_calls`."""

from __future__ import annotations

from conformance.bench import MID, NEW, NEWEST, Bench
from conformance.registry import check, expects, refuses
from conformance.samples import function

F = [function()]
CHOSEN = {"type": "function", "function": {"name": "f"}}

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
    allowed = {"mode": "required", "tools": [CHOSEN]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    bench.ask(tools=[function("f"), function("g")], tool_choice=choice)
    assert [tool["name"] for tool in bench.wire["tools"]] == ["f"]
    assert bench.sent("tool_choice.type") in ("any", "tool")
    bench.legal()


@check("tool_choice.forced_is_not_sent_to_a_model_that_refuses_it")
def _(bench: Bench) -> None:
    bench.ask(tools=F, tool_choice="required", model=NEWEST)
    assert bench.sent("tool_choice.type") in (None, "auto")
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
