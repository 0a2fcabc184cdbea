"""Conversations: tool loops, paused turns, prefixes that stay."""

from __future__ import annotations

import itertools
from typing import Any

from conformance.answers import FOUND, SEARCH
from conformance.bench import MID, NEW, OLD, Bench
from conformance.registry import check
from conformance.samples import ASKED, CITY, function, result, user
from loopback import tool_use_block, usage_of

F = [function("f", CITY)]
WEB = [{"type": "web_search_20250305", "name": "web_search"}]


@check("multi_turn.text_goes_back")
def _(bench: Bench) -> None:
    bench.says("four")
    first = bench.ask([user("2+2?")])
    bench.ask([user("2+2?"), first.echo, user("sure?")])
    assert bench.turns[1] == ("assistant", [{"type": "text", "text": "four"}])
    bench.legal()


for label, model in (("old", OLD), ("mid", MID), ("new", NEW)):

    @check(f"multi_turn.tool_loop.{label}")
    def _(bench: Bench, model: str = model) -> None:
        bench.says(tool_use_block("f", {"city": "Bern"}, id="toolu_1"), stop_reason="tool_use")
        bench.says("It rains.")
        history: list[Any] = [user("Weather?")]
        first = bench.ask(history, model=model, tools=F)
        history += [first.echo, result(first.calls[0]["id"], "rain")]
        assert bench.ask(history, model=model, tools=F).text == "It rains."
        (call,) = bench.blocks("tool_use")
        assert (call["id"], call["input"]) == ("toolu_1", {"city": "Bern"})
        bench.legal()


@check("multi_turn.tool_loop_of_parallel_calls")
def _(bench: Bench) -> None:
    calls = [tool_use_block("f", {"city": c}, id=f"toolu_{c}") for c in ("a", "b", "c")]
    bench.says("Looking.", *calls, stop_reason="tool_use")
    first = bench.ask([ASKED], tools=F)
    results = [result(call["id"]) for call in reversed(first.calls)]
    bench.ask([ASKED, first.echo, *results], tools=F)
    assert len(bench.blocks("tool_result")) == 3
    assert [role for role, _ in bench.turns] == ["user", "assistant", "user"]
    bench.legal()


@check("multi_turn.same_ids_in_two_turns_are_legal")
def _(bench: Bench) -> None:
    from conformance.samples import called  # noqa: PLC0415

    turn = [called(("call_0", "f", '{"city":"x"}')), result("call_0")]
    bench.ask([ASKED, *turn, *turn], tools=F)
    assert len(bench.blocks("tool_use")) == 2
    bench.legal()


@check("multi_turn.prefix_stays_as_the_conversation_grows")
def _(bench: Bench) -> None:
    history: list[Any] = [{"role": "system", "content": "s"}, user("one")]
    bodies = []
    for word in ("two", "three", "four"):
        answer = bench.ask(history, model=NEW, tools=F)
        bodies.append(bench.wire)
        history += [answer.stripped, user(word)]
    for before, after in itertools.pairwise(bodies):
        assert after["system"] == before["system"]
        assert after["tools"] == before["tools"]
        kept = [without_markers(one) for one in after["messages"][: len(before["messages"])]]
        assert kept == [without_markers(one) for one in before["messages"]]


def without_markers(message: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    from conformance.bench import blocks_of  # noqa: PLC0415

    blocks = blocks_of(message["content"])
    return message["role"], [
        {key: value for key, value in block.items() if key != "cache_control"} for block in blocks
    ]


PAUSED = {"stop_reason": "pause_turn", "usage": usage_of(10, 5)}


def pause(bench: Bench) -> None:
    bench.says("Let me look", SEARCH, **PAUSED)
    bench.says(FOUND, "42", usage=usage_of(30, 7))


@check("pause_turn.is_one_answer", 103)
def _(bench: Bench) -> None:
    pause(bench)
    answer = bench.ask(model=MID, tools=WEB)
    assert "".join((answer.text or "").split()) == "Letmelook42"
    assert answer.finish == "stop"


@check("pause_turn.resends_what_was_said", 103)
def _(bench: Bench) -> None:
    pause(bench)
    bench.ask(model=MID, tools=WEB)
    assert len(bench.requests) == 2
    role, made = bench.turns[-1]
    assert (role, made[-1]) == ("assistant", SEARCH)
    assert bench.sent("tools") == bench.requests[0].json["tools"]


@check("pause_turn.adds_the_usage_up", 103)
def _(bench: Bench) -> None:
    pause(bench)
    usage = bench.ask(model=MID, tools=WEB).usage
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (40, 12)


@check("pause_turn.is_one_stream", 103)
def _(bench: Bench) -> None:
    pause(bench)
    stream = bench.stream(model=MID, tools=WEB, stream_options={"include_usage": True})
    assert "".join(stream.text.split()) == "Letmelook42"
    assert stream.finishes == ["stop"]
    assert len({chunk["id"] for chunk in stream.chunks}) == 1
    assert [delta.get("role") for delta in stream.deltas].count("assistant") == 1
    assert stream.usage["completion_tokens"] == 12


@check("pause_turn.is_resumed_a_bounded_number_of_times", 103)
def _(bench: Bench) -> None:
    for _ in range(60):
        bench.says("x", SEARCH, **PAUSED)
    answer = bench.ask(model=MID, tools=WEB)
    assert len(bench.requests) < 60
    assert answer.finish in ("stop", "length")


@check("pause_turn.goes_on_in_its_container")
def _(bench: Bench) -> None:
    for _ in range(2):
        bench.says("Let me look", SEARCH, **PAUSED, container={"id": "container_1"})
        bench.says(FOUND, "42")
    bench.ask(model=MID, tools=WEB)
    assert bench.sent("container") in ("container_1", {"id": "container_1"})
    bench.stream(model=MID, tools=WEB)
    assert bench.sent("container") in ("container_1", {"id": "container_1"})
