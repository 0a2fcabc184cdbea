from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from claif_cla.cli.__main__ import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


class _Stream(io.TextIOWrapper):
    def __init__(self, data: bytes = b"", *, tty: bool = False) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8", newline="\n")
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    @property
    def written(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode()


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Run a command line in this process: `cli("ask", "Hi", stdin=b"…")`.

    Without `stdin` it is a terminal that nobody types at. `tty` makes stdout one.
    """

    def run(*argv: str, stdin: bytes | None = None, tty: bool = False) -> Outcome:
        out, err = _Stream(tty=tty), _Stream()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", _Stream(stdin or b"", tty=stdin is None))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            code = main(argv)
        return Outcome(code, out.written, err.written)

    return run


@pytest.fixture
def simulated(cli: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """`cli("ask", …)` on the simulator."""

    def run(*argv: str, **options: Any) -> Outcome:
        return cli("ask", "--backend", "simulator", *argv, **options)

    return run


@pytest.fixture
def python() -> Callable[..., subprocess.Popen[bytes]]:
    """Start `sys.executable` with arguments; stdin is empty unless told."""

    def start(*argv: str, env: dict[str, str] | None = None, **options: Any) -> Any:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        inherited = {
            name: value for name, value in os.environ.items() if name != "PYTHONIOENCODING"
        }
        environment = {**inherited, "PYTHONWARNINGS": "error", **(env or {})}
        return subprocess.Popen([sys.executable, *argv], env=environment, **{**pipes, **options})

    return start


@pytest.fixture
def command(python: Callable[..., Any]) -> Callable[..., subprocess.Popen[bytes]]:
    """Start `claif-cla` in a process of its own."""

    def start(*argv: str, **options: Any) -> Any:
        return python("-m", "claif_cla.cli", *argv, **options)

    return start


@pytest.fixture
def finished(command: Callable[..., Any]) -> Callable[..., Outcome]:
    """Run `claif-cla` in a process of its own to its end."""

    def run(*argv: Any, input: bytes | None = None, **options: Any) -> Outcome:  # noqa: A002
        if input is not None:
            options["stdin"] = subprocess.PIPE
        with command(*argv, **options) as process:
            out, err = process.communicate(input, timeout=30)
        return Outcome(process.returncode, (out or b"").decode(), err.decode())

    return run


@pytest.fixture
def one_line() -> Callable[[str], str]:
    """The only line of a text; fails if there is another number of them."""

    def check(text: str) -> str:
        lines: Sequence[str] = text.splitlines()
        assert len(lines) == 1, text
        return lines[0]

    return check
