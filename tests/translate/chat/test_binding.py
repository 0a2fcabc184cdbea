from __future__ import annotations

import pytest

from chat_requests import NEWEST, STEADY, assistant, function_tool, plan, system, user
from claif_cla import ThinkingMemory
from claif_cla.catalog.model_info import lookup
from claif_cla.translate.chat.binding import (
    prefix_of,
    thinking_key,
    thinking_keys,
    unfit_thinking,
)

THOUGHT = {"type": "thinking", "thinking": "t", "signature": "s"}
SEALED = {"type": "redacted_thinking", "data": "d"}
TEXT = {"type": "text", "text": "a"}
ASKED = [system("Be brief."), user("one")]
ECHO = assistant("a", thinking_blocks=[THOUGHT])
LATER = [*ASKED, ECHO, user("two")]
UNFIT = "Thinking that no longer fits the conversation was left out."


def prefix(**request):
    return prefix_of(plan(model=NEWEST, **request).body)


def remembering(content=(THOUGHT, TEXT), **request):
    """A memory of one answer to a request."""
    memory = ThinkingMemory()
    before = prefix(**{"messages": ASKED, **request})
    memory.keep(thinking_keys(content), content, before)
    return memory


def sent(memory, model=NEWEST, **request):
    made = plan(model=model, settings={"memory": memory}, **{"messages": LATER, **request})
    return made.body["messages"][1]["content"], [n["detail"] for n in made.receipts.entries]


def test_blocks_are_known_by_what_signs_them():
    keys = thinking_keys([THOUGHT, TEXT, SEALED])
    assert keys == [thinking_key(THOUGHT), thinking_key(SEALED)]
    assert thinking_key({**THOUGHT, "thinking": "other"}) == keys[0]
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"messages": [user("one")]},
        {"messages": [system("Be brief!"), user("one")]},
        {"messages": [*ASKED, assistant("a"), user("two")]},
        {"tools": [function_tool("f")]},
        {"verbosity": "low"},  # an instruction of ours is a part of the system prompt
    ],
)
def test_a_prefix_is_all_that_stands_before_the_answer(change):
    assert prefix(**{"messages": ASKED, **change}) != prefix(messages=ASKED)


@pytest.mark.parametrize(
    "same",
    [
        {"messages": [ASKED[0], user([{"type": "text", "text": "one"}])]},
        {"messages": [ASKED[0], {**user("one"), "cache_control": {"type": "ephemeral"}}]},
        {"max_tokens": 50, "reasoning_effort": "low"},
    ],
)
def test_a_prefix_is_nothing_else(same):
    assert prefix(**{"messages": ASKED, **same}) == prefix(messages=ASKED)


def test_thinking_is_no_part_of_a_prefix():
    assert prefix(messages=LATER) == prefix(messages=[*ASKED, assistant("a"), user("two")])


def test_thinking_that_stands_where_it_was_thought_goes_back():
    assert sent(remembering()) == ([THOUGHT, TEXT], [])


@pytest.mark.parametrize(
    "change",
    [
        {"messages": [user("one"), ECHO, user("two")]},
        {"messages": [system("Be brief."), user("edited"), ECHO, user("two")]},
        {"tools": [function_tool("f")]},
    ],
)
@pytest.mark.parametrize("block", [THOUGHT, SEALED], ids=lambda block: block["type"])
def test_thinking_behind_something_else_is_left_out_with_a_receipt(block, change):
    echo = assistant("a", thinking_blocks=[block])
    change = {
        "messages": [
            echo if message is ECHO else message for message in change.get("messages", LATER)
        ],
        "tools": change.get("tools"),
    }
    assert sent(remembering([block, TEXT]), **change) == ([TEXT], [UNFIT])


def test_what_was_thought_before_the_change_stays():
    memory = remembering()
    later = {**THOUGHT, "signature": "later"}
    memory.keep(thinking_keys([later]), [later, TEXT], prefix(messages=LATER))
    edited = [*ASKED, ECHO, user("edited"), assistant("b", thinking_blocks=[later]), user("three")]
    made = plan(model=NEWEST, settings={"memory": memory}, messages=edited).body["messages"]
    assert made[1]["content"] == [THOUGHT, TEXT]
    assert [block["type"] for block in made[3]["content"]] == ["text"]


def test_where_thinking_is_not_bound_it_stays():
    assert not lookup(STEADY).binds_thinking
    assert sent(remembering(), model=STEADY, tools=[function_tool("f")])[0] == [THOUGHT, TEXT]


@pytest.mark.parametrize("memory", [None, ThinkingMemory(), remembering([SEALED])])
def test_what_is_not_remembered_is_sent_as_it_is(memory):
    assert sent(memory, tools=[function_tool("f")])[0] == [THOUGHT, TEXT]


def test_a_caller_who_says_what_becomes_of_it_is_taken_at_their_word():
    said = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}
    memory = remembering()
    assert sent(memory, tools=[function_tool("f")], thinking=said)[0] == [THOUGHT, TEXT]


def test_strict_leaves_the_callers_blocks_to_the_api():
    made = plan(
        model=NEWEST,
        settings={"memory": remembering(), "compat": "strict"},
        messages=LATER,
        tools=[function_tool("f")],
    )
    assert made.body["messages"][1]["content"] == [THOUGHT, TEXT]


def test_a_conversation_without_thinking_holds_none_that_does_not_fit():
    body = plan(model=NEWEST, messages=[*ASKED, assistant("a"), user("two")]).body
    assert unfit_thinking(body, remembering()) == frozenset()
