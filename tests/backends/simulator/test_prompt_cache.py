"""Usage shows what the cache saved, and only what it may save."""

from __future__ import annotations

import pytest

from claif_cla.backends.simulator.prompt_cache import PromptCache
from claif_cla.backends.simulator.tokens import Segment
from claif_cla.catalog.model_info import lookup

EPHEMERAL = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
LONG = "word " * 2000
MODEL = lookup("claude-sonnet-5-5")


def system(control=EPHEMERAL, text=LONG):
    return [{"type": "text", "text": text, "cache_control": control}]


def usage(answer):
    found = answer.json["usage"]
    return (
        found["cache_read_input_tokens"],
        found["cache_creation_input_tokens"],
        found["input_tokens"],
    )


def test_a_repeated_prefix_is_written_then_read(ask):
    first, second = usage(ask("one", system=system())), usage(ask("two", system=system()))
    assert first[0] == 0
    assert first[1] >= 2500
    assert second == (first[1], 0, first[2])


def test_without_a_breakpoint_nothing_is_cached(ask):
    for _ in range(2):
        assert usage(ask(system=LONG))[:2] == (0, 0)


def test_a_prefix_below_the_minimum_is_not_cached(ask):
    for _ in range(2):
        assert usage(ask(system=system(text="short")))[:2] == (0, 0)


@pytest.mark.parametrize(("control", "lifetime"), [(EPHEMERAL, 300), (HOUR, 3600)])
def test_an_entry_lives_as_long_as_its_ttl(ask, clock, control, lifetime):
    ask(system=system(control))
    clock.now += lifetime - 1
    assert usage(ask(system=system(control)))[0] > 0
    clock.now += lifetime - 1
    assert usage(ask(system=system(control)))[0] > 0, "a read renews the entry"
    clock.now += lifetime + 1
    assert usage(ask(system=system(control)))[0] == 0


def test_writes_are_told_by_lifetime(ask):
    answer = ask(
        system=system(HOUR),
        messages=[
            {
                "role": "user",
                "content": [{"type": "text", "text": LONG, "cache_control": EPHEMERAL}],
            }
        ],
    )
    created = answer.json["usage"]["cache_creation"]
    assert created["ephemeral_1h_input_tokens"] >= 2500
    assert created["ephemeral_5m_input_tokens"] >= 2500
    assert sum(created.values()) == answer.json["usage"]["cache_creation_input_tokens"]


def test_the_automatic_breakpoint_grows_with_the_conversation(ask):
    messages = [{"role": "user", "content": LONG}]
    first = ask(messages=messages, cache_control=EPHEMERAL)
    messages += [
        {"role": "assistant", "content": first.json["content"]},
        {"role": "user", "content": "And?"},
    ]
    second = ask(messages=messages, cache_control=EPHEMERAL)
    assert usage(first)[0] == 0
    assert usage(second)[0] == usage(first)[1]
    assert usage(second)[1] > 0


@pytest.mark.parametrize(
    "change",
    [
        {"system": system(text=LONG + "!")},
        {"tools": [{"name": "t", "input_schema": {"type": "object"}}]},
        {"model": "claude-opus-5-5"},
    ],
)
def test_a_changed_prefix_is_not_read(ask, change):
    ask(system=system())
    assert usage(ask(**{"system": system(), **change}))[0] == 0


def test_thinking_changes_the_messages_part_only(ask):
    marked = [{"type": "text", "text": LONG, "cache_control": EPHEMERAL}]
    messages = [{"role": "user", "content": marked}]
    ask(system=system(), messages=messages)
    found = usage(ask(system=system(), messages=messages, thinking={"type": "between_tools"}))
    assert found[0] > 0
    assert found[1] > 0


def test_parts_add_up_to_the_count(ask):
    counted = ask(path="/v1/messages/count_tokens", system=system()).json["input_tokens"]
    for _ in range(2):
        assert sum(usage(ask(system=system()))) == counted


def test_max_tokens_zero_warms_the_cache(ask):
    ask(system=system(), max_tokens=0)
    assert usage(ask(system=system()))[0] > 0


def test_a_breakpoint_looks_back_twenty_blocks():
    cache = PromptCache(lambda: 0.0)

    def prompt(size):
        blocks = [Segment(b"%d" % n, 1000) for n in range(size - 1)]
        return [*blocks, Segment(b"%d" % (size - 1), 1000, EPHEMERAL)]

    cache.use(prompt(1), MODEL)
    assert cache.use(prompt(20), MODEL).read == 1000
    cache.use(prompt(41), MODEL)
    assert PromptCache(lambda: 0.0).use(prompt(41), MODEL).read == 0
    fresh = PromptCache(lambda: 0.0)
    fresh.use(prompt(1), MODEL)
    assert fresh.use(prompt(21), MODEL).read == 0


def test_the_number_of_entries_is_bounded():
    cache = PromptCache(lambda: 0.0, max_entries=3)
    for n in range(5):
        cache.use([Segment(b"%d" % n, 1000, EPHEMERAL)], MODEL)
    assert cache.use([Segment(b"0", 1000, EPHEMERAL)], MODEL).read == 0
    assert cache.use([Segment(b"4", 1000, EPHEMERAL)], MODEL).read == 1000


def test_an_empty_prompt_is_no_mistake():
    assert PromptCache(lambda: 0.0).use([], MODEL, EPHEMERAL).total == 0
