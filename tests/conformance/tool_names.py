"""Names and ids that Claude's patterns refuse: aliased on the wire, never seen by the caller."""

from __future__ import annotations

import json
import re

from conformance.bench import Bench
from conformance.registry import check
from conformance.samples import ASKED, answered, called, function, result
from loopback import tool_use_block

ID = re.compile(r"[a-zA-Z0-9_-]+")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
DOTTED = "mcp.notion.search pages"


def ids(bench: Bench) -> list[str]:
    """Ids of the calls on the wire; each must have its result."""
    calls = [one["id"] for one in bench.blocks("tool_use")]
    assert sorted(calls) == sorted(one["tool_use_id"] for one in bench.blocks("tool_result"))
    assert all(ID.fullmatch(one) for one in calls), calls
    return calls


@check("ids.illegal_ones_are_rewritten_alike_in_call_and_result", 51)
def _(bench: Bench) -> None:
    bench.ask(answered("functions.Bash:0", "call:abc.def/ghi?jkl"), tools=[function()])
    assert len(set(ids(bench))) == 2
    bench.legal()


for label, id_ in {"openai": "call_abc123", "anthropic": "toolu_01A-b"}.items():

    @check(f"ids.legal_{label}_id_is_unchanged", 51)
    def _(bench: Bench, id_: str = id_) -> None:
        bench.ask(answered(id_), tools=[function()])
        assert ids(bench) == [id_]


@check("ids.rewriting_keeps_them_apart", 52)
def _(bench: Bench) -> None:
    bench.ask(answered("a.b", "a_b", "a:b"), tools=[function()])
    assert len(set(ids(bench))) == 3
    bench.legal()


@check("ids.rewriting_is_the_same_in_every_request", 52)
def _(bench: Bench) -> None:
    bench.ask(answered("a.b", "x y"), tools=[function()])
    first = ids(bench)
    bench.ask(answered("q.r", "a.b", "x y"), tools=[function()])
    assert ids(bench)[1:] == first


@check("ids.of_two_turns_may_be_the_same")
def _(bench: Bench) -> None:
    turn = [called(("call_0", "f")), result("call_0")]
    bench.ask([ASKED, *turn, *turn], tools=[function("f")])
    sent = [one["id"] for one in bench.blocks("tool_use")]
    assert len(set(sent)) == len(sent) == 2
    assert [one["tool_use_id"] for one in bench.blocks("tool_result")] == sent
    bench.legal()


@check("ids.results_stay_with_their_calls_after_rewriting", 52)
def _(bench: Bench) -> None:
    calls = called(("a.b", "f", '{"n":1}'), ("a_b", "f", '{"n":2}'))
    bench.ask([ASKED, calls, result("a_b", "two"), result("a.b", "one")], tools=[function()])
    by_id = {one["id"]: one["input"]["n"] for one in bench.blocks("tool_use")}
    for given in bench.blocks("tool_result"):
        word = "one" if by_id[given["tool_use_id"]] == 1 else "two"
        assert word in json.dumps(given["content"])


for label, name in {"dots_and_spaces": DOTTED, "150_characters": "x" * 150}.items():

    @check(f"names.{label}_become_legal", 53)
    def _(bench: Bench, name: str = name) -> None:
        bench.ask(tools=[function(name)])
        assert NAME.fullmatch(bench.sent("tools.0.name"))
        bench.legal()

    @check(f"names.{label}_are_the_same_everywhere", 53)
    def _(bench: Bench, name: str = name) -> None:
        choice = {"type": "function", "function": {"name": name}}
        history = [ASKED, called(("toolu_1", name)), result("toolu_1")]
        bench.ask(history, tools=[function(name), function("g")], tool_choice=choice)
        (call,) = bench.blocks("tool_use")
        assert bench.sent("tools.0.name") == call["name"] == bench.sent("tool_choice.name")
        bench.legal()

    @check(f"names.{label}_come_back_as_the_callers", 53)
    def _(bench: Bench, name: str = name) -> None:
        bench.ask(tools=[function(name)])
        wire = bench.sent("tools.0.name")
        bench.says(tool_use_block(wire, {}), stop_reason="tool_use")
        assert bench.ask(tools=[function(name)]).calls[0]["function"]["name"] == name

    @check(f"names.{label}_come_back_as_the_callers_in_streams", 53)
    def _(bench: Bench, name: str = name) -> None:
        bench.ask(tools=[function(name)])
        wire = bench.sent("tools.0.name")
        bench.says(tool_use_block(wire, {}), stop_reason="tool_use")
        assert bench.stream(tools=[function(name)]).calls[0]["function"]["name"] == name


