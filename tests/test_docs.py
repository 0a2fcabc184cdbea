"""Every code block of the user documentation does what its page says, on the simulator.

A page's Python blocks run in their order in one namespace; a `text` block right after one is what
it prints. A block after `<!-- file: NAME -->` is written to a file, and run by pytest if NAME
starts with `test_`. Lines of `bash` blocks run the command. Tables between marks are printed from
the code:

    python tests/test_docs.py            # which pages are behind
    python tests/test_docs.py --write    # bring them up to date
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
import warnings
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import openai
import pytest

from claif_cla import ClaudeClient
from claif_cla.backends.simulator import SimulatorBackend
from claif_cla.catalog.model_info import ModelInfo, active_models, all_models, newest_of_line
from claif_cla.catalog.names import SHORT_NAMES
from claif_cla.translate.chat.params import PARAMS
from claif_cla.translate.chat.reasoning import EFFORTS, ReasoningPatch, reasoning_patch
from claif_cla.translate.error_body import STATUS_OF_TYPE
from claif_cla.translate.stop_reason import FINISH_REASONS

DOCS = Path(__file__).resolve().parent.parent / "docs"
OTHERS = ("architecture.md", "conformance.md")  # not for users; tested elsewhere
PAGES = {
    path.name: path.read_text(encoding="utf-8")
    for path in sorted(DOCS.glob("*.md"))
    if path.name not in OTHERS
}
MAX_LINES = 200
HELLO = [{"role": "user", "content": "Hello"}]


class Block(NamedTuple):
    language: str
    code: str
    line: int
    file: str | None


_BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>[\w.]+) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def blocks(text: str) -> list[Block]:
    return [
        Block(m["language"], m["code"], text.count("\n", 0, m.start("code")), m["file"])
        for m in _BLOCK.finditer(text)
    ]


# The tables


_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)


def thinking_table() -> str:
    rows: dict[tuple[str, ...], list[str]] = {}
    for model in active_models():
        by_effort = {
            effort: _thought(
                reasoning_patch(
                    effort, model, model.max_output_tokens, max_tokens_given=True, wants_text=True
                ),
                model,
            )
            for effort in EFFORTS
        }
        unasked = "does not think"
        if model.thinking.default == "adaptive":
            unasked = f"thinks, effort {model.default_effort}"
        levels = [by_effort[effort] for effort in EFFORTS if effort not in ("none", "minimal")]
        shared = levels[0].partition(" ")[0]
        together = f"{shared} " + ", ".join(level.removeprefix(f"{shared} ") for level in levels)
        row = (unasked, by_effort["none"], by_effort["minimal"], together)
        rows.setdefault(row, []).append(f"`{model.id}`")
    head = ["models", "nothing said", "`none`", "`minimal`", "`low` … `max`"]
    return markdown(head, [[", ".join(names), *row] for row, names in rows.items()])


def _thought(patch: ReasoningPatch, model: ModelInfo) -> str:
    thinking = patch.thinking or {"type": model.thinking.default}
    if thinking["type"] == "enabled":
        effort = f" ({patch.effort})" if patch.effort else ""
        return f"budget {thinking['budget_tokens']}{effort}"
    if thinking["type"] in ("off", "disabled"):
        return "off"
    between = "between tools only, " if thinking["type"] == "between_tools" else ""
    return f"{between}effort {patch.effort}"


def models_table() -> str:
    short = {newest_of_line(name).id: f"`{name}`" for name in SHORT_NAMES}
    sampling = {"none": "–", "one_of": "one of two", "any": "yes"}
    rows = [
        [
            f"`{model.id}`",
            short.get(model.id, ""),
            f"{model.context_window // 1000}k",
            f"{model.max_output_tokens // 1000}k",
            sampling[model.sampling],
            *map(
                _yes,
                (
                    model.forced_tool_choice,
                    model.mid_conversation_system,
                    model.prefill,
                    model.structured_outputs,
                ),
            ),
            model.lifecycle + (", restricted" if model.restricted else ""),
        ]
        for model in active_models()
    ]
    head = ["id", "short", "context", "output", "`temperature`, `top_p`", "forced tools"]
    head += ["system inside", "prefill", "schemas", "lifecycle"]
    return markdown(head, rows)


def _yes(fact: bool) -> str:
    return "yes" if fact else "–"


def retired_table() -> str:
    rows = [
        [f"`{model.id}`", str(model.retires_at), f"`{model.replacement}`"]
        for model in all_models()
        if model.lifecycle == "retired"
    ]
    return markdown(["retired", "on", "answered by"], rows)


def errors_table() -> str:
    rows = []
    for kind, status in STATUS_OF_TYPE.items():
        error = _failure(f"{status}", retries=0)
        # One failure: an answer comes after it exactly where the SDK tries again.
        again = _failure(f"{status};times=1;retry-after=0.001", retries=1) is None
        name = f"`{type(error).__name__}`"
        code = f"`{error.code}`" if error.code else "–"
        rows.append([str(status), f"`{kind}`", name, code, "yes" if again else "no"])
    return markdown(["status", "Claude's type", "exception", "`code`", "tried again"], rows)


def _failure(faults: str, *, retries: int) -> Any:
    backend = SimulatorBackend(faults=faults)
    with ClaudeClient(backend=backend, max_retries=retries) as client:
        try:
            client.chat.completions.create(messages=HELLO)
        except openai.APIStatusError as error:
            return error
    return None


_ONE_TOOL = [{"type": "function", "function": {"name": "look_up", "strict": False}}]
_GRAMMAR = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "[a-z]+"}}
_FREE_TOOL = [{"type": "custom", "custom": {"name": "run", "format": _GRAMMAR}}]
_AGE = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}}
_FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "schema": _AGE}}
_AUDIO = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
_STRAY = {"role": "tool", "tool_call_id": "call_1", "content": "12 °C"}
_LAST = {"role": "assistant", "content": "Once upon"}

CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("`logprobs=True`", {"logprobs": True}),
    ("`top_logprobs=3`", {"top_logprobs": 3}),
    ('`logit_bias={"50256": -100}`', {"logit_bias": {"50256": -100}}),
    ('`modalities=["text", "audio"]`', {"modalities": ["text", "audio"]}),
    ("`audio={…}`", {"audio": {"voice": "alloy", "format": "wav"}}),
    ("`moderation={…}`", {"extra_body": {"moderation": {"model": "omni-moderation-latest"}}}),
    ("a part of type `input_audio`", {"messages": [{"role": "user", "content": [_AUDIO]}, *HELLO]}),
    ("a tool result without its call", {"messages": [*HELLO, _STRAY]}),
    ("a parameter that nobody knows", {"extra_body": {"temprature": 1}}),
    ("`frequency_penalty=1`", {"frequency_penalty": 1}),
    ("`presence_penalty=1`", {"presence_penalty": 1}),
    ('`verbosity="low"`', {"verbosity": "low"}),
    ('`response_format={"type": "json_object"}`', {"response_format": {"type": "json_object"}}),
    ("`response_format` with `minimum`", {"response_format": _FORMAT}),
    ('`tool_choice="required"`', {"tools": _ONE_TOOL, "tool_choice": "required"}),
    ("a custom tool with a grammar", {"tools": _FREE_TOOL}),
    ('`reasoning_effort="none"`', {"reasoning_effort": "none"}),
    ('`user="ann@example.com"`', {"user": "ann@example.com"}),
    ('`prompt_cache_retention="24h"`', {"extra_body": {"prompt_cache_retention": "24h"}}),
    (
        '`web_search_options={"search_context_size": "low"}`',
        {"web_search_options": {"search_context_size": "low"}},
    ),
    ("a last message of the assistant", {"messages": [*HELLO, _LAST]}),
    ("`max_tokens=1_000_000`", {"max_tokens": 1_000_000}),
    ("`temperature=0.2`", {"temperature": 0.2}),
    ("`top_p=0.9`", {"top_p": 0.9}),
    ("`seed=7`", {"seed": 7}),
    ("`store=True`", {"store": True}),
    ('`metadata={"team": "a"}`', {"metadata": {"team": "a"}}),
    ("`prediction={…}`", {"prediction": {"type": "content", "content": "x"}}),
    ('`service_tier="flex"`', {"service_tier": "flex"}),
    ("`name` of a message", {"messages": [{"role": "user", "content": "Hello", "name": "ann"}]}),
    ("`stop` of white space", {"stop": ["\n"]}),
)
"""What a page shows of each mode: the request, told and made."""


def refused_table() -> str:
    modes = ("strict", "adapt", "lenient")
    rows = []
    for shown, request in CASES:
        outcomes = [_outcome(request, mode) for mode in modes]
        rows.append([shown, *(what for what, _ in outcomes), outcomes[-1][1]])
    return markdown(["you send", *(f"`{mode}`" for mode in modes), "because"], rows)


def _outcome(request: dict[str, Any], compat: Any) -> tuple[str, str]:
    with ClaudeClient(backend="simulator", compat=compat) as client:
        try:
            answer = client.chat.completions.create(**{"messages": HELLO, **request})
        except openai.BadRequestError as error:
            return "refused", str(error.message)
    receipt = answer.model_dump()["adaptations"][0]
    return receipt["action"], receipt["detail"].replace("|", "\\|")


TABLES = {
    "thinking": thinking_table,
    "models": models_table,
    "retired": retired_table,
    "errors": errors_table,
    "refused": refused_table,
}


def with_tables(text: str) -> str:
    """The text with each table in its place."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _MARKED.sub(lambda m: f"{m[1]}\n{TABLES[m[2]]()}\n{m[3]}", text)


# What the pages do


each_page = pytest.mark.parametrize("page", PAGES)


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


@each_page
@pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning", "ignore::DeprecationWarning")
@pytest.mark.usefixtures("workplace")
def test_the_python_of_a_page_runs_and_prints_what_the_page_shows(page):
    names: dict[str, object] = {}
    told: tuple[int, str] | None = None
    for block in blocks(PAGES[page]):
        if block.language == "python" and not block.file:
            out = io.StringIO()
            code = compile("\n" * block.line + block.code, page, "exec")
            with contextlib.redirect_stdout(out):
                exec(code, names)
            told = (block.line, out.getvalue())
        elif block.language == "text" and not block.file:
            assert told is not None
            assert told[1] == block.code, f"{page}:{told[0]}"


@each_page
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


@each_page
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


@each_page
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


if __name__ == "__main__":
    for name, text in PAGES.items():
        if with_tables(text) != text:
            print(name)  # noqa: T201 - a script here
            if "--write" in sys.argv[1:]:
                (DOCS / name).write_text(with_tables(text), encoding="utf-8")
