"""Every code block of the README does what it says, on the simulator."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = [code for language, code in BLOCKS if language == "bash"]
COMMANDS = [line for code in SHELL for line in code.strip().splitlines()]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_has_blocks_of_both_kinds():
    assert {language for language, _ in BLOCKS} == {"bash", "python"}
    assert len(PYTHON) >= 5


@pytest.mark.parametrize("last", range(len(PYTHON)))
@pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning")
def test_a_python_block_runs_after_those_before_it(last, monkeypatch, capsys):
    monkeypatch.setenv("CLAIF_CLA_BACKEND", "simulator")
    names: dict[str, object] = {}
    for code in PYTHON[: last + 1]:
        capsys.readouterr()
        exec(compile(code, "README.md", "exec"), names)
    assert capsys.readouterr().out.strip()


def ask(command: str) -> str:
    """The `claif-cla` part of a shell line, as arguments."""
    return command[command.index("claif-cla ") + len("claif-cla ") :]


def claif_cla(arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "claif_cla.cli", *shlex.split(arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", [c for c in COMMANDS if "claif-cla ask" in c])
def test_an_ask_command_answers(command, tmp_path):
    done = claif_cla(ask(command), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "simulator, not a model" in done.stdout


@pytest.mark.parametrize("command", [c for c in COMMANDS if re.match("claif-cla (models|expl)", c)])
def test_the_other_commands_show_something(command, tmp_path):
    request = {"messages": [{"role": "user", "content": "hi"}]}
    (tmp_path / "request.json").write_text(json.dumps(request), encoding="utf-8")
    done = claif_cla(ask(command), tmp_path)
    assert done.returncode == 0
    assert "claude-sonnet-5-5" in done.stdout


def test_every_shell_line_is_run_by_a_test_or_by_ci():
    named = [script("readme_block").block(name, README).strip() for name in ("ask", "test")]
    run_here = "claif-cla (ask|models|explain)"
    simulate = "claif-cla simulate --port 8765"  # tests/cli/test_simulate.py runs it
    # tests/gateway/test_processes.py serves it; the newcomer's install above has the extra.
    gateway = [
        ".venv/bin/pip install --quiet '.[gateway]'",
        ".venv/bin/claif-cla serve --backend simulator",
    ]
    others = [c for c in COMMANDS if c not in named and not re.search(run_here, c)]
    assert others == [simulate, *gateway]


def test_the_parameter_table_is_the_codes_own():
    assert script("parameter_table").with_table(README) == README


def test_a_readme_without_marks_is_an_error():
    with pytest.raises(ValueError, match="marks"):
        script("parameter_table").with_table("# nothing")
    with pytest.raises(KeyError):
        script("readme_block").block("nothing", README)
