"""Every code block of the user documentation does what its page says, on the simulator.

A page's Python blocks run in their order in one namespace; a `text` block right after one is what
it prints. A block after `<!-- file: NAME -->` is written to a file, and run by pytest if NAME
starts with `test_`. A block after `<!-- needs: MODULE -->` runs where that is installed. Lines of
`bash` blocks run the command. Tables between marks are printed from the code by
`scripts/docs_tables.py`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import openai
import pytest
from scripts.docs_tables import CASES, with_tables

from claif_cla import ClaudeClient
from claif_cla.translate.chat.params import PARAMS
from claif_cla.translate.stop_reason import FINISH_REASONS

DOCS = Path(__file__).resolve().parent.parent / "docs"
OTHERS = ("architecture.md", "conformance.md", "performance.md")  # not for users; tested elsewhere
PAGES = {
    path.name: path.read_text(encoding="utf-8")
    for path in sorted(DOCS.glob("*.md"))
    if path.name not in OTHERS
}
ELSEWHERE = ("gateway.md", "gateway-telemetry.md")  # their blocks: see tests/gateway/test_docs.py
MAX_LINES = 200


class Block(NamedTuple):
    language: str
    code: str
    line: int
    file: str | None
    needs: str | None


_BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>[\w.]+) -->\n|<!-- needs: (?P<needs>\w+) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def blocks(text: str) -> list[Block]:
    return [
        Block(line=text.count("\n", 0, m.start("code")), **m.groupdict())
        for m in _BLOCK.finditer(text)
    ]


def runnable(text: str) -> Iterator[Block]:
    """The blocks without those whose needs are not there, and what these print."""
    lacks = False
    for block in blocks(text):
        lacks = lacks and block.language == "text"
        lacks = lacks or (block.needs is not None and find_spec(block.needs) is None)
        if not lacks:
            yield block


# What the pages do


each_page = pytest.mark.parametrize("page", PAGES)
each_page_here = pytest.mark.parametrize("page", [name for name in PAGES if name not in ELSEWHERE])


@pytest.fixture
def workplace(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the page's files, where everything runs on the simulator."""
    monkeypatch.setenv("CLAIF_CLA_BACKEND", "simulator")
    monkeypatch.chdir(tmp_path)
    for block in blocks(PAGES[page]):
        if block.file:
            (tmp_path / block.file).write_text(block.code, encoding="utf-8")
    return tmp_path


def run(arguments: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        input=given,
        timeout=60,
        check=False,
    )


@each_page_here
@pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning", "ignore::DeprecationWarning")
@pytest.mark.usefixtures("workplace")
def test_the_python_of_a_page_runs_and_prints_what_the_page_shows(page):
    names: dict[str, object] = {}
    told: tuple[int, str] | None = None
    for block in runnable(PAGES[page]):
        if block.language == "python" and not block.file:
            out = io.StringIO()
            code = compile("\n" * block.line + block.code, page, "exec")
            with contextlib.redirect_stdout(out):
                exec(code, names)
            told = (block.line, out.getvalue())
        elif block.language == "text" and not block.file:
            assert told is not None
            assert told[1] == block.code, f"{page}:{told[0]}"


@each_page_here
@pytest.mark.usefixtures("workplace")
def test_the_commands_of_a_page_end_well(page):
    lines = [
        line
        for block in blocks(PAGES[page])
        if block.language == "bash"
        for line in block.code.splitlines()
    ]
    for line in lines:
        words = shlex.split(line, comments=True)
        given = ""
        if words[0] == "echo":
            given, words = words[1], words[3:]
        assert words[0] == "claif-cla", line
        if "simulate" in words:
            serves(words[1:])
            continue
        done = run(["-m", "claif_cla.cli", *words[1:]], given)
        assert (done.returncode, done.stderr) == (0, ""), line
        assert done.stdout.strip(), line


def serves(arguments: list[str]) -> None:
    """A server that says where it listens, on a free port instead of the page's."""
    free = re.sub(r"--port \d+", "--port 0", shlex.join(arguments))
    command = [sys.executable, "-m", "claif_cla.cli", *shlex.split(free)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    ) as server:
        assert server.stdout is not None
        try:
            url = server.stdout.readline().strip()
            with ClaudeClient(backend="anthropic", base_url=url, api_key="any") as client:
                assert client.models.list().data
        finally:
            server.terminate()


@each_page_here
@pytest.mark.usefixtures("workplace")
def test_the_files_of_a_page_are_of_use(page):
    for block in blocks(PAGES[page]):
        if block.file and block.file.startswith("test_"):
            options = ["-q", "-p", "no:cacheprovider", "-W", "error", "-c", os.devnull]
            done = run(["-m", "pytest", *options, "--rootdir", ".", block.file])
            assert done.returncode == 0, done.stdout + done.stderr
        elif block.language == "json":
            json.loads(block.code)


# What the pages are


@each_page_here
def test_the_blocks_of_a_page_are_of_languages_that_are_run(page):
    fences = len(re.findall(r"^```", PAGES[page], re.MULTILINE))
    assert fences == 2 * len(blocks(PAGES[page]))
    assert {block.language for block in blocks(PAGES[page])} <= {"python", "bash", "text", "json"}


@each_page
def test_the_tables_of_a_page_are_the_codes_own(page):
    assert with_tables(PAGES[page]) == PAGES[page]


@each_page
def test_a_page_is_short_and_its_links_lead_somewhere(page):
    text = PAGES[page]
    assert len(text.splitlines()) <= MAX_LINES
    for target in re.findall(r"\]\(([^)#]+)(?:#[\w-]*)?\)", text):
        assert target.startswith("https://") or (DOCS / target).exists(), target


def test_the_index_names_every_page():
    named = re.findall(r"\]\(([\w-]+\.md)\)", PAGES["README.md"])
    assert sorted({*named, "README.md"} - {*OTHERS}) == sorted(PAGES)


def test_every_parameter_that_is_not_honoured_is_shown_in_every_mode():
    shown = {name for _, request in CASES for name in {**request, **request.get("extra_body", {})}}
    assert {name for name, rule in PARAMS.items() if rule.fate != "honoured"} <= shown


def test_every_stop_reason_is_spoken_of():
    page = PAGES["streaming-and-errors.md"]
    for ours, theirs in FINISH_REASONS.items():
        assert re.search(rf"^\|.*`{ours}`.*\|.*`{theirs}`.*\|$", page, re.MULTILINE), ours


def test_every_resource_of_the_sdk_is_spoken_of():
    stock = {name for name, value in vars(openai.OpenAI).items() if _is_resource(value)}
    missing = {name for name in stock if not re.search(rf"\b{name}\b", PAGES["refused.md"])} - {
        "with_raw_response",
        "with_streaming_response",
    }
    assert not missing


def _is_resource(value: object) -> bool:
    return isinstance(value, cached_property)


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.embeddings.create(model="x", input="x"),
        lambda client: client.responses.create(input="x", model="x"),
        lambda client: client.completions.create(model="x", prompt="x"),
        lambda client: client.moderations.create(input="x"),
        lambda client: client.images.generate(prompt="x"),
        lambda client: client.files.list(),
        lambda client: client.batches.list(),
        lambda client: client.chat.completions.list(),
    ],
)
def test_an_endpoint_that_claude_has_not_is_refused_by_name(call):
    with ClaudeClient(backend="simulator") as client, pytest.raises(openai.NotFoundError) as caught:
        call(client)
    assert caught.value.code == "unsupported_endpoint"
