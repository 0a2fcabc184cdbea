"""`reasoning_effort` on the wire: as each model thinks."""

from __future__ import annotations

from conformance.bench import MID, NEW, NEWEST, OLD, Bench
from conformance.registry import check, refuses
from conformance.samples import CITY, answered, called, function, result, user

HAIKU, SONNET5, OPUS55 = "claude-haiku-5-5", "claude-sonnet-5", "claude-opus-5-5"

for effort in ("low", "medium", "high"):
    for label, model in (("mid", MID), ("new", NEW), ("newest", NEWEST)):

        @check(f"thinking.{effort}_is_adaptive.{label}", 13)
        def _(bench: Bench, model: str = model, effort: str = effort) -> None:
            bench.ask(model=model, reasoning_effort=effort, max_tokens=20_000)
            assert bench.sent("output_config.effort") == effort
            assert bench.sent("thinking.budget_tokens") is None
            if model != NEWEST:  # there it is the default and may go unsaid
                assert bench.sent("thinking.type") == "adaptive"
            bench.legal()

    @check(f"thinking.{effort}_is_a_budget.old")
    def _(bench: Bench, effort: str = effort) -> None:
        bench.ask(model=OLD, reasoning_effort=effort, max_tokens=40_000)
        assert bench.sent("thinking.type") == "enabled"
        assert 1024 <= bench.sent("thinking.budget_tokens") < bench.sent("max_tokens")
        assert bench.sent("output_config.effort") is None
        bench.legal()


@check("thinking.budgets_grow_with_effort")
def _(bench: Bench) -> None:
    budgets = []
    for effort in ("low", "medium", "high"):
        bench.ask(model=OLD, reasoning_effort=effort, max_tokens=60_000)
        budgets.append(bench.sent("thinking.budget_tokens"))
    assert budgets == sorted(budgets)
    assert len(set(budgets)) == 3


for label, model in (("old", OLD), ("mid", MID), ("new", NEW), ("newest", NEWEST)):

    @check(f"thinking.absent_sends_nothing.{label}")
    def _(bench: Bench, model: str = model) -> None:
        bench.ask(model=model)
        assert bench.sent("output_config.effort") is None
        assert bench.sent("thinking.budget_tokens") is None
        bench.legal()


for label, model in (("old", OLD), ("mid", MID), ("new", NEW), ("sonnet_5", SONNET5)):

    @check(f"thinking.none_is_off.{label}")
    def _(bench: Bench, model: str = model) -> None:
        bench.ask(model=model, reasoning_effort="none")
        off_by_default = model != SONNET5
        assert bench.sent("thinking.type") == "disabled" or (
            off_by_default and bench.sent("thinking") is None
        )
        bench.legal()


@check("thinking.none_is_between_tools_where_it_cannot_be_off")
def _(bench: Bench) -> None:
    bench.ask(model=NEWEST, reasoning_effort="none")
    assert bench.sent("thinking.type") == "between_tools"
    bench.legal()


@check("thinking.none_is_low_where_it_is_always_on")
def _(bench: Bench) -> None:
    bench.ask(model=OPUS55, reasoning_effort="none")
    assert bench.sent("thinking.type") in (None, "adaptive")
    assert bench.sent("output_config.effort") == "low"
    bench.legal()


@check("thinking.xhigh_is_xhigh.new")
def _(bench: Bench) -> None:
    bench.ask(model=NEW, reasoning_effort="xhigh")
    assert bench.sent("output_config.effort") == "xhigh"


@check("thinking.xhigh_becomes_max_where_there_is_none.mid")
def _(bench: Bench) -> None:
    try:
        bench.ask(model=MID, reasoning_effort="xhigh")
    except Exception as error:  # noqa: BLE001  # a clear refusal is right as well
        bench.is_refusal(error)
    else:
        assert bench.sent("output_config.effort") in ("high", "max")
        bench.legal()


@check("thinking.minimal_is_low.new")
def _(bench: Bench) -> None:
    bench.ask(model=NEW, reasoning_effort="minimal")
    assert bench.sent("output_config.effort") == "low"


