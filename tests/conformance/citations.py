"""Web citations as OpenAI's annotations, and server tools on their way back."""

from __future__ import annotations

import json
from typing import Any

from conformance.answers import FOUND, SEARCH
from conformance.bench import MID, NEW, Bench
from conformance.registry import check
from conformance.samples import ASKED, function, result, user
from loopback import message, text_block, tool_use_block

CITED = {
    "type": "web_search_result_location",
    "url": "https://e.x",
    "title": "E",
    "cited_text": "forty-two",
    "encrypted_index": "EI==",
}
ERROR = {**FOUND, "content": {"type": "web_search_tool_result_error", "error_code": "unavailable"}}


def cited(bench: Bench) -> list[Any]:
    blocks = [SEARCH, FOUND, "It is ", text_block("42", citations=[CITED]), "."]
    bench.says(*blocks)
    return blocks


@check("citations.are_url_citations")
def _(bench: Bench) -> None:
    cited(bench)
    answer = bench.ask(model=MID)
    (found,) = answer.message["annotations"]
    assert found["type"] == "url_citation"
    assert found["url_citation"]["url"] == "https://e.x"
    assert found["url_citation"]["title"] == "E"


@check("citations.indexes_are_places_in_the_content")
def _(bench: Bench) -> None:
    cited(bench)
    answer = bench.ask(model=MID)
    where = answer.message["annotations"][0]["url_citation"]
    assert (answer.text or "")[where["start_index"] : where["end_index"]] == "42"


@check("citations.do_not_tear_the_sentence")
def _(bench: Bench) -> None:
    cited(bench)
    assert bench.ask(model=MID).text == "It is 42."


@check("citations.stream_as_annotations")
def _(bench: Bench) -> None:
    cited(bench)
    stream = bench.stream(model=MID)
    made = [one for delta in stream.deltas for one in delta.get("annotations") or []]
    assert [one["url_citation"]["url"] for one in made] == ["https://e.x"]
    assert stream.text == "It is 42."


@check("citations.of_documents_are_no_urls")
def _(bench: Bench) -> None:
    place = {
        "type": "char_location",
        "cited_text": "x",
        "document_index": 0,
        "document_title": "D",
        "start_char_index": 0,
        "end_char_index": 1,
    }
    bench.says(text_block("x", citations=[place]))
    answer = bench.ask()
    assert answer.text == "x"
    assert not answer.message.get("annotations")


def replayed(bench: Bench, *blocks: Any) -> list[dict[str, Any]]:
    """The assistant turn of the next request."""
    bench.says(*blocks)
    answer = bench.ask([ASKED], model=NEW)
    bench.ask([ASKED, answer.echo, user("why?")], model=NEW)
    return next(made for role, made in bench.turns if role == "assistant")


for label, found in {"result": FOUND, "error": ERROR}.items():

    @check(f"server_tools.search_and_{label}_go_back_together", 143)
    def _(bench: Bench, found: dict[str, Any] = found) -> None:
        made = replayed(bench, SEARCH, found, "42")
        at = [block["type"] for block in made].index("server_tool_use")
        assert made[at : at + 2] == [SEARCH, found]
        bench.legal()


CODE = {
    "type": "server_tool_use",
    "id": "srvtoolu_2",
    "name": "bash_code_execution",
    "input": {"command": "ls"},
}
RAN = {
    "type": "bash_code_execution_tool_result",
    "tool_use_id": "srvtoolu_2",
    "content": {
        "type": "bash_code_execution_result",
        "stdout": "a",
        "stderr": "",
        "return_code": 0,
        "content": [],
    },
}
FETCH = {
    "type": "server_tool_use",
    "id": "srvtoolu_3",
    "name": "web_fetch",
    "input": {"url": "https://e.x"},
}
FETCHED = {
    "type": "web_fetch_tool_result",
    "tool_use_id": "srvtoolu_3",
    "content": {"type": "web_fetch_tool_result_error", "error_code": "url_not_accessible"},
}
MCP = {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "find", "server_name": "s", "input": {}}
MCP_RESULT = {
    "type": "mcp_tool_result",
    "tool_use_id": "mcptoolu_1",
    "is_error": False,
    "content": [{"type": "text", "text": "r"}],
}
for label, use, outcome in (
    ("code_execution", CODE, RAN),
    ("web_fetch", FETCH, FETCHED),
    ("mcp", MCP, MCP_RESULT),
):

    @check(f"server_tools.{label}_goes_back", 143)
    def _(bench: Bench, use: Any = use, outcome: Any = outcome) -> None:
        made = replayed(bench, use, outcome, "42")
        assert [use, outcome] == made[:2]


