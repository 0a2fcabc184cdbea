from __future__ import annotations

import _thread
import subprocess
import sys
import textwrap
import threading
import warnings

import pytest

from claif_cla import AdaptationWarning, ClaudeClient
from claif_cla.warn import MAX_SEEN, Warner

SEED = {"param": "seed", "action": "dropped", "detail": "it cannot be honoured."}
STORE = {**SEED, "param": "store"}


@pytest.fixture
def caught():
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield found


def texts(caught):
    return [str(warning.message) for warning in caught]


def test_each_parameter_is_told_once(caught):
    warner = Warner()
    warner.adapted([SEED, STORE, {**SEED, "detail": "another."}])
    warner.adapted([SEED])
    assert texts(caught) == [
        "`seed` was dropped: it cannot be honoured.",
        "`store` was dropped: it cannot be honoured.",
    ]
    assert {warning.category for warning in caught} == {AdaptationWarning}


def test_each_retirement_is_told_once(caught):
    warner = Warner()
    warner.deprecated(["a retires", "b retires", "a retires"])
    assert texts(caught) == ["a retires", "b retires"]
    assert {warning.category for warning in caught} == {DeprecationWarning}


def test_two_warners_know_nothing_of_each_other(caught):
    Warner().adapted([SEED])
    Warner().adapted([SEED])
    assert len(caught) == 2


def test_memory_is_bounded(caught):
    warner = Warner()
    warner.adapted({**SEED, "param": str(number)} for number in range(MAX_SEEN + 50))
    assert len(caught) == MAX_SEEN == len(warner._seen)


def test_threads_get_one_warning(caught):
    warner, start = Warner(), threading.Barrier(8)

    def tell():
        start.wait(10)
        warner.adapted([SEED])

    threads = [threading.Thread(target=tell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(caught) == 1


def test_a_warning_points_at_the_line_that_called(caught):
    client = ClaudeClient(backend="simulator")
    client.chat.completions.create(messages=[{"role": "user", "content": "Hi"}], seed=1)
    assert [warning.filename for warning in caught] == [__file__]
    with open(__file__, encoding="utf-8") as source:  # noqa: PTH123
        line = source.read().splitlines()[caught[0].lineno - 1]
    assert "client.chat.completions.create" in line


SCRIPT = """
import asyncio
from claif_cla import AsyncClaudeClient, ClaudeClient

HELLO = [{"role": "user", "content": "Hi"}]

async def main():
    client = AsyncClaudeClient(backend="simulator")
    await client.chat.completions.create(messages=HELLO, seed=1)  # awaited
    ClaudeClient(backend="simulator").chat.completions.with_raw_response.create(
        messages=HELLO, store=True
    )

asyncio.run(main())
"""


def test_warnings_of_a_script_point_at_its_own_lines(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=60
    )
    warned = [line for line in done.stderr.splitlines() if "AdaptationWarning" in line]
    assert [line.partition(": ")[0] for line in warned] == [f"{script}:9", f"{script}:10"]


def test_where_all_frames_are_ours_the_outermost_is_named(caught):
    done = threading.Event()
    namespace = {"__name__": "claif_cla.pretended", "warner": Warner(), "done": done}
    code = f"warner.adapted([{SEED}]) or done.set()"
    _thread.start_new_thread(eval, (code, namespace))  # no frame of `threading` below it
    assert done.wait(10)
    assert [warning.filename for warning in caught] == ["<string>"]
