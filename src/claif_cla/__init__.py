"""The drop-in OpenAI client for Claude.

    from claif_cla import ClaudeClient as OpenAI

Everything is imported when it is first asked for: importing the package alone loads nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claif_cla.backends.base import Backend
    from claif_cla.client import AsyncClaudeClient, ClaudeClient
    from claif_cla.client import AsyncClaudeClient as AsyncOpenAI
    from claif_cla.client import ClaudeClient as OpenAI
    from claif_cla.errors import AdaptationWarning
    from claif_cla.thinking_memory import ThinkingMemory

    __version__: str

__all__ = [
    "AdaptationWarning",
    "AsyncClaudeClient",
    "AsyncOpenAI",
    "Backend",
    "ClaudeClient",
    "OpenAI",
    "ThinkingMemory",
    "__version__",
]

_WHERE = {
    "AdaptationWarning": ("claif_cla.errors", "AdaptationWarning"),
    "AsyncClaudeClient": ("claif_cla.client", "AsyncClaudeClient"),
    "AsyncOpenAI": ("claif_cla.client", "AsyncClaudeClient"),
    "Backend": ("claif_cla.backends.base", "Backend"),
    "ClaudeClient": ("claif_cla.client", "ClaudeClient"),
    "OpenAI": ("claif_cla.client", "ClaudeClient"),
    "ThinkingMemory": ("claif_cla.thinking_memory", "ThinkingMemory"),
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = import_module("importlib.metadata").version("claif_cla")
    elif name in _WHERE:
        module, attribute = _WHERE[name]
        value = getattr(import_module(module), attribute)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