@check("names.shared_prefixes_do_not_collide", 53)
def _(bench: Bench) -> None:
    bench.ask(tools=[function("x" * 149 + "a"), function("x" * 149 + "b"), function("x" * 64)])
    assert len({tool["name"] for tool in bench.wire["tools"]}) == 3
    bench.legal()


@check("names.aliases_do_not_collide_with_legal_names", 53)
def _(bench: Bench) -> None:
    bench.ask(tools=[function("a.b"), function("a_b"), function("a b")])
    assert len({tool["name"] for tool in bench.wire["tools"]}) == 3
    assert "a_b" in {tool["name"] for tool in bench.wire["tools"]}
    bench.legal()


GRAMMAR = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x+/"}}
PATCH = {"type": "custom", "custom": {"name": "apply_patch", "format": GRAMMAR}}


@check("custom_tools.become_a_tool_of_one_string", 37)
def _(bench: Bench) -> None:
    bench.ask(tools=[PATCH])
    schema = bench.sent("tools.0.input_schema")
    assert [one["type"] for one in schema["properties"].values()] == ["string"]
    bench.legal()


@check("custom_tools.grammar_reaches_claude", 37)
def _(bench: Bench) -> None:
    bench.ask(tools=[PATCH])
    assert "start: /x+/" in bench.sent("tools.0.description")


@check("custom_tools.call_comes_back_as_text", 37)
def _(bench: Bench) -> None:
    bench.ask(tools=[PATCH])
    (field,) = bench.sent("tools.0.input_schema.properties")
    bench.says(tool_use_block("apply_patch", {field: "xxx"}), stop_reason="tool_use")
    (call,) = bench.ask(tools=[PATCH]).calls
    assert call["type"] == "custom"
    assert call["custom"] == {"name": "apply_patch", "input": "xxx"}


@check("custom_tools.call_streams_as_text", 37)
def _(bench: Bench) -> None:
    bench.ask(tools=[PATCH])
    (field,) = bench.sent("tools.0.input_schema.properties")
    bench.says(tool_use_block("apply_patch", {field: "xxx"}), stop_reason="tool_use")
    stream = bench.stream(tools=[PATCH])
    assert {one["index"] for one in stream.call_deltas} == {0}
    assert "".join(one.get("type") or "" for one in stream.call_deltas) == "custom"
    pieces = [one.get("custom") or {} for one in stream.call_deltas]
    assert "".join(piece.get("name") or "" for piece in pieces) == "apply_patch"
    assert "".join(piece.get("input") or "" for piece in pieces) == "xxx"
    assert stream.finish == "tool_calls"


@check("custom_tools.can_be_forced", 37)
def _(bench: Bench) -> None:
    chosen = {"type": "custom", "custom": {"name": "apply_patch"}}
    bench.ask(tools=[PATCH], tool_choice=chosen)
    assert bench.sent("tool_choice") == {"type": "tool", "name": "apply_patch"}
    bench.legal()


@check("custom_tools.can_be_allowed", 37)
def _(bench: Bench) -> None:
    chosen = {"type": "custom", "custom": {"name": "apply_patch"}}
    allowed = {"mode": "auto", "tools": [chosen]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    bench.ask(tools=[PATCH, function("f")], tool_choice=choice)
    assert [tool["name"] for tool in bench.wire["tools"]] == ["apply_patch"]
    bench.legal()


@check("custom_tools.call_in_the_history_is_legal", 37)
def _(bench: Bench) -> None:
    call = {"id": "a", "type": "custom", "custom": {"name": "apply_patch", "input": "xxx"}}
    spoken = {"role": "assistant", "content": None, "tool_calls": [call]}
    bench.ask([ASKED, spoken, result("a")], tools=[PATCH])
    (sent,) = bench.blocks("tool_use")
    assert list(sent["input"].values()) == ["xxx"]
    bench.legal()


@check("custom_tools.of_the_flat_form_are_taken_or_refused", 37)
def _(bench: Bench) -> None:
    flat = {"type": "custom", **PATCH["custom"]}
    try:
        bench.ask(tools=[flat])
    except Exception as error:  # noqa: BLE001  # it is the Responses API's
        bench.is_refusal(error)
    else:
        assert "start: /x+/" in bench.sent("tools.0.description")
        bench.legal()
