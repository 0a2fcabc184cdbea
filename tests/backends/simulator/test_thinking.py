"""Thinking: when it comes, what it shows, and what its signature holds."""

from __future__ import annotations

import copy

import pytest

TOOL = {"name": "look", "input_schema": {"type": "object"}}
OLD = "claude-haiku-4-5"
BUDGET = {"type": "enabled", "budget_tokens": 1024}
BINDING = {"anthropic-beta": "thinking-binding-controls-2026-08-01"}


def thoughts(answer):
    return [b for b in answer.json["content"] if b["type"] in ("thinking", "redacted_thinking")]


def history(answer, said="look", reply=None):
    calls = [b for b in answer.json["content"] if b["type"] == "tool_use"]
    sent = [{"type": "tool_result", "tool_use_id": b["id"], "content": "seen"} for b in calls]
    return [
        {"role": "user", "content": said},
        {"role": "assistant", "content": copy.deepcopy(answer.json["content"])},
        {"role": "user", "content": sent or [{"type": "text", "text": reply or "go on"}]},
    ]


@pytest.mark.parametrize(
    ("model", "thinking", "shown"),
    [
        ("claude-sonnet-5-5", ..., ""),
        ("claude-sonnet-5-5", {"type": "adaptive", "display": "summarized"}, "I am the simulator"),
        ("claude-sonnet-5-5", {"type": "adaptive", "display": "omitted"}, ""),
        ("claude-opus-4-6", {"type": "adaptive"}, "I am the simulator"),
        (OLD, BUDGET, "I am the simulator"),
        (OLD, {**BUDGET, "display": "omitted"}, ""),
    ],
)
def test_thinking_comes_first_and_shows_what_display_says(ask, model, thinking, shown):
    answer = ask(model=model, thinking=thinking, max_tokens=2000)
    (block,) = thoughts(answer)
    assert answer.json["content"][0] == block
    assert block["thinking"].startswith(shown)
    assert bool(block["thinking"]) == bool(shown)
    assert len(block["signature"]) > 200
    assert answer.json["usage"]["output_tokens_details"]["thinking_tokens"] > 0


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("claude-opus-4-8", ...),
        ("claude-sonnet-5", {"type": "disabled"}),
        ("claude-sonnet-5-5", {"type": "between_tools"}),
        (OLD, ...),
    ],
)
def test_no_thinking_where_it_is_off(ask, model, thinking):
    answer = ask(model=model, thinking=thinking)
    assert thoughts(answer) == []
    assert answer.json["usage"]["output_tokens_details"] == {"thinking_tokens": 0}


def test_between_tools_thinks_after_results_only(ask):
    fields = {"tools": [TOOL], "thinking": {"type": "between_tools"}}
    first = ask("look", **fields)
    assert thoughts(first) == []
    assert len(thoughts(ask(messages=history(first), **fields))) == 1


def test_enabled_thinking_thinks_once_a_turn_unless_interleaved(ask):
    fields = {"model": OLD, "tools": [TOOL], "thinking": BUDGET, "max_tokens": 2000}
    first = ask("look", **fields)
    assert thoughts(ask(messages=history(first), **fields)) == []
    beta = {"anthropic-beta": "interleaved-thinking-2025-05-14"}
    assert len(thoughts(ask(messages=history(first), headers=beta, **fields))) == 1


def test_redacted_thinking_on_demand_goes_round(ask):
    said = "[[simulator:redacted-thinking]]"
    first = ask(said)
    assert [b["type"] for b in thoughts(first)] == ["redacted_thinking", "thinking"]
    assert ask(messages=history(first, said)).status == 200


@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "claude-opus-5", "claude-opus-4-6", OLD])
@pytest.mark.parametrize("display", ["summarized", "omitted"])
def test_thinking_sent_back_is_verified(ask, model, display):
    kind = BUDGET if model == OLD else {"type": "adaptive"}
    fields = {
        "model": model,
        "tools": [TOOL],
        "thinking": {**kind, "display": display},
        "max_tokens": 2000,
    }
    sent = history(ask("look", **fields))
    assert ask(messages=sent, **fields).status == 200
    block = sent[1]["content"][0]
    block["signature"] = block["signature"][:40] + "AAAA" + block["signature"][44:]
    answer = ask(messages=sent, **fields)
    assert answer.status == 400
    assert answer.message == "messages.1.content.0: Invalid `signature` in `thinking` block"


@pytest.mark.parametrize("signature", ["", "abc", "%%%", "A" * 400])
def test_made_up_signatures_are_refused(ask, signature):
    block = {"type": "thinking", "thinking": "Hm.", "signature": signature}
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [block, {"type": "text", "text": "b"}]},
        {"role": "user", "content": "c"},
    ]
    assert ask(messages=messages).message.startswith("messages.1.content.0: Invalid `signature`")


