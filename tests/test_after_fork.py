from __future__ import annotations

import os
import threading

import pytest

from claif_cla import ThinkingMemory, after_fork
from claif_cla.after_fork import lock_across_forks
from claif_cla.model_lessons import ModelLessons
from claif_cla.warn import Warner

pytestmark = pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="no fork here")


@pytest.fixture
def forking():
    """Runs what a fork runs before and after it, without one."""

    def fork():
        after_fork._before()
        after_fork._after()

    return fork


def test_a_fork_leaves_no_lock_locked(forking):
    lock = lock_across_forks()
    forking()
    assert not lock.locked()


def test_a_fork_waits_for_who_holds_a_lock(forking):
    lock = lock_across_forks()
    lock.acquire()
    forked = threading.Thread(target=forking)
    forked.start()
    forked.join(0.05)
    assert forked.is_alive()
    lock.release()
    forked.join(10)
    assert not forked.is_alive()
    assert not lock.locked()


def test_a_fork_out_of_a_lock_is_not_held_up_for_ever(forking, monkeypatch):
    monkeypatch.setattr(after_fork, "MAX_WAIT", 0.01)
    lock = lock_across_forks()
    with lock:
        forking()
        assert lock.locked()
    assert not lock.locked()


def test_locks_are_forgotten_with_their_owners():
    before = len(after_fork._LOCKS)
    memory = ThinkingMemory()
    assert len(after_fork._LOCKS) == before + 1
    del memory
    assert len(after_fork._LOCKS) == before


@pytest.mark.parametrize("made", [ThinkingMemory, ModelLessons, Warner])
def test_what_a_client_remembers_is_safe_to_fork(made):
    assert made()._lock in after_fork._LOCKS
