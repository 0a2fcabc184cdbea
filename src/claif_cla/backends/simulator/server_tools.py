"""The tools that Anthropic runs itself: their calls, and what they find.

Nothing is searched, fetched or run. Shapes: recorded answers of 2026, and `types/` of the
anthropic SDK 2.12.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from claif_cla.backends.simulator.ids import make_id
from claif_cla.backends.simulator.rules.check import ValidRequest
from claif_cla.backends.simulator.wording import INTRODUCTION

__all__ = ["SEARCH", "server_call", "server_result", "server_steps", "tool_of_server"]

SEARCH = "web_search"
_FETCH, _PYTHON, _SHELL = "web_fetch", "code_execution", "bash_code_execution"
_OLDEST_CODE = "code_execution_20250522"
"""The one version that runs Python only; those after it have a shell."""

_SPOKEN = {
    SEARCH: re.compile(r"\b(search\w*|look up|look for|latest|news)\b", re.IGNORECASE),
    _FETCH: re.compile(r"https?://[^\s\"'<>)]+"),
    _PYTHON: re.compile(r"\b(run|code|python|bash|calculate|compute|script)\b", re.IGNORECASE),
}
"""What in a text makes the simulator use the tools whose `type` begins so."""

_PAGES = (
    ("First simulated page", "https://example.com/first", "The first simulated page says this."),
    ("Second simulated page", "https://example.org/second", "The second one says that."),
)
_PAGE = "A simulated page. Nothing was fetched."
_RETRIEVED = "2026-01-01T00:00:00.000000+00:00"
_OUTPUT = "simulated output; nothing was run\n"
_MAX_QUERY = 200
_DIRECT = {"type": "direct"}


def tool_of_server(request: ValidRequest, text: str | None = None) -> str | None:
    """The name of the server tool to call.

    Args:
        request: with the tools that there are.
        text: what must speak of it; None where any server tool will do.
    """
    choice = (request.payload.get("tool_choice") or {}).get("type")
    if text is not None and choice in ("none", "tool"):
        return None
    for tool in request.payload.get("tools") or ():
        kind = str(tool.get("type", ""))
        for start, spoken in _SPOKEN.items():
            if kind.startswith(f"{start}_") and (text is None or spoken.search(text)):
                return _SHELL if start == _PYTHON and kind != _OLDEST_CODE else start
    return None


def server_call(name: str, subject: str, seed: bytes) -> dict[str, Any]:
    """A call of a server tool about `subject`."""
    return {
        "type": "server_tool_use",
        "id": make_id("srvtoolu", seed, subject.encode("utf-8", "replace")),
        "name": name,
        "input": _input(name, subject[:_MAX_QUERY]),
        "caller": _DIRECT,
    }


def _input(name: str, subject: str) -> dict[str, Any]:
    if name == _FETCH:
        found = _SPOKEN[_FETCH].search(subject)
        return {"url": found.group(0) if found else _PAGES[0][1]}
    if name == _PYTHON:
        return {"code": f"print({subject!r})"}
    if name == _SHELL:
        return {"command": f"echo {subject!r}"}
    return {"query": subject}


def server_result(call: Mapping[str, Any]) -> dict[str, Any]:
    """What a call found: always the same, whatever it asked for."""
    name, asked = call["name"], call["input"]
    block = {"type": f"{name}_tool_result", "tool_use_id": call["id"]}
    if name == _FETCH:
        source = {"type": "text", "media_type": "text/plain", "data": _PAGE}
        document = {"type": "document", "source": source, "title": "Simulated page"}
        found = {"type": "web_fetch_result", "url": asked["url"], "retrieved_at": _RETRIEVED}
        return {**block, "content": {**found, "content": document}, "caller": _DIRECT}
    if name in (_PYTHON, _SHELL):
        ran = {"stdout": _OUTPUT, "stderr": "", "return_code": 0, "content": []}
        return {**block, "content": {"type": f"{name}_result", **ran}}
    pages = [
        {
            "type": "web_search_result",
            "title": title,
            "url": url,
            "encrypted_content": _opaque(f"{asked.get('query', '')} {url}"),
            "page_age": None,
        }
        for title, url, _ in _PAGES
    ]
    return {**block, "content": pages, "caller": _DIRECT}


def server_steps(name: str, text: str, seed: bytes) -> list[dict[str, Any]]:
    """A whole answer in which the tool is used once."""
    call = server_call(name, text, seed)
    said = {
        SEARCH: "I search the web.",
        _FETCH: "I fetch the page.",
    }.get(name, "I run a program.")
    return [
        {"type": "text", "text": f"{INTRODUCTION} {said}"},
        call,
        server_result(call),
        *_told(name),
    ]


def _told(name: str) -> list[dict[str, Any]]:
    if name == _FETCH:
        return [{"type": "text", "text": f"It says: {_PAGE}"}]
    if name != SEARCH:
        return [{"type": "text", "text": f"It printed: {_OUTPUT.strip()}"}]
    title, url, said = _PAGES[0]
    citation = {
        "type": "web_search_result_location",
        "cited_text": said,
        "encrypted_index": _opaque(url),
        "title": title,
        "url": url,
    }
    return [
        {"type": "text", "text": "A page says: "},
        {"type": "text", "text": said, "citations": [citation]},
    ]


def _opaque(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "replace")).decode()
