"""The blocks of docs/gateway.md do what the page says, before a gateway on the simulator."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from claif_cla.gateway.config import load

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "gateway.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8790"
NODE_MODULES = os.environ.get("NODE_MODULES_FOR_TESTS", "")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


SHELL = [line for code in blocks("sh") for line in code.replace("\\\n", " ").splitlines()]


def ran(command, **options):
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_shell_line_is_run_by_some_test():
    kinds = (
        "pip install",
        "claif-cla serve",
        "claif-cla keys",
        "claif-cla usage",
        "curl",
        "export",
    )
    assert [line for line in SHELL if not line.startswith(kinds)] == []


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_blocks_answer(simulated, code):
    said = ran([sys.executable, "-c", code.replace(ADDRESS, simulated.url)])
    assert said.count("simulator, not a model") == 2


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("curl")])
def test_the_curl_lines_answer(simulated, line):
    assert '"chat.completion"' in ran(["sh", "-c", line.replace(ADDRESS, simulated.url)])


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")
@pytest.mark.skipif(not NODE_MODULES, reason="NODE_MODULES_FOR_TESTS names no folder with `openai`")
@pytest.mark.parametrize("code", blocks("js"))
def test_the_node_blocks_answer(simulated, tmp_path, code):
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    (tmp_path / "ask.mjs").write_text(code.replace(ADDRESS, simulated.url), encoding="utf-8")
    assert "simulator, not a model" in ran(["node", "ask.mjs"], cwd=tmp_path)


@pytest.mark.parametrize("code", blocks("toml"))
def test_the_configurations_are_valid(tmp_path, code):
    (tmp_path / "key").write_text("sk-ant-x", encoding="utf-8")
    file = tmp_path / "gateway.toml"
    file.write_text(re.sub(r'"/run/secrets/[\w-]+"', f'"{tmp_path / "key"}"', code), "utf-8")
    config = load(file, {})
    assert [account.weight for account in config.accounts] == [1, 2]
    assert config.limits.daily_budget == 20


def test_the_commands_for_keys_and_usage_do_what_they_say(simulated, tmp_path):
    flag = {"keys": f"--file {tmp_path / 'keys.db'}", "usage": f"--file {tmp_path / 'ledger.db'}"}
    for line in SHELL:
        command = line.split()[1] if line.startswith("claif-cla") else ""
        if command in flag:
            shell = line.replace("claif-cla", f"'{sys.executable}' -m claif_cla.cli", 1)
            ran(["sh", "-c", f"{shell} {flag[command]}"])
