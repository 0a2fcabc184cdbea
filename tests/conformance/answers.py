"""Answers, whole and streamed: text, calls, finish reasons."""

from __future__ import annotations

import json

from conformance.bench import OLD, Bench
from conformance.both_ways import Got, both
from conformance.registry import check
from conformance.samples import CITY, EMPTY, function
from loopback import json_answer, message, text_block, tool_use_block

SEARCH = {
    "type": "server_tool_use",
    "id": "srvtoolu_1",
    "name": "web_search",
    "input": {"query": "q"},
}
FOUND = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [
        {
            "type": "web_search_result",
            "url": "https://e.x",
            "title": "E",
            "encrypted_content": "E==",
        }
    ],
}
CALL = tool_use_block("f", {"x": 1}, id="toolu_1")
F = {"tools": [function("f", CITY)]}


@both("text", blocks=["I'm happy to help: ünïcödé 漢字."])
def _(got: Got) -> None:
    assert got.text == "I'm happy to help: ünïcödé 漢字."
    assert got.finish == "stop"
    assert not got.calls


@both("text_blocks_are_joined_with_nothing", blocks=["one sen", "tence"])
def _(got: Got) -> None:
    assert got.text == "one sentence"


@both(
    "texts_around_a_search_are_kept_apart",
    blocks=["Let me look.", SEARCH, FOUND, "Found."],
    ours=True,
)
def _(got: Got) -> None:
    assert (got.text or "").split() == ["Let", "me", "look.", "Found."]


@both("server_tools_are_no_calls", 45, blocks=[SEARCH, FOUND, "42"])
def _(got: Got) -> None:
    assert not got.calls
    assert (got.text, got.finish) == ("42", "stop")


@both("call", blocks=[CALL], request=F, stop_reason="tool_use")
def _(got: Got) -> None:
    (call,) = got.calls
    assert call["id"] == "toolu_1"
    assert call["function"]["name"] == "f"
    assert json.loads(call["function"]["arguments"]) == {"x": 1}
    assert got.finish == "tool_calls"


@both("call_after_text", 165, blocks=["t", CALL], request=F, stop_reason="tool_use")
def _(got: Got) -> None:
    assert got.text == "t"
    assert len(got.calls) == 1
    assert got.finish == "tool_calls"


@both("call_despite_end_turn", 158, 165, blocks=["t", CALL], request=F, stop_reason="end_turn")
def _(got: Got) -> None:
    assert len(got.calls) == 1
    assert got.finish == "tool_calls"


@both("call_without_arguments", blocks=[tool_use_block("f", {})], request=F, stop_reason="tool_use")
def _(got: Got) -> None:
    assert got.calls[0]["function"]["arguments"] == "{}"


@both(
    "parallel_calls",
    21,
    blocks=[
        tool_use_block("f", {"x": 1}, id="toolu_a"),
        tool_use_block("g", {"y": 2}, id="toolu_b"),
    ],
    request={"tools": [function("f"), function("g")]},
    stop_reason="tool_use",
)
def _(got: Got) -> None:
    made = [(one["id"], one["function"]["name"]) for one in got.calls]
    assert made == [("toolu_a", "f"), ("toolu_b", "g")]
    assert [json.loads(one["function"]["arguments"]) for one in got.calls] == [{"x": 1}, {"y": 2}]


@both(
    "call_beside_a_server_tool",
    45,
    blocks=["t", CALL, SEARCH, FOUND],
    request=F,
    stop_reason="tool_use",
)
def _(got: Got) -> None:
    assert [one["id"] for one in got.calls] == ["toolu_1"]


@both(
    "arguments_keep_unicode",
    134,
    blocks=[tool_use_block("f", {"city": "Zürich 漢 👩‍👩‍👧"})],
    request=F,
    stop_reason="tool_use",
)
def _(got: Got) -> None:
    assert json.loads(got.calls[0]["function"]["arguments"]) == {"city": "Zürich 漢 👩‍👩‍👧"}


@both(
    "arguments_keep_the_digits_of_big_integers",
    154,
    blocks=[tool_use_block("f", {"id": 9007199254740993})],
    request=F,
    stop_reason="tool_use",
)
def _(got: Got) -> None:
    assert "9007199254740993" in got.calls[0]["function"]["arguments"]


@both(
    "legacy_function_call",
    39,
    blocks=[CALL],
    request={"functions": [{"name": "f", "parameters": EMPTY}]},
    stop_reason="tool_use",
)
def _(got: Got) -> None:
    assert not got.calls
    assert got.finish == "function_call"


@check("answer.legacy_function_call_has_its_arguments", 39)
def _(bench: Bench) -> None:
    bench.says(CALL, stop_reason="tool_use")
    call = bench.ask(functions=[{"name": "f", "parameters": EMPTY}]).message["function_call"]
    assert call["name"] == "f"
    assert json.loads(call["arguments"]) == {"x": 1}


