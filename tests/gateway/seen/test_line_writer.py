from __future__ import annotations

import os
import sys
import threading

import pytest

from claif_cla.gateway.seen import line_writer
from claif_cla.gateway.seen.line_writer import MAX_WAITING_BYTES, PIECE_BYTES, LineWriter

LINE = b"x" * 1_023 + b"\n"


class StuckTerminal:
    """Takes nothing until `go` is set."""

    def __init__(self):
        self.go, self.entered = threading.Event(), threading.Event()
        self.text = b""

    def __call__(self, data):
        self.entered.set()
        self.go.wait(60)
        self.text += data


@pytest.fixture
def stuck():
    terminal = StuckTerminal()
    yield terminal
    terminal.go.set()


def test_every_line_is_written_once_in_order():
    written = []
    writer = LineWriter(written.append)
    lines = [b"%d\n" % number for number in range(5_000)]
    for line in lines:
        writer.add(line)
    writer.close()
    assert b"".join(written) == b"".join(lines)
    assert writer.dropped == 0
    assert writer.waiting_bytes == 0


def test_a_line_is_written_without_waiting_for_the_next():
    written = threading.Event()
    writer = LineWriter(lambda data: written.set())
    writer.add(b"one\n")
    assert written.wait(30)
    writer.close()


def test_many_lines_are_written_in_pieces():
    sizes = []
    writer = LineWriter(lambda data: sizes.append(len(data)))
    for _ in range(300):
        writer.add(LINE)
    writer.close()
    assert sum(sizes) == 300 * len(LINE)
    assert max(sizes) <= PIECE_BYTES + len(LINE)


def test_a_stuck_terminal_holds_up_nobody_and_what_has_no_room_is_counted(stuck):
    writer = LineWriter(stuck)
    writer.add(b"first\n")
    assert stuck.entered.wait(30)
    # If `add` waited for the terminal, it would wait for ever.
    for _ in range(2 * MAX_WAITING_BYTES // len(LINE)):
        writer.add(LINE)
    assert writer.waiting_bytes <= MAX_WAITING_BYTES
    kept = (MAX_WAITING_BYTES - len(b"first\n")) // len(LINE)
    assert writer.dropped == 2 * MAX_WAITING_BYTES // len(LINE) - kept
    stuck.go.set()
    writer.close()
    assert stuck.text == b"first\n" + LINE * kept


def test_closing_waits_for_a_stuck_terminal_within_a_bound(stuck, monkeypatch):
    monkeypatch.setattr(line_writer, "CLOSE_SECONDS", 0.05)
    writer = LineWriter(stuck)
    writer.add(b"first\n")
    assert stuck.entered.wait(30)
    writer.close()
    assert stuck.text == b""


def test_lines_that_cannot_be_written_are_counted_and_later_ones_are_tried_again():
    calls = []

    def write(data):
        calls.append(data)
        if len(calls) == 1:
            raise OSError("no space left")

    writer = LineWriter(write)
    for _ in range(2 * PIECE_BYTES // len(LINE)):
        writer.add(LINE)
    writer.close()
    assert writer.dropped == len(calls[0]) // len(LINE)
    assert b"".join(calls) == LINE * (2 * PIECE_BYTES // len(LINE))
    assert len(calls) > 1


def test_after_the_end_lines_are_counted_as_dropped():
    writer = LineWriter([].append)
    writer.close()
    writer.add(LINE)
    assert writer.dropped == 1


def test_no_thread_is_started_before_the_first_line():
    writer = LineWriter([].append)
    assert writer._thread is None
    writer.close()


class Piped:
    """A standard error that is a pipe."""

    def __init__(self, descriptor):
        self._descriptor = descriptor

    def fileno(self):
        return self._descriptor

    def write(self, text):
        raise AssertionError("its buffer has a lock that others wait for")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes that do not block are POSIX's")
def test_a_pipe_that_does_not_block_gets_all_of_it(monkeypatch):
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    monkeypatch.setattr(sys, "stderr", Piped(writing))
    writer = LineWriter()
    for _ in range(1_000):
        writer.add(LINE)
    found = 0
    while found < 1_000 * len(LINE):
        found += len(os.read(reading, 65_536))
    writer.close()
    os.close(reading)
    os.close(writing)
    assert writer.dropped == 0


def test_a_reader_who_is_gone_is_no_error(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(sys, "stderr", Piped(writing))
    writer = LineWriter()
    writer.add(LINE)
    writer.close()
    os.close(writing)
    assert writer.dropped == 1


def test_a_standard_error_that_is_no_file_is_written_to(capsys):
    writer = LineWriter()
    writer.add("ü\n".encode())
    writer.close()
    assert capsys.readouterr().err == "ü\n"
