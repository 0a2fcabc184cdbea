from __future__ import annotations

import threading

import pytest

from claif_cla import ThinkingMemory

THOUGHT = [{"type": "thinking", "thinking": "t", "signature": "s"}]


def test_what_is_kept_comes_back_under_each_of_its_keys():
    memory = ThinkingMemory()
    memory.keep(["a", "b"], THOUGHT)
    assert memory.recall("a") == memory.recall("b") == THOUGHT
    assert memory.recall("c") is None
    assert len(memory) == 1


def test_what_stood_before_an_answer_is_kept_with_it():
    memory = ThinkingMemory()
    memory.keep(["a", "b"], THOUGHT, "before")
    memory.keep(["c"], THOUGHT)
    assert [memory.prefix(key) for key in "abcd"] == ["before", "before", None, None]


def test_asking_what_stood_before_is_a_use():
    memory = ThinkingMemory(max_entries=2)
    memory.keep(["a"], [1], "before")
    memory.keep(["b"], [2])
    memory.prefix("a")
    memory.keep(["c"], [3])
    assert [memory.recall(key) for key in "abc"] == [[1], None, [3]]


def test_what_comes_back_is_nobody_elses():
    memory = ThinkingMemory()
    memory.keep(["a"], THOUGHT)
    memory.recall("a")[0]["thinking"] = "changed"
    assert memory.recall("a") == THOUGHT


def test_without_a_key_nothing_is_kept():
    memory = ThinkingMemory()
    memory.keep([], THOUGHT)
    assert len(memory) == 0


def test_a_key_that_comes_again_means_the_later_answer():
    memory = ThinkingMemory()
    memory.keep(["a", "b"], [1])
    memory.keep(["a"], [2])
    assert (memory.recall("a"), memory.recall("b"), len(memory)) == ([2], [1], 2)
    memory.keep(["b"], [3])
    assert (memory.recall("a"), memory.recall("b"), len(memory)) == ([2], [3], 2)


def test_the_same_answer_again_takes_no_more_room():
    memory = ThinkingMemory(max_entries=3)
    memory.keep(["other"], [0])
    for _ in range(10):
        memory.keep(["a", "b"], THOUGHT)
    assert len(memory) == 2
    assert memory.recall("other") == [0]


def test_entries_are_bounded_and_what_was_used_longest_ago_goes_first():
    memory = ThinkingMemory(max_entries=2)
    memory.keep(["a"], [1])
    memory.keep(["b"], [2])
    memory.recall("a")
    memory.keep(["c"], [3])
    assert [memory.recall(key) for key in "abc"] == [[1], None, [3]]


def test_bytes_are_bounded():
    memory = ThinkingMemory(max_bytes=800)
    for number in range(50):
        memory.keep([str(number)], ["x" * 80])
    assert 2 <= len(memory) <= 9
    assert memory.recall("49") == ["x" * 80]
    assert memory.recall("0") is None


@pytest.mark.parametrize(("key", "text"), [("a", "x" * 100), ("a" * 100, "x")])
def test_an_answer_that_would_push_out_many_is_not_kept(key, text):
    memory = ThinkingMemory(max_bytes=800)
    memory.keep([key], [text])
    assert len(memory) == 0


def test_a_cleared_memory_is_empty_and_goes_on():
    memory = ThinkingMemory()
    memory.keep(["a"], [1])
    memory.clear()
    assert (len(memory), memory.recall("a")) == (0, None)
    memory.keep(["a"], [2])
    assert memory.recall("a") == [2]


def test_its_repr_shows_no_thought():
    memory = ThinkingMemory(max_entries=7)
    memory.keep(["a"], ["secret"])
    assert repr(memory) == "ThinkingMemory(1 of 7 answers)"


@pytest.mark.parametrize("bound", ["max_entries", "max_bytes"])
def test_a_memory_without_room_is_a_mistake(bound):
    with pytest.raises(ValueError, match="at least 1"):
        ThinkingMemory(**{bound: 0})


def test_threads_may_share_it():
    memory, wrong = ThinkingMemory(max_entries=20), []

    def work(name):
        for number in range(300):
            key = f"{name}{number % 30}"
            memory.keep([key, "shared"], [key])
            if memory.recall(key) not in ([key], None):
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert len(memory) <= 20
