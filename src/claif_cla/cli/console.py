"""The three standard streams as the commands use them.

stdout carries the answer and nothing else; notes go to stderr, one line each. What comes from
outside (models, servers, files) cannot drive a terminal: control characters are left out where
a terminal would obey them. Text that the stream's encoding lacks is replaced, never an error.
"""

from __future__ import annotations

import codecs
import io
import json
import os
from contextlib import suppress
from typing import Any, TextIO

__all__ = ["CommandError", "Console", "UsageError"]

PROGRAM = "claif-cla"

_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)))
_CONTROLS_IN_TEXT = {code: None for code in _CONTROLS if chr(code) not in "\n\t"}


class CommandError(Exception):
    """Ends a command with one line on stderr: the API, the model or the system said no."""

    exit_code = 1


class UsageError(CommandError):
    """Ends a command with one line on stderr: it was called wrongly."""

    exit_code = 2


class Console:
    """Standard input, output and error of one command.

    Args:
        stdin: None where the process has none.
        stdout: for the answer; its encoding errors are set to `replace`.
        stderr: for notes; likewise.
    """

    def __init__(self, stdin: TextIO | None, stdout: TextIO, stderr: TextIO) -> None:
        self._stdin, self._stdout, self._stderr = stdin, stdout, stderr
        self._newlines = 0
        self._started = False
        for stream in (stdout, stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        self._is_terminal = stdout.isatty()

    @property
    def has_pipe(self) -> bool:
        """Whether stdin is something else than a terminal."""
        return self._stdin is not None and not self._stdin.isatty()

    def read_stdin(self, limit: int) -> bytes:
        """All of stdin.

        Raises:
            UsageError: if it is longer than `limit` bytes, or cannot be read.
        """
        if self._stdin is None:
            return b""
        try:
            data = self._stdin.buffer.read(limit + 1)
        except OSError as error:
            raise UsageError(f"cannot read stdin: {error.strerror or error}") from error
        if len(data) > limit:
            raise UsageError(f"stdin is longer than the {limit >> 20} MB that a request may have")
        return data

    def write(self, text: str) -> None:
        """A piece of the answer, shown at once. Newlines wait for what follows them."""
        if self._is_terminal:
            text = text.translate(_CONTROLS_IN_TEXT)
        body = text.rstrip("\n")
        if body:
            self._stdout.write("\n" * self._newlines + body)
            self._stdout.flush()
            self._newlines = 0
            self._started = True
        self._newlines += len(text) - len(body)

    def end_line(self) -> None:
        """End what was written with exactly one newline; nothing where nothing was written."""
        if self._started:
            self._stdout.write("\n")
            self._stdout.flush()
        self._started = False
        self._newlines = 0

    def line(self, text: str = "") -> None:
        """A whole line of output."""
        self._stdout.write(f"{text.translate(_CONTROLS_IN_TEXT) if self._is_terminal else text}\n")

    def json(self, value: Any) -> None:
        """A JSON value, indented; escaped to ASCII unless stdout speaks UTF-8."""
        encoding = getattr(self._stdout, "encoding", None) or "ascii"
        utf8 = codecs.lookup(encoding).name == "utf-8"
        self.line(json.dumps(value, indent=2, ensure_ascii=not utf8))

    def note(self, text: str) -> None:
        """One line on stderr that says who speaks, whatever the text holds."""
        self.aside(f"{PROGRAM}: {' '.join(text.split())}")

    def aside(self, text: str) -> None:
        """A line on stderr as it is. A stderr that is gone is no reason to fail."""
        with suppress(OSError):
            self._stderr.write(f"{text.translate(_CONTROLS)}\n")
            self._stderr.flush()

    def flush(self) -> None:
        """Send on what stdout has buffered. Raises OSError if it cannot."""
        self._stdout.flush()

    def abandon(self) -> None:
        """Let what stdout still holds go to nowhere, so that the interpreter's exit is quiet."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self._stdout.fileno())
            finally:
                os.close(nowhere)
