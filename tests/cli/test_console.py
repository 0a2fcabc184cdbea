from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.cli.console import Console, UsageError


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _console(out: io.StringIO, err: io.StringIO | None = None) -> Console:
    return Console(None, out, err or io.StringIO())


@given(st.lists(st.text(alphabet="a \n", max_size=5), max_size=8))
def test_output_is_the_text_with_exactly_one_newline_at_its_end(pieces):
    out = io.StringIO()
    console = _console(out)
    for piece in pieces:
        console.write(piece)
    console.end_line()
    text = "".join(pieces).rstrip("\n")
    assert out.getvalue() == (f"{text}\n" if text else "")


def test_text_is_shown_as_it_comes():
    out = io.StringIO()
    console = _console(out)
    console.write("one")
    assert out.getvalue() == "one"
    console.write(" two\n\n")
    assert out.getvalue() == "one two"
    console.write("three")
    assert out.getvalue() == "one two\n\nthree"


def test_ending_a_line_twice_writes_one_newline():
    out = io.StringIO()
    console = _console(out)
    console.write("x")
    console.end_line()
    console.end_line()
    assert out.getvalue() == "x\n"


def test_answer_cannot_drive_a_terminal():
    out = _Terminal()
    console = _console(out)
    console.write("a\x1b[31mred\x9b2J\r\x07 tab\tline\nend")
    console.line("b\x1b]0;title\x07")
    assert out.getvalue() == "a[31mred2J tab\tline\nendb]0;title\n"


def test_answer_is_verbatim_where_no_terminal_reads_it():
    out = io.StringIO()
    console = _console(out)
    console.write("a\x1b[31m\r\nb")
    assert out.getvalue() == "a\x1b[31m\r\nb"


def test_notes_are_one_line_without_controls():
    err = io.StringIO()
    _console(io.StringIO(), err).note("two\nlines\x1b[2J\x85 and\tmore")
    assert err.getvalue() == "claif-cla: two lines[2J and more\n"


@pytest.mark.parametrize(("encoding", "expected"), [("utf-8", "é"), ("latin-1", "\\u00e9")])
def test_json_stays_json_in_any_encoding(encoding, expected):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(None, stream, io.StringIO())
    console.json({"text": "é"})
    console.flush()
    text = raw.getvalue().decode(encoding)
    assert expected in text
    assert json.loads(text) == {"text": "é"}


def test_stdin_is_bounded():
    stdin = io.TextIOWrapper(io.BytesIO(b"x" * (2 << 20)))
    console = Console(stdin, io.StringIO(), io.StringIO())
    with pytest.raises(UsageError, match="stdin is longer than the 1 MB"):
        console.read_stdin(1 << 20)


def test_process_without_stdin_has_an_empty_one():
    console = _console(io.StringIO())
    assert (console.has_pipe, console.read_stdin(10)) == (False, b"")
