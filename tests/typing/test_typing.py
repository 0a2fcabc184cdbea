"""The types that users see, judged by mypy."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REPORT = re.compile(
    r"^(?P<file>[^:]+):(?P<line>\d+): error: .*\[(?P<code>[a-z-]+)\]$", re.MULTILINE
)
# Rules of this project's own code that a user's does not follow.
OPTIONS = ["--strict", "--disable-error-code=unused-coroutine", "--no-error-summary"]


@pytest.fixture(scope="module")
def found():
    """What mypy reports: file, line and code."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    files = [str(HERE / "accepted.py"), str(HERE / "rejected.py")]
    command = [sys.executable, "-m", "mypy", *OPTIONS, "--config-file=", *files]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=100
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return [
        (Path(report["file"]).name, int(report["line"]), report["code"], report[0])
        for report in REPORT.finditer(done.stdout)
    ]


def test_what_users_may_write_is_accepted(found):
    assert [text for name, _, _, text in found if name != "rejected.py"] == []


def test_what_users_should_be_told_about_is_rejected(found):
    lines = (HERE / "rejected.py").read_text(encoding="utf-8").splitlines()
    marked = {
        (number, line.rpartition("# E: ")[2])
        for number, line in enumerate(lines, 1)
        if "# E: " in line
    }
    reported = {(line, code) for name, line, code, _ in found if name == "rejected.py"}
    assert reported == marked
