"""Thinking in answers, and on its way back."""

from __future__ import annotations

from typing import Any

from conformance.bench import NEW, OLD, Bench
from conformance.both_ways import Got, both
from conformance.registry import check
from conformance.samples import ASKED, function, result, user
from loopback import redacted_thinking_block, text_block, thinking_block, tool_use_block

CALL = tool_use_block("f", {}, id="toolu_1")
F = [function()]
HARD = {"reasoning_effort": "high", "max_tokens": 30_000}


@both("thinking_is_reasoning_content", blocks=[thinking_block("Let me see.", "S"), "ok"])
def _(got: Got) -> None:
    assert got.reasoning == "Let me see."
    assert got.text == "ok"


@both("thinking_is_told_once", 10, blocks=[thinking_block("abc", "S"), "ok"], piece=1)
def _(got: Got) -> None:
    assert got.reasoning == "abc"


@both(
    "hidden_thinking_is_no_text", 3, blocks=[thinking_block("", "S"), CALL], stop_reason="tool_use"
)
def _(got: Got) -> None:
    assert got.reasoning == ""
    assert not got.text
    assert len(got.calls) == 1


@both("redacted_thinking_is_no_text", 4, blocks=[redacted_thinking_block("XYZ"), "ok"])
def _(got: Got) -> None:
    assert got.text == "ok"
    assert "XYZ" not in got.reasoning


def replayed(
    bench: Bench, *blocks: dict[str, Any], model: str = NEW, stripped: bool = False
) -> Any:
    """The assistant turn of the next request, after an answer of these blocks."""
    calls = [block for block in blocks if block["type"] == "tool_use"]
    bench.says(*blocks, stop_reason="tool_use" if calls else "end_turn")
    answer = bench.ask([ASKED], model=model, tools=F, **HARD)
    said = answer.stripped if stripped else answer.echo
    after = [result(call["id"]) for call in calls] or [user("go on")]
    bench.ask([ASKED, said, *after], model=model, tools=F, **HARD)
    bench.legal()
    return next(made for role, made in bench.turns if role == "assistant")


def unmarked(blocks: Any) -> list[dict[str, Any]]:
    """Blocks as dictionaries, without cache markers."""
    return [
        {key: value for key, value in block.items() if key != "cache_control"} for block in blocks
    ]


THOUGHT = thinking_block("x \n", "S1")

for label, thought, report in (
    ("thinking", THOUGHT, 1),
    ("hidden_thinking", thinking_block("", "S"), 3),
    ("redacted_thinking", redacted_thinking_block("XYZ"), 4),
):
    for age, model in (("old", OLD), ("new", NEW)):

        @check(f"replay.{label}_goes_back_before_its_call.{age}", report)
        def _(bench: Bench, thought: dict[str, Any] = thought, model: str = model) -> None:
            assert replayed(bench, thought, CALL, model=model)[:1] == [thought]

        @check(f"replay.{label}_survives_a_client_that_strips_it.{age}", report)
        def _(bench: Bench, thought: dict[str, Any] = thought, model: str = model) -> None:
            made = replayed(bench, thought, CALL, model=model, stripped=True)
            restored = made[:1] == [thought]
            # Where it cannot be restored, the request must at least be one that the API takes.
            assert restored or bench.sent("thinking.type") != "enabled"


@check("replay.thinking_is_restored_for_a_client_that_strips_it", 1, ours=True)
def _(bench: Bench) -> None:
    assert replayed(bench, THOUGHT, CALL, stripped=True)[:1] == [THOUGHT]


@check("replay.thinking_is_restored_by_the_text_alone", 1, ours=True)
def _(bench: Bench) -> None:
    made = replayed(bench, THOUGHT, text_block("an answer of its own"), stripped=True)
    assert made[:1] == [THOUGHT]


@check("replay.thinking_of_a_stream_goes_back", 1)
def _(bench: Bench) -> None:
    bench.says(THOUGHT, CALL, stop_reason="tool_use")
    stream = bench.stream([ASKED], model=NEW, tools=F, **HARD)
    said: dict[str, Any] = {"role": "assistant", "content": stream.text or None}
    said["tool_calls"] = [{**call, "type": "function"} for call in stream.calls]
    bench.ask([ASKED, said, result("toolu_1")], model=OLD, tools=F, **HARD)
    assert bench.turns[1][1][:1] == [THOUGHT] or bench.sent("thinking.type") != "enabled"
    bench.legal()


