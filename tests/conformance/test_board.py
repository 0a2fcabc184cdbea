"""The scoreboard: whatever a subject does, each check has an outcome."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from typing import Any

import pytest

from conformance.board import as_markdown, as_text, judge
from conformance.registry import Check


class Fake:
    """A subject that does as it is told."""

    name = "fake"
    openai_errors = False
    can = frozenset({"client"})

    def __init__(self, does: Any) -> None:
        self._does = does

    def create(self, **params: Any) -> Any:
        return self._does()

    def iterating(self, raw: Any) -> Any:
        return contextlib.nullcontext(iter(raw))

    def close(self) -> None: ...


def nothing() -> dict[str, Any]:
    return {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}


def broken() -> None:
    raise RuntimeError("out of order\nand more")


def asks(bench: Any) -> None:
    assert bench.ask().text == "x"


def outcome(*behaviours: Any, timeout: float = 10, **fields: Any) -> Any:
    check = Check("group.name", asks, **fields)
    makers = [lambda _, does=does: Fake(does) for does in behaviours]
    return judge([check], makers, timeout=timeout)


def test_a_check_that_holds_has_passed():
    assert [one.passed for one in outcome(nothing)] == [True]


def test_whatever_a_subject_raises_is_a_failure_with_its_reason_in_one_line():
    (failed,) = outcome(broken)
    assert failed.reason == "RuntimeError: out of order and more"


def bare(bench: Any) -> None:
    if bench.ask().text == "x":
        raise AssertionError


def test_a_failure_without_words_tells_its_line():
    (failed,) = judge([Check("group.name", bare)], [lambda _: Fake(nothing)])
    assert failed.reason == "raise AssertionError"


def test_a_subject_that_exits_fails_only_its_check():
    (failed,) = outcome(lambda: sys.exit(3))
    assert failed.reason == "SystemExit: 3"


def test_a_subject_that_hangs_is_given_up():
    leave = threading.Event()
    try:
        (failed,) = outcome(leave.wait, timeout=0.1)
    finally:
        leave.set()
    assert failed.reason == "no end after 0.1 s"


def test_one_setting_that_passes_is_enough():
    assert [one.passed for one in outcome(broken, nothing)] == [True]


@pytest.mark.parametrize("fields", [{"needs": frozenset({"own"})}, {"ours": True}])
def test_what_does_not_apply_is_not_counted(fields):
    assert outcome(broken, **fields) == []


def test_the_scoreboard_counts_by_group():
    outcomes = [*outcome(nothing), *outcome(broken)]
    text = as_text("fake", outcomes).splitlines()
    assert text[1].split() == ["group", "1", "/", "2"]
    assert text[-1] == "group.name: RuntimeError: out of order and more"
    assert "| group | 1 / 2 |" in as_markdown({"fake": outcomes}).splitlines()


def test_the_guard_lets_nothing_out():
    code = (
        "import socket; from conformance.board import stay_on_loopback; stay_on_loopback()\n"
        "with socket.create_server(('127.0.0.1', 0)) as s:\n"
        "    socket.create_connection(s.getsockname()).close()\n"
        "for way in (lambda: socket.getaddrinfo('example.com', 80),\n"
        "            lambda: socket.socket().connect(('192.0.2.1', 80))):\n"
        "    try: way()\n"
        "    except OSError as error: assert 'stay on 127.0.0.1' in str(error)\n"
        "    else: raise AssertionError\n"
    )
    path = [one for one in sys.path if one]
    made = f"import sys; sys.path[:0] = {path!r}\n{code}"
    subprocess.run([sys.executable, "-c", made], check=True, timeout=60)
