"""Every Python block of the document that asked for this project, run as it is written there.

The document lies beside the checkout. What it leaves open is filled in the obvious way: `...` for
arguments and image data, and the names that a block takes from the blocks before it.
"""

from __future__ import annotations

import builtins
import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import openai
import pytest

from claif_cla import ClaudeClient
from loopback import json_answer, message, sse, stream_of, streamed, text_block, tool_use_block

SEED = Path(__file__).resolve().parents[3] / "shared" / "seed" / "openai-compatibility.md"

# The smallest JPEG there is: one grey pixel.
JPEG = (
    "/9j/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH/"
    "wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AVN//2Q=="
)
FILLED = {
    "create(...)": "create(model='claude-3-5-sonnet-20241022', messages=messages)",
    "base64,...": f"base64,{JPEG}",
}
HELLO = [{"role": "user", "content": "Hello!"}]
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {}}}]

pytestmark = [
    pytest.mark.skipif(not SEED.is_file(), reason=f"the document is not at {SEED}"),
    pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # its models are retired
]


@dataclass(frozen=True)
class Block:
    """A Python block: the headings above it, its number below them, and its code."""

    name: str
    code: str

    @property
    def calls(self) -> bool:
        """Whether it asks a model when it is run."""
        defined = re.sub(r"(?m)^(def|class) .*\n(?:(?:[ \t].*)?\n)*", "", self.code)
        return bool(re.search(r"completion|get_client_capabilities\(", defined))


def blocks():
    if not SEED.is_file():
        return [Block("absent", "")]
    found, heading, count = [], "", 0
    pattern = r"^#{1,3} (?P<heading>[^\n]+)$|^```python\n(?P<code>.*?)^```$"
    # Headings are outside code: a block is one match, comments and all.
    for part in re.finditer(pattern, SEED.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        if part["code"] is None:
            heading, count = part["heading"], 0
        else:
            count += 1
            found.append(Block(f"{heading} {count}", part["code"]))
    return found


BLOCKS = blocks()
each_block = pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)


def claude_or_openai(request):
    """What the loopback server answers: Claude's API, and OpenAI's to the stock client."""
    if request.path == "/v1/chat/completions":
        choice = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "OpenAI"},
        }
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt"}
        return json_answer({**head, "choices": [choice]})
    model = request.json["model"]
    told = [text_block("1, 2, 3")]
    if request.json.get("stream"):
        return streamed(sse(stream_of(told, model=model)))
    if request.json.get("tools"):
        name = request.json["tools"][0]["name"]
        told.append(tool_use_block(name, {}))
        return json_answer(message(told, model=model, stop_reason="tool_use"))
    return json_answer(message(told, model=model))


def import_without_openai(name, *args):
    if name.partition(".")[0] == "openai":
        raise ImportError(name)
    return builtins.__import__(name, *args)


@pytest.fixture(params=["loopback", "simulator"])
def upstream(request, monkeypatch, server):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-seed")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai-seed")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    if request.param == "simulator":
        monkeypatch.setenv("CLAIF_CLA_BACKEND", "simulator")
    server.answer_with(claude_or_openai)
    return request.param


@pytest.fixture
def namespace(upstream):
    """What a block may take from those before it."""
    with contextlib.closing(ClaudeClient()) as client:
        yield {
            "__builtins__": vars(builtins),
            "os": os,
            "client": client,
            "messages": HELLO,
            "tools": TOOLS,
            "response": client.chat.completions.create(messages=HELLO),
            "AuthenticationError": openai.AuthenticationError,
            "RateLimitError": openai.RateLimitError,
        }


def run(block, namespace):
    code = block.code
    for open_, filled in FILLED.items():
        code = code.replace(open_, filled)
    exec(compile(code, block.name, "exec"), namespace)
    return namespace


@each_block
def test_block_runs_as_written(block, namespace, server, upstream, capsys):
    before = len(server.requests)
    first = namespace["response"]
    run(block, namespace)
    told = capsys.readouterr().out
    assert not re.search(r"(?i)error|invalid|exceeded", told), told
    if block.calls and upstream == "loopback":
        assert len(server.requests) > before
    if block.calls and "response = " in block.code and "def " not in block.code:
        assert namespace["response"] is not first


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if "except ImportError" in block.code],
    ids=lambda block: block.name,
)
def test_block_runs_where_openai_cannot_be_imported(block, namespace):
    builtin = {**vars(builtins), "__import__": import_without_openai}
    namespace["__builtins__"] = builtin
    run(block, namespace)
    assert namespace["response"].choices[0].message.content != "OpenAI"


def block_with(text):
    return next(block for block in BLOCKS if text in block.code)


def test_the_document_is_read_whole():
    opened = SEED.read_text(encoding="utf-8").count("```python")
    assert len(BLOCKS) == opened > 15
    assert sum(block.calls for block in BLOCKS) >= 13


def test_every_field_of_the_response_is_printed(namespace, capsys):
    run(block_with("# Standard OpenAI response structure"), namespace)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("chatcmpl-")
    assert lines[1] == "chat.completion"
    assert int(lines[2]) > 1_700_000_000
    assert lines[4] == "assistant"
    assert lines[6] == "stop"
    prompt, completion, total = map(int, lines[7:10])
    assert total == prompt + completion


def test_stream_prints_its_chunks(namespace, upstream, capsys):
    run(block_with("# Process streaming chunks"), namespace)
    lines = capsys.readouterr().out.splitlines()
    assert "Finish reason: stop" in lines
    assert any(
        line.endswith("Chunk ID: chatcmpl-msg_01LoopbackLoopbackLoop") for line in lines
    ) == (upstream == "loopback")


def test_capabilities_are_detected(namespace, capsys):
    run(block_with("def get_client_capabilities"), namespace)
    assert "'function_calling': True" in capsys.readouterr().out


def test_functions_that_no_block_calls(namespace):
    run(block_with("def safe_completion"), namespace)
    run(block_with("def validate_response"), namespace)
    answer = namespace["safe_completion"](namespace["client"], messages=HELLO)
    assert namespace["validate_response"](answer) is answer
