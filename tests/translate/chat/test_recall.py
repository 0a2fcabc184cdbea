from __future__ import annotations

import copy

import pytest

from chat_requests import assistant, call, result, system, user
from claif_cla import ThinkingMemory
from claif_cla.translate.chat import recall
from claif_cla.translate.chat.recall import Heard, Recollection, answer_keys, worth_keeping

THOUGHT = {"type": "thinking", "thinking": "", "signature": "s"}
TEXT = {"type": "text", "text": "a"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
OTHER_USE = {**USE, "id": "toolu_2"}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}
ASKED = [system(), user("q")]


@pytest.mark.parametrize(
    ("content", "worth"),
    [
        ([], False),
        ([TEXT, USE], False),
        ([{**TEXT, "citations": None}], False),
        ([{**TEXT, "citations": [{}]}], True),
        ([THOUGHT, TEXT], True),
        ([{"type": "redacted_thinking", "data": "d"}], True),
        ([{"type": "server_tool_use"}], True),
    ],
)
def test_what_openais_fields_would_lose_is_worth_keeping(content, worth):
    assert worth_keeping(content) is worth


def found(messages, content, history, *, legacy=False):
    """Whether an answer to `messages` is found as the last assistant message of `history`."""
    memory = ThinkingMemory()
    memory.keep(answer_keys(messages, content, legacy=legacy), content)
    last = max(at for at, said in enumerate(history) if said["role"] == "assistant")
    return Recollection(memory, history).of(last) == content


def test_an_answer_with_calls_is_found_by_any_of_their_ids():
    content = [THOUGHT, USE, OTHER_USE]
    assert answer_keys(ASKED, content) == ["call:toolu_1", "call:toolu_2"]
    calls = [call("toolu_1"), call("toolu_2")]
    assert found(ASKED, content, [assistant(None, *calls)])
    assert found(ASKED, content, [user("trimmed"), assistant("x", *calls[1:])])
    assert not found(ASKED, content, [*ASKED, assistant(None, call("toolu_3"))])


SAME = [
    assistant("a"),
    assistant("a\n"),
    assistant([{"type": "text", "text": "a"}]),
    assistant(["a"]),
    assistant("a", refusal=None, function_call=None, tool_calls=None, annotations=[], audio=None),
    assistant("a", tool_calls=[], content_blocks=[], thinking_blocks=None),
    assistant("a", reasoning_content="hm"),
]


@pytest.mark.parametrize("said", SAME)
@pytest.mark.parametrize("asked", [user("q"), user([{"type": "text", "text": "q"}]), user("q ")])
def test_an_answer_of_text_is_found_by_its_place(said, asked):
    assert found(ASKED, [THOUGHT, TEXT], [system(), asked, said, user("more")])


@pytest.mark.parametrize(
    "history",
    [
        [assistant("a")],
        [user("q"), assistant("a")],
        [system(), user("p"), assistant("a")],
        [system(), user("q"), assistant("b")],
        [user(), system("q"), assistant("a")],
        [system(), user("q"), user(""), assistant("a")],
        [system(), user(["q", IMAGE]), assistant("a")],
        [system(), user("q"), assistant("a"), user("q"), assistant("a")],
    ],
)
def test_another_conversation_is_not_taken_for_it(history):
    assert not found(ASKED, [THOUGHT, TEXT], history)


def test_each_answer_of_a_conversation_is_found_at_its_own_place():
    memory, messages, answers = ThinkingMemory(), [user("q")], []
    for number in range(4):
        content = [{**THOUGHT, "signature": str(number)}, {"type": "text", "text": "OK"}]
        memory.keep(answer_keys(messages, content), content)
        answers.append(content)
        messages += [assistant("OK"), user("q")]
    recollection = Recollection(memory, messages)
    assert [recollection.of(at) for at in range(1, 8, 2)] == answers


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (user([IMAGE]), user([copy.deepcopy(IMAGE)]), True),
        (user([{**IMAGE, "cache_control": {"type": "ephemeral"}}]), user([IMAGE]), True),
        (
            user([{"image_url": dict(reversed(IMAGE["image_url"].items())), **IMAGE}]),
            user([IMAGE]),
            True,
        ),
        (
            user([{**IMAGE, "image_url": {"url": "https://example.com/b.png"}}]),
            user([IMAGE]),
            False,
        ),
        (user(["q", [1, None]]), user(["q", [1]]), False),
        (result("a", "x"), result("b", "x"), False),
        (result("a", "x"), result("a", "y"), False),
        (assistant(None, call("a")), assistant("", call("a", arguments=" {}")), True),
        (assistant(None, call("a")), assistant(None, call("b")), False),
        (assistant("x y"), assistant("x\n\ny"), True),
        (user("x y"), user("xy"), False),
        (assistant([THOUGHT, TEXT]), assistant("a"), True),
        (assistant(function_call={"name": "f", "arguments": "{}"}), assistant(), False),
        ({"role": "function", "name": "f", "content": ""}, user(""), False),
        (user(content=5), user(""), True),
        (user("q", tool_calls=5), user("q"), True),
    ],
)
def test_a_message_counts_by_what_every_client_keeps(one, other, same):
    keys = {Heard([message]).key_of("") for message in (one, other)}
    assert (len(keys) == 1) is same


def test_where_one_message_ends_and_the_next_begins_counts():
    assert Heard([user("ab"), user("c")]).key_of("") != Heard([user("a"), user("bc")]).key_of("")


def test_what_is_no_message_and_what_is_nested_deeply_does_no_harm():
    deep: list = []
    for _ in range(10_000):
        deep = [deep]
    assert Heard(["no message", user([{"type": "odd", "odd": deep}])]).key_of("")


def test_half_a_character_has_a_key_too():
    assert Heard([user("\ud83d")]).key_of("\ud83d").startswith("text:")


def test_a_function_call_has_no_id_and_is_found_by_its_place():
    content = [THOUGHT, USE]
    said = assistant(function_call={"name": "f", "arguments": "{}"})
    assert found(ASKED, content, [*ASKED, said], legacy=True)
    assert not found(ASKED, content, [user("p"), said], legacy=True)


def test_an_answer_that_says_nothing_has_no_key():
    assert answer_keys(ASKED, [THOUGHT, {"type": "text", "text": " "}]) == []


@pytest.mark.parametrize(
    "said",
    [
        assistant("a", content_blocks=[TEXT]),
        assistant("a", thinking_blocks=[THOUGHT]),
        assistant("a", reasoning_details=[{}]),
        assistant([THOUGHT, TEXT]),
        assistant(None),
        assistant(" "),
    ],
)
def test_what_brings_its_own_blocks_or_says_nothing_is_not_looked_up(said):
    assert not found(ASKED, [THOUGHT, TEXT], [*ASKED, said])


def test_nothing_is_digested_while_nothing_is_remembered(monkeypatch):
    monkeypatch.setattr(recall.Heard, "take", None)
    history = [*ASKED, assistant("a")]
    assert Recollection(None, history).of(2) is None
    assert Recollection(ThinkingMemory(), history).of(2) is None


@pytest.mark.parametrize("said", ['{"a": 1}', '```json\n{"a": 1}\n```'])
def test_an_answer_is_found_without_its_code_fence_too(said):
    content = [THOUGHT, {**TEXT, "text": '```json\n{"a": 1}\n```'}]
    assert found(ASKED, content, [*ASKED, assistant(said)])