@check("replay.each_thinking_block_keeps_its_signature", 6)
def _(bench: Bench) -> None:
    blocks = [thinking_block("a", "S1"), text_block("t"), thinking_block("b", "S2"), CALL]
    made = replayed(bench, *blocks)
    signed = {
        block["thinking"]: block["signature"] for block in made if block["type"] == "thinking"
    }
    assert signed == {"a": "S1", "b": "S2"}


@check("replay.order_of_thinking_and_text_is_kept", 6)
def _(bench: Bench) -> None:
    blocks = [thinking_block("a", "S1"), text_block("t"), thinking_block("b", "S2"), CALL]
    kinds = [block["type"] for block in replayed(bench, *blocks)]
    assert kinds == ["thinking", "text", "thinking", "tool_use"]


@check("replay.thinking_is_not_touched", 7)
def _(bench: Bench) -> None:
    made = replayed(bench, thinking_block("x \n\u00e9e\u0301 ", "S"), text_block("y "))
    assert made[0] == thinking_block("x \n\u00e9e\u0301 ", "S")


@check("replay.thinking_alone_is_kept", 4)
def _(bench: Bench) -> None:
    made = replayed(bench, redacted_thinking_block("XYZ"), text_block("ok"))
    assert made[0] == redacted_thinking_block("XYZ")


for label, extra in {
    "reasoning_content": {"reasoning_content": "hmm"},
    "thinking_blocks": {"thinking_blocks": [{"type": "thinking", "thinking": "hmm"}]},
    "empty_signature": {
        "thinking_blocks": [{"type": "thinking", "thinking": "hmm", "signature": ""}]
    },
    "reasoning": {"reasoning": "hmm"},
    "reasoning_details": {"reasoning_details": [{"type": "reasoning.text", "text": "hmm"}]},
}.items():

    @check(f"replay.unsigned_{label}_is_dropped", 8)
    def _(bench: Bench, extra: dict[str, Any] = extra) -> None:
        bench.ask([ASKED, {"role": "assistant", "content": "hi", **extra}, user("go")], model=NEW)
        assert bench.turns[1] == ("assistant", [{"type": "text", "text": "hi"}])
        assert b"hmm" not in bench.requests[-1].body


@check("replay.signed_thinking_blocks_are_taken", 9)
def _(bench: Bench) -> None:
    said = {"role": "assistant", "content": "hi", "thinking_blocks": [THOUGHT]}
    bench.ask([ASKED, said, user("go")], model=NEW)
    assert bench.blocks("thinking") == [THOUGHT]


@check("replay.signed_reasoning_details_are_taken", 9)
def _(bench: Bench) -> None:
    detail = {"type": "reasoning.text", "text": "x", "signature": "S"}
    said = {"role": "assistant", "content": "hi", "reasoning_details": [detail]}
    bench.ask([ASKED, said, user("go")], model=NEW)
    assert bench.blocks("thinking") == [thinking_block("x", "S")]


@check("replay.index_left_by_streams_is_removed", 9)
def _(bench: Bench) -> None:
    said = {"role": "assistant", "content": "hi", "thinking_blocks": [{"index": 0, **THOUGHT}]}
    bench.ask([ASKED, said, user("go")], model=NEW)
    assert bench.blocks("thinking") == [THOUGHT]
    bench.legal()


@check("replay.a_turn_of_redacted_thinking_alone_breaks_nothing", 4)
def _(bench: Bench) -> None:
    # The API refuses a turn that ends in thinking, so leaving it out is right as well.
    secret = redacted_thinking_block("XYZ")
    bench.says(secret)
    answer = bench.ask([ASKED], model=NEW, **HARD)
    assert not answer.text
    assert not answer.reasoning
    bench.ask([ASKED, answer.echo, user("go on")], model=NEW, **HARD)
    assert bench.blocks("redacted_thinking") in ([secret], [])
    assert [block["text"] for block in bench.blocks("text")] == ["q", "go on"]
    bench.legal()