@check("server_tools.compaction_goes_back", 146)
def _(bench: Bench) -> None:
    block = {"type": "compaction", "content": "summary"}
    assert replayed(bench, block, "ok")[:1] == [block]


@check("server_tools.beside_a_call_leave_the_pairing_legal", 45)
def _(bench: Bench) -> None:
    call = tool_use_block("f", {}, id="toolu_1")
    bench.says("t", call, SEARCH, FOUND, stop_reason="tool_use")
    answer = bench.ask([ASKED], model=NEW, tools=[function()])
    bench.ask([ASKED, answer.echo, result("toolu_1")], model=NEW, tools=[function()])
    assert [one["tool_use_id"] for one in bench.blocks("tool_result")] == ["toolu_1"]
    bench.legal()


PROGRAM = {"type": "code_execution_20260120", "tool_id": "srvtoolu_1"}
PROGRAMMATIC = {**tool_use_block("f", {"x": 1}, id="toolu_1"), "caller": PROGRAM}


@check("server_tools.a_programs_call_is_a_call")
def _(bench: Bench) -> None:
    bench.says(PROGRAMMATIC, stop_reason="tool_use")
    (call,) = bench.ask(model=NEW, tools=[function()]).calls
    assert (call["id"], json.loads(call["function"]["arguments"])) == ("toolu_1", {"x": 1})


@check("server_tools.a_programs_call_may_come_whole_in_the_first_event")
def _(bench: Bench) -> None:
    whole = message([PROGRAMMATIC], stop_reason="tool_use", model=NEW)
    bench.events({"type": "message_start", "message": whole}, {"type": "message_stop"})
    stream = bench.stream(model=NEW, tools=[function()])
    (call,) = stream.calls
    assert (call["id"], json.loads(call["function"]["arguments"])) == ("toolu_1", {"x": 1})
    assert stream.finish == "tool_calls"


@check("server_tools.a_programs_call_goes_back_as_its_own")
def _(bench: Bench) -> None:
    bench.says(PROGRAMMATIC, stop_reason="tool_use")
    answer = bench.ask([ASKED], model=NEW, tools=[function()])
    bench.ask([ASKED, answer.echo, result("toolu_1")], model=NEW, tools=[function()])
    assert bench.blocks("tool_use") == [PROGRAMMATIC]


@check("server_tools.tools_in_beta_bring_their_header", ours=True)
def _(bench: Bench) -> None:
    screen = {"name": "computer", "display_width_px": 9, "display_height_px": 9}
    bench.ask(model=NEW, tools=[{"type": "computer_20251124", **screen}])
    assert "computer-use-2025-11-24" in bench.headers["anthropic-beta"]


@check("server_tools.streamed_ones_are_no_calls", 143)
def _(bench: Bench) -> None:
    bench.says(SEARCH, FOUND, "42")
    stream = bench.stream(model=NEW)
    assert stream.call_deltas == []
    assert (stream.text, stream.finish) == ("42", "stop")


@check("server_tools.unknown_blocks_go_back", 146)
def _(bench: Bench) -> None:
    block = {"type": "hologram", "data": "x", "inner": {"z": 1, "a": [2]}}
    assert replayed(bench, block, "ok")[:1] == [block]


@check("server_tools.a_programs_results_name_its_container")
def _(bench: Bench) -> None:
    program = {**CODE, "id": "srvtoolu_1", "name": "code_execution", "input": {"code": "f()"}}
    told = {"id": "container_1", "expires_at": "2099-12-31T00:00:00Z"}
    bench.says(program, PROGRAMMATIC, stop_reason="tool_use", container=told)
    answer = bench.ask([ASKED], model=NEW, tools=[function()])
    bench.ask([ASKED, answer.echo, result("toolu_1")], model=NEW, tools=[function()])
    assert bench.sent("container") in ("container_1", {"id": "container_1"})
    bench.legal()
