"""The blocks of the gateway's pages do what they say, before a gateway on the simulator."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from claif_cla.gateway.config import load

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "gateway.md").read_text(encoding="utf-8")
TELEMETRY = (DOCS / "gateway-telemetry.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8790"
NODE_MODULES = os.environ.get("NODE_MODULES_FOR_TESTS", "")


def blocks(language, page=PAGE):
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


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


# What is seen

QUERIES = blocks("promql", TELEMETRY)


def asked_for(query):
    """The metrics of a query, each with the labels that it names."""
    for name, _, labels in re.findall(r"\b(claif_\w+)(\{([^}]*)\})?\[", query):
        yield name, re.findall(r"(\w+)=~?\"", labels)


def test_the_page_of_telemetry_holds_queries_alone():
    assert TELEMETRY.count("```") == 2 * len(QUERIES)
    assert {name for query in QUERIES for name, _ in asked_for(query)} == {
        "claif_requests_total",
        "claif_errors_total",
        "claif_cost_usd_total",
        "claif_account_cooling",
    }


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_is_well_formed_and_asks_for_labels_that_there_are(query):
    for opening, closing in ("()", "{}", "[]"):
        assert query.count(opening) == query.count(closing)
    assert query.count('"') % 2 == 0
    for name, labels in asked_for(query):
        row = next(line for line in TELEMETRY.splitlines() if line.startswith(f"| `{name}` |"))
        assert all(f"`{label}`" in row for label in labels), name


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        (0, {"messages": [{"role": "user", "content": "Hi"}]}, 503),
        (1, {"messages": [{"role": "user", "content": "Hi"}]}, 429),
    ],
    ids=["errors", "budget"],
)
def test_what_a_query_looks_for_is_what_the_gateway_tells(start, query, body, status):
    """The series that the alert is about is there once there is a reason for it."""
    changes = {"limits.daily_budget": 0} if query == 1 else {"upstream.max_retries": 0}
    gateway = start({"upstream.backend": "simulator", **changes})
    name, _ = next(iter(asked_for(QUERIES[query])))
    wanted = dict(re.findall(r'(\w+)=~?"([^"]*)"', QUERIES[query].partition("}")[0]))

    def is_told(page):
        series = [
            dict(re.findall(r'(\w+)="([^"]*)"', line))
            for line in page.splitlines()
            if line.startswith(f"{name}{{")
        ]
        return any(
            all(re.fullmatch(pattern, one[label]) for label, pattern in wanted.items())
            for one in series
        )

    with httpx2.Client(base_url=gateway.url) as http:
        told = http.post("/v1/chat/completions", json=body, headers={"x-simulator-fault": "529"})
        assert told.status_code == status
        # It is counted once its last byte has been sent: the caller may be here before.
        assert any(is_told(http.get("/metrics").text) for _ in range(100))


def test_an_account_that_cools_is_told_as_the_query_reads_it(start, refused_url):
    gateway = start({"upstream.max_retries": 0}, only=refused_url)
    with httpx2.Client(base_url=gateway.url) as http:
        body = {"messages": [{"role": "user", "content": "Hi"}]}
        for _ in range(2):  # the first failure may be a connection that was closed meanwhile
            assert http.post("/v1/chat/completions", json=body).status_code == 502
        assert 'claif_account_cooling{account="only"} 1.0' in http.get("/metrics").text