def test_altered_text_is_refused(ask):
    thinking = {"type": "adaptive", "display": "summarized"}
    sent = history(ask("hello", thinking=thinking), "hello")
    sent[1]["content"][0]["thinking"] += "!"
    assert "Invalid `signature`" in ask(messages=sent).message


def test_text_put_into_an_omitted_block_is_ignored(ask):
    sent = history(ask("hello"), "hello")
    sent[1]["content"][0]["thinking"] = "whatever"
    assert ask(messages=sent).status == 200


def test_made_up_redacted_thinking_is_refused(ask):
    messages = [
        {"role": "user", "content": "a"},
        {
            "role": "assistant",
            "content": [{"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "b"}],
        },
        {"role": "user", "content": "c"},
    ]
    assert ask(messages=messages).message == (
        "messages.1.content.0: Invalid `data` in `redacted_thinking` block"
    )


def test_engines_with_other_secrets_refuse_each_others_thinking(ask, ask_with):
    sent = history(ask("hello"), "hello")
    assert ask_with()(messages=sent).status == 200
    assert ask_with(secret=b"other")(messages=sent).status == 400


@pytest.mark.parametrize(
    "change",
    [
        {"system": "Another system prompt."},
        {"tools": [TOOL]},
        {"messages": 0},
    ],
)
def test_a_changed_conversation_is_told_where_the_model_binds_thinking(ask, change):
    sent = history(ask("hello"), "hello")
    fields = {"messages": sent, **change}
    if "messages" in change:
        fields["messages"] = [{"role": "user", "content": "hello, changed"}, *sent[1:]]
    answer = ask(**fields)
    assert answer.status == 400
    assert "The block is bound to a different conversation" in answer.message


def test_a_changed_conversation_is_fine_on_earlier_models(ask):
    sent = history(ask("hello", model="claude-opus-5"), "hello")
    assert ask(model="claude-opus-5", messages=sent, system="New.").status == 200


def test_cache_control_and_spelling_do_not_break_the_bond(ask):
    sent = history(ask("hello"), "hello")
    text = {"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}
    sent[0] = {"role": "user", "content": [text]}
    assert ask(messages=sent).status == 200


def test_leaving_earlier_thinking_out_does_not_break_the_bond(ask):
    first = history(ask("hello"), "hello")
    second = ask(messages=first)
    last = {"role": "assistant", "content": second.json["content"]}
    without = [b for b in first[1]["content"] if b["type"] != "thinking"]
    sent = [first[0], {"role": "assistant", "content": without}, first[2], last]
    assert ask(messages=[*sent, {"role": "user", "content": "more"}]).status == 200


def test_drop_block_removes_what_no_longer_fits_and_reports_it(ask):
    sent = history(ask("hello"), "hello")
    thinking = {
        "type": "adaptive",
        "block_binding": {"prefix_mismatch_behavior": "drop_block"},
    }
    answer = ask(messages=sent, system="New.", thinking=thinking, headers=BINDING)
    assert answer.status == 200
    assert answer.json["input_transformations"] == [
        {
            "type": "thinking_dropped",
            "path": "messages.1.content.0",
            "reason": "prefix_binding_mismatch",
        }
    ]


def test_with_the_beta_an_untouched_request_reports_nothing(ask):
    assert ask(headers=BINDING).json["input_transformations"] == []
    assert "input_transformations" not in ask().json


def test_a_tool_loop_begins_with_thinking_where_it_is_enabled(ask):
    fields = {"model": OLD, "tools": [TOOL], "max_tokens": 2000}
    sent = history(ask("look", **fields))
    assert ask(messages=sent, **fields).status == 200
    answer = ask(messages=sent, thinking=BUDGET, **fields)
    assert answer.message.startswith(
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`."
    )


def test_a_long_tool_loop_thinks_at_its_beginning_only(ask):
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in ("one", "two", "three")]
    fields = {"model": OLD, "tools": tools, "thinking": BUDGET, "max_tokens": 2000}
    messages = [{"role": "user", "content": "call one, then two, then three"}]
    thinking = []
    for _ in range(4):
        answer = ask(messages=messages, **fields)
        assert answer.status == 200, answer.message
        thinking.append(len(thoughts(answer)))
        messages = [*messages, *history(answer)[1:]]
    assert thinking == [1, 0, 0, 0]
    assert answer.json["stop_reason"] == "end_turn"


def test_adaptive_models_take_a_tool_loop_without_its_thinking(ask):
    sent = history(ask("look", tools=[TOOL]))
    sent[1]["content"] = [b for b in sent[1]["content"] if b["type"] != "thinking"]
    assert ask(messages=sent, tools=[TOOL]).status == 200


def test_a_turn_may_not_end_with_thinking(ask):
    sent = history(ask("hello"), "hello")
    del sent[1]["content"][1:]
    answer = ask(messages=sent)
    assert answer.message == (
        "messages.1.content.0: The final block in an assistant message cannot be `thinking`."
    )