for reason, finish in {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}.items():

    @both(f"finish_reason_of_{reason}", blocks=["par"], stop_reason=reason)
    def _(got: Got, finish: str = finish) -> None:
        assert got.finish == finish


@both("unknown_stop_reason_is_no_crash", blocks=["x"], stop_reason="a_reason_of_next_year")
def _(got: Got) -> None:
    assert got.text == "x"
    assert got.finish == "stop"


@both(
    "max_tokens_with_a_call_stays_length",
    158,
    blocks=["t", CALL],
    request=F,
    stop_reason="max_tokens",
)
def _(got: Got) -> None:
    assert got.finish == "length"


@both(
    "refusal_says_why",
    blocks=[],
    stop_reason="refusal",
    stop_details={"type": "refusal", "category": "bio", "explanation": "Not this."},
)
def _(got: Got) -> None:
    said = got.message.get("refusal") if hasattr(got, "message") else None
    streamed = "".join(delta.get("refusal") or "" for delta in getattr(got, "deltas", []))
    assert (said or streamed) == "Not this."


@both("nothing_said_is_an_empty_answer", blocks=[])
def _(got: Got) -> None:
    assert not got.text
    assert got.finish == "stop"


@both("compaction_is_no_text", 146, blocks=[{"type": "compaction", "content": "sum"}, "ok"])
def _(got: Got) -> None:
    assert got.text == "ok"


@both("unknown_blocks_are_no_text", 146, blocks=[{"type": "hologram", "data": "x"}, "ok"])
def _(got: Got) -> None:
    assert (got.text, got.finish) == ("ok", "stop")


@check("answer.frame_is_openais")
def _(bench: Bench) -> None:
    dump = bench.ask().dump
    assert dump["object"] == "chat.completion"
    assert dump["id"]
    assert isinstance(dump["created"], int)
    assert dump["choices"][0]["index"] == 0
    assert dump["choices"][0]["message"]["role"] == "assistant"


@check("answer.model_is_what_answered")
def _(bench: Bench) -> None:
    bench.says("ok", model="claude-opus-5-5")
    assert bench.ask(model=OLD).dump["model"] == "claude-opus-5-5"


@check("answer.content_is_null_beside_calls_only")
def _(bench: Bench) -> None:
    bench.says(CALL, stop_reason="tool_use")
    assert not bench.ask(**F).text


@check("answer.tool_calls_are_absent_not_empty")
def _(bench: Bench) -> None:
    assert bench.ask(**F).message.get("tool_calls") is None


@check("answer.refusal_before_any_text_has_none")
def _(bench: Bench) -> None:
    bench.says(stop_reason="refusal")
    assert not bench.ask().text


@check("answer.ids_differ_from_call_to_call")
def _(bench: Bench) -> None:
    bench.says("a", id="msg_1")
    bench.says("b", id="msg_2")
    assert bench.ask().dump["id"] != bench.ask().dump["id"]


@check("answer.lone_surrogates_are_no_crash", 154)
def _(bench: Bench) -> None:
    body = json.dumps(message([text_block("a\ud800b"), tool_use_block("f", {"s": "\ud800"})]))
    script = json_answer({})
    bench.replies(type(script)(_raw(body), script.ending))
    answer = bench.ask(**F)
    assert (answer.text or "").startswith("a")
    assert len(answer.calls) == 1
    answer.calls[0]["function"]["arguments"].encode()


@check("answer.infinite_numbers_are_no_crash", 154)
def _(bench: Bench) -> None:
    body = json.dumps(message([tool_use_block("f", {"x": 0.5})])).replace("0.5", "1e400")
    script = json_answer({})
    bench.replies(type(script)(_raw(body), script.ending))
    arguments = bench.ask(**F).calls[0]["function"]["arguments"]
    assert "Infinity" not in arguments, arguments


def _raw(body: str) -> tuple[bytes, ...]:
    data = body.encode()
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    return (head.encode() + data,)


@check("answer.large_one_is_streamed_upstream", 106)
def _(bench: Bench) -> None:
    bench.says("long", CALL, stop_reason="tool_use")
    answer = bench.ask(max_tokens=64_000, **F)
    assert bench.sent("stream") is True, "the API answers what takes so long in streams only"
    assert (answer.text, len(answer.calls), answer.finish) == ("long", 1, "tool_calls")


@check("answer.large_one_equals_a_small_one", 106)
def _(bench: Bench) -> None:
    made = []
    for limit in (64_000, 1_000):
        bench.says("long", CALL, stop_reason="tool_use")
        answer = bench.ask(max_tokens=limit, **F)
        made.append((answer.text, answer.calls, answer.finish, answer.usage))
    assert made[0] == made[1]


@both("no_call_despite_tool_use", 165, blocks=["t"], request=F, stop_reason="tool_use")
def _(got: Got) -> None:
    assert (got.text, got.finish) == ("t", "stop")
    assert not got.calls
