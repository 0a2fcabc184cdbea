"""Processes that share a ledger, and are killed in the middle of their work."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from claif_cla.gateway.ledger import Ledger, Report

# Tells each id once `append` has returned: what a gateway would answer after it.
APPENDER = """
import os, sys
from pathlib import Path
from claif_cla.gateway.ledger import Entry, Ledger

path, name, at, most = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
ledger = Ledger(path, keep_days=36_500, move_seconds=0.002)
for number in range(most):
    ledger.append(Entry(f"{name}-{number}", at, name, name, "claude-opus-5-5", cost=1))
    os.write(1, b"%d\\n" % number)
ledger.close()
"""
ROUNDS = 6
MOST = 20_000
"""Appended by a process that nobody kills: some tenths of a second."""


@pytest.fixture
def start(path, at):
    started = []

    def run(name, most=MOST):
        arguments = [str(path), name, str(at("2026-11-23")), str(most)]
        process = subprocess.Popen(
            [sys.executable, "-c", APPENDER, *arguments], stdout=subprocess.PIPE
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def found(path):
    """How many requests the ledger has by key, once all that is left was moved."""

    def look():
        Ledger(path, keep_days=36_500).close()
        assert list(path.parent.iterdir()) == [path]
        with Report(path) as report:
            sums = report.sums(["key"])
        assert all(one.cost == one.requests for one in sums)
        return {one.by[0]: one.requests for one in sums}

    return look


def killed_after(process, lines):
    """Kill it once it has told so many ids; the number of ids that it told in the end."""
    for _ in range(lines):
        process.stdout.readline()
    process.kill()
    rest = process.stdout.read()
    process.wait()
    return lines + rest.count(b"\n")


def test_a_killed_process_loses_nothing_that_it_answered(start, found):
    # Any point will do; the seed is told by the failure.
    chance = random.Random(20261123)
    told = {}
    for number in range(ROUNDS):
        name = f"run{number}"
        told[name] = killed_after(start(name), chance.choice([1, 50, 700, 5_000]))
        # What the next process moves, and what it is killed in, includes what the last one left.
    counted = found()
    for name, answered in told.items():
        # One more at the most: written, and killed before it was told.
        assert answered <= counted[name] <= answered + 1, (name, told, counted)


def test_two_processes_at_once_lose_nothing_and_count_nothing_twice(start, found):
    processes = {name: start(name, 5_000) for name in ("one", "other")}
    for process in processes.values():
        out, _ = process.communicate(timeout=60)
        assert out.count(b"\n") == 5_000
        assert process.returncode == 0
    assert found() == {"one": 5_000, "other": 5_000}


def test_one_is_killed_while_the_other_goes_on(start, found):
    other = start("other", 5_000)
    answered = killed_after(start("one"), 300)
    other.communicate(timeout=60)
    counted = found()
    assert counted["other"] == 5_000
    assert answered <= counted["one"] <= answered + 1