@check("thinking.readable_text_is_asked_for", ours=True)
def _(bench: Bench) -> None:
    bench.ask(model=NEW, reasoning_effort="high")
    assert bench.sent("thinking.display") == "summarized"


@check("thinking.native_budget_is_upgraded_for_adaptive_models", 13)
def _(bench: Bench) -> None:
    budget = {"type": "enabled", "budget_tokens": 8000}
    bench.ask(model=NEW, max_tokens=20_000, extra_body={"thinking": budget})
    assert bench.sent("thinking.type") == "adaptive"
    assert bench.sent("thinking.budget_tokens") is None
    bench.legal()


@check("thinking.native_adaptive_passes", 13)
def _(bench: Bench) -> None:
    bench.ask(model=NEW, extra_body={"thinking": {"type": "adaptive", "display": "summarized"}})
    assert bench.sent("thinking") == {"type": "adaptive", "display": "summarized"}


@check("thinking.budget_stays_below_a_small_limit")
def _(bench: Bench) -> None:
    bench.ask(model=OLD, reasoning_effort="high", max_tokens=3_000)
    budget = bench.sent("thinking.budget_tokens")
    assert budget is None or 1024 <= budget < bench.sent("max_tokens")
    bench.legal()


@check("thinking.is_left_out_below_the_smallest_budget")
def _(bench: Bench) -> None:
    try:
        bench.ask(model=OLD, reasoning_effort="high", max_tokens=500)
    except Exception as error:  # noqa: BLE001  # a clear refusal is right as well
        bench.is_refusal(error)
    else:
        assert bench.sent("thinking.type") != "enabled"
        assert bench.sent("max_tokens") == 500
        bench.legal()


for label, choice in {
    "required": "required",
    "named": {"type": "function", "function": {"name": "f"}},
}.items():
    for age, model in (("old", OLD), ("mid", MID)):

        @check(f"thinking.gives_way_to_a_forced_choice.{label}.{age}", 16)
        def _(bench: Bench, choice: object = choice, model: str = model) -> None:
            bench.ask(
                model=model,
                reasoning_effort="high",
                tools=[function("f", CITY)],
                tool_choice=choice,
            )
            forced = bench.sent("tool_choice.type") in ("any", "tool")
            assert forced, "the caller asked for a guaranteed call"
            assert bench.sent("thinking.type") != "enabled"
            bench.legal()


@check("thinking.structured_answers_force_no_tool", 16)
def _(bench: Bench) -> None:
    from conformance.samples import STRICT, json_schema  # noqa: PLC0415

    bench.ask(model=MID, reasoning_effort="high", response_format=json_schema(STRICT))
    assert bench.sent("tool_choice") is None
    assert bench.sent("thinking.type") == "adaptive"
    bench.legal()


@check("thinking.is_off_for_a_tool_turn_that_lost_its_blocks", 1)
def _(bench: Bench) -> None:
    bench.ask(answered("toolu_1"), model=OLD, reasoning_effort="high", tools=[function()])
    assert bench.sent("thinking.type") != "enabled"
    bench.legal()


@check("thinking.is_on_again_after_a_finished_tool_turn", 1)
def _(bench: Bench) -> None:
    history = [*answered("toolu_1"), {"role": "assistant", "content": "done"}, user("go on")]
    bench.ask(history, model=OLD, reasoning_effort="high", tools=[function()])
    assert bench.sent("thinking.type") == "enabled"
    bench.legal()


@check("thinking.stays_on_for_adaptive_models_in_a_tool_turn", 1)
def _(bench: Bench) -> None:
    history = [user("q"), called(("toolu_1", "f")), result("toolu_1")]
    bench.ask(history, model=NEW, reasoning_effort="high", tools=[function()])
    assert bench.sent("thinking.type") in (None, "adaptive")
    bench.legal()


refuses("thinking.unknown_effort_is_refused", param="reasoning_effort", reasoning_effort="utmost")


@check("thinking.null_effort_is_absent")
def _(bench: Bench) -> None:
    bench.ask(reasoning_effort=None)
    assert bench.sent("thinking.type") in (None, "disabled")
    assert bench.sent("output_config") is None
    bench.legal()
