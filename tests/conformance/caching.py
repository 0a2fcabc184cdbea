"""Prompt caching: the caller's marks, and ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from conformance.bench import NEW, Bench
from conformance.registry import check
from conformance.samples import ASKED, PDF, function, result, user
from loopback import redacted_thinking_block, thinking_block, tool_use_block

MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
TALKED = [ASKED, {"role": "assistant", "content": "a"}, user("b")]


def marked(value: Any) -> Iterator[dict[str, Any]]:
    """Everything that carries a marker, the top level included."""
    if isinstance(value, dict):
        if value.get("cache_control"):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from marked(inner)


def text(words: str, mark: dict[str, str] | None = None) -> list[dict[str, Any]]:
    return [{"type": "text", "text": words, **({"cache_control": mark} if mark else {})}]


@check("caching.mark_on_a_part_stays_there", 85)
def _(bench: Bench) -> None:
    bench.ask([user(text("long", MARK))])
    assert bench.turns[0][1][0]["cache_control"] == MARK
    bench.legal()


@check("caching.mark_on_a_message_goes_to_its_last_block", 85)
def _(bench: Bench) -> None:
    bench.ask([{**user("long"), "cache_control": MARK}])
    assert bench.turns[0][1][-1]["cache_control"] == MARK
    assert set(bench.wire["messages"][0]) == {"role", "content"}
    bench.legal()


@check("caching.mark_on_a_system_part_stays_there", 85)
def _(bench: Bench) -> None:
    bench.ask([{"role": "system", "content": text("s", MARK)}, ASKED])
    assert bench.sent("system.0.cache_control") == MARK


@check("caching.mark_on_a_system_message_goes_to_its_block", 85)
def _(bench: Bench) -> None:
    bench.ask([{"role": "system", "content": "s", "cache_control": MARK}, ASKED])
    assert bench.sent("system.0.cache_control") == MARK
    bench.legal()


@check("caching.mark_on_a_tool_stays_there", 85)
def _(bench: Bench) -> None:
    bench.ask(tools=[function("f"), {**function("g"), "cache_control": MARK}])
    assert bench.sent("tools.1.cache_control") == MARK
    assert bench.sent("tools.0.cache_control") is None
    bench.legal()


@check("caching.mark_on_a_tool_result_stays_there", 85)
def _(bench: Bench) -> None:
    from conformance.samples import answered  # noqa: PLC0415

    bench.ask([*answered("a")[:2], result("a", "r", cache_control=MARK)], tools=[function()])
    assert len(list(marked(bench.wire["messages"]))) == 1
    bench.legal()


@check("caching.mark_on_a_file_part_stays_there", 85)
def _(bench: Bench) -> None:
    data = f"data:application/pdf;base64,{PDF}"
    part = {"type": "file", "file": {"filename": "a.pdf", "file_data": data}, "cache_control": MARK}
    bench.ask([user([*text("?"), part])])
    assert bench.blocks("document")[0]["cache_control"] == MARK
    bench.legal()


@check("caching.one_hour_stays_one_hour", 89)
def _(bench: Bench) -> None:
    bench.ask([user(text("long", HOUR))])
    assert bench.turns[0][1][0]["cache_control"] == HOUR


@check("caching.callers_marks_are_all_there_are", 87)
def _(bench: Bench) -> None:
    system = [{"role": "system", "content": text(words, MARK)} for words in ("S1", "S2")]
    history = [*system, user(text("u1", MARK)), {"role": "assistant", "content": "a"}, user("u2")]
    bench.ask(history, tools=[function(f"f{i}") for i in range(10)])
    found = list(marked(bench.wire))
    assert 3 <= len(found) <= 4
    bench.legal()


@check("caching.five_marks_are_refused_or_left_alone", 87)
def _(bench: Bench) -> None:
    try:
        bench.ask([user([part for i in range(5) for part in text(f"t{i}", MARK)])])
    except Exception as error:  # noqa: BLE001  # a local refusal is a choice
        bench.is_refusal(error)
    else:
        assert len(list(marked(bench.wire))) == 5, "which of them counts is the caller's decision"


@check("caching.never_an_hour_after_five_minutes", 89)
def _(bench: Bench) -> None:
    history = [{"role": "system", "content": "s"}, *TALKED[:2], user(text("doc", HOUR))]
    bench.ask(history, tools=[function()])
    order = [
        one["cache_control"].get("ttl", "5m")
        for key in ("tools", "system", "messages")
        for one in marked(bench.wire.get(key))
    ]
    assert order == sorted(order)
    assert bench.sent("cache_control.ttl") in (None, "1h") or bench.sent("cache_control") is None


@check("caching.marks_avoid_thinking_and_empty_text", 88)
def _(bench: Bench) -> None:
    call = tool_use_block("f", {}, id="toolu_1")
    thoughts = [thinking_block("x", "S"), redacted_thinking_block()]
    bench.says(*thoughts, call, stop_reason="tool_use")
    answer = bench.ask([ASKED], model=NEW, tools=[function()])
    after = user([{"type": "text", "text": "", "cache_control": MARK}, *text("go")])
    bench.ask([ASKED, answer.echo, result("toolu_1"), after], model=NEW, tools=[function()])
    for block in marked(bench.wire["messages"]):
        assert block["type"] not in ("thinking", "redacted_thinking")
        assert block.get("text", "x").strip()
    bench.legal()


@check("caching.automatic_marker_touches_no_thinking", 7)
def _(bench: Bench) -> None:
    bench.says(thinking_block("x \n", "S"), "y ")
    answer = bench.ask([ASKED], model=NEW)
    bench.ask([ASKED, answer.echo, user("go on")], model=NEW)
    assert bench.blocks("thinking") == [thinking_block("x \n", "S")]
    bench.legal()


@check("caching.same_conversation_same_bytes")
def _(bench: Bench) -> None:
    for _ in range(2):
        bench.ask(TALKED, tools=[function("b"), function("a")], user="ann@example.com")
    assert bench.requests[0].body == bench.requests[1].body


@check("caching.order_of_keys_is_the_callers")
def _(bench: Bench) -> None:
    schema = {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "string"}}}
    bench.ask(tools=[function("f", schema)])
    assert list(bench.sent("tools.0.input_schema.properties")) == ["z", "a"]
    assert json.dumps(schema["properties"]) in json.dumps(bench.sent("tools.0.input_schema"))


@check("caching.prompt_cache_key_asks_for_it", ours=True)
def _(bench: Bench) -> None:
    bench.ask(prompt_cache_key="k")
    assert bench.sent("cache_control") == MARK


@check("caching.conversation_is_cached_by_itself", ours=True)
def _(bench: Bench) -> None:
    bench.ask(TALKED)
    assert bench.sent("cache_control") == MARK


@check("caching.first_question_is_not_cached", ours=True)
def _(bench: Bench) -> None:
    bench.ask()
    assert list(marked(bench.wire)) == []


@check("caching.retention_of_a_day_is_an_hour", ours=True)
def _(bench: Bench) -> None:
    bench.ask(prompt_cache_retention="24h")
    assert bench.sent("cache_control") == HOUR


@check("caching.explicit_mode_adds_nothing", ours=True)
def _(bench: Bench) -> None:
    # Older releases of openai have no parameter of this name.
    bench.ask(TALKED, extra_body={"prompt_cache_options": {"mode": "explicit"}})
    assert list(marked(bench.wire)) == []


@check("caching.openais_breakpoint_is_a_marker")
def _(bench: Bench) -> None:
    part = {"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}
    bench.ask([user([part, *text("y")])])
    assert bench.turns[0][1][0]["cache_control"] == MARK
    assert "prompt_cache_breakpoint" not in bench.turns[0][1][0]
    bench.legal()


@check("caching.automatic_never_beside_the_callers_marks", ours=True)
def _(bench: Bench) -> None:
    bench.ask([*TALKED[:2], user(text("doc", MARK))], prompt_cache_key="k")
    assert bench.sent("cache_control") is None


@check("caching.native_top_level_marker_passes")
def _(bench: Bench) -> None:
    bench.ask(extra_body={"cache_control": HOUR})
    assert bench.sent("cache_control") == HOUR


def openais(words: str, **more: str) -> dict[str, Any]:
    return {
        "type": "text",
        "text": words,
        "prompt_cache_breakpoint": {"mode": "explicit", **more},
    }


@check("caching.of_openais_many_breakpoints_the_latest_count")
def _(bench: Bench) -> None:
    bench.ask([user([openais(word) for word in "abcdef"])])
    blocks = bench.turns[0][1]
    assert 3 <= len([block for block in blocks if block.get("cache_control")]) <= 4
    assert blocks[-1].get("cache_control")
    assert not blocks[0].get("cache_control")
    bench.legal()


@check("caching.openais_longer_breakpoint_comes_first", 89)
def _(bench: Bench) -> None:
    bench.ask([user([openais("a"), openais("b", ttl="30m"), *text("c")])])
    ttls = [block["cache_control"].get("ttl", "5m") for block in marked(bench.wire["messages"])]
    assert ttls == ["1h", "1h"]
    bench.legal()


@check("caching.receipt_tells_what_was_cached", ours=True)
def _(bench: Bench) -> None:
    used = {"cache_read_input_tokens": 7, "cache_creation_input_tokens": 5}
    bench.says("ok", usage={"input_tokens": 1, "output_tokens": 1, **used})
    told = bench.ask(TALKED).dump["prompt_cache"]
    assert told["breakpoints"] == [{"at": "automatic", "ttl": "5m"}]
    assert (told["read_tokens"], told["written_tokens"]) == (7, 5)


@check("caching.no_receipt_where_nothing_was_to_be_cached", ours=True)
def _(bench: Bench) -> None:
    assert bench.ask().dump["prompt_cache"] is None
