"""Blocks of the web search server tool, as Anthropic runs it: call, results, cited text."""

from __future__ import annotations

import base64
from typing import Any

from claif_cla.backends.simulator.ids import make_id
from claif_cla.backends.simulator.wording import INTRODUCTION

__all__ = ["search_blocks", "server_call", "server_result"]

_PAGES = (
    ("First simulated page", "https://example.com/first", "The first simulated page says this."),
    ("Second simulated page", "https://example.org/second", "The second one says that."),
)
_MAX_QUERY = 200


def server_call(query: str, seed: bytes) -> dict[str, Any]:
    """A call of the web search tool."""
    return {
        "type": "server_tool_use",
        "id": make_id("srvtoolu", seed, query.encode("utf-8", "replace")),
        "name": "web_search",
        "input": {"query": query},
        "caller": {"type": "direct"},
    }


def server_result(call_id: str, query: str) -> dict[str, Any]:
    """What the search found: always the same pages, which do not exist."""
    return {
        "type": "web_search_tool_result",
        "tool_use_id": call_id,
        "content": [
            {
                "type": "web_search_result",
                "title": title,
                "url": url,
                "encrypted_content": _opaque(f"{query} {url}"),
                "page_age": None,
            }
            for title, url, _ in _PAGES
        ],
        "caller": {"type": "direct"},
    }


def search_blocks(text: str, seed: bytes) -> list[dict[str, Any]]:
    """A whole answer with one search in it."""
    query = text[:_MAX_QUERY]
    call = server_call(query, seed)
    title, url, said = _PAGES[0]
    citation = {
        "type": "web_search_result_location",
        "cited_text": said,
        "encrypted_index": _opaque(url),
        "title": title,
        "url": url,
    }
    return [
        {"type": "text", "text": f"{INTRODUCTION} I search the web."},
        call,
        server_result(call["id"], query),
        {"type": "text", "text": "A page says: "},
        {"type": "text", "text": said, "citations": [citation]},
    ]


def _opaque(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "replace")).decode()
