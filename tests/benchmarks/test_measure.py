from __future__ import annotations

import stat
import sys

import pytest
from benchmarks.measure import Worker

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script stands in for Python")


@pytest.fixture
def python(tmp_path):
    """Makes an interpreter that runs a line of shell instead."""

    def made(line):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return made


@pytest.mark.parametrize("line", ["exec sleep 60", "exit 1", "exec cat > /dev/null"])
def test_a_library_that_hangs_or_dies_is_an_error_and_begins_anew(python, line):
    worker = Worker("any", python(line), patience=0.2)
    assert "gave no answer in 0.2 s" in worker.ask(do="prepare")["error"]
    python("cat")
    worker.patience = 20.0
    assert worker.ask(do="run") == {"do": "run"}
    worker.close()


def test_what_it_answers_is_read(python):
    worker = Worker("any", python("cat"), patience=20.0)
    assert worker.ask(do="run", seconds=1) == {"do": "run", "seconds": 1}
    assert worker.ask(do="run", seconds=2) == {"do": "run", "seconds": 2}
    worker.close()
