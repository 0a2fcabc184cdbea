"""The arguments of the clients: what they mean, where they come from, and what is refused."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import metadata
from typing import Any, get_args

import openai

from claif_cla.backends.base import Backend
from claif_cla.backends.named import backend_named
from claif_cla.model_lessons import ModelLessons
from claif_cla.thinking_memory import ThinkingMemory
from claif_cla.translate.call import Settings
from claif_cla.translate.receipts import Compat
from claif_cla.transport import Transport, api_root
from claif_cla.warn import Warner

__all__ = [
    "OWN_OPTIONS",
    "base_url_for",
    "credentials",
    "forget_openai_environment",
    "refuse_foreign",
    "transport_for",
]

ANTHROPIC_URL = "https://api.anthropic.com"

OWN_OPTIONS = (
    "backend",
    "compat",
    "default_model",
    "model_aliases",
    "prompt_caching",
    "reasoning",
    "thinking_memory",
)
"""The arguments that openai does not know, and that a copy keeps."""

_NO_KEY = "no-key"
"""Stands in where the backend needs no key, because openai demands one."""

_READ_FROM_ENVIRONMENT = ("organization", "project", "webhook_secret", "admin_api_key")
"""What the stock constructor fills from `OPENAI_*` where it is not given."""

_FOREIGN = {
    "workload_identity": "it exchanges tokens with OpenAI",
    "provider": "its providers lead to OpenAI's models; use `backend`",
    "data_residency": "it names OpenAI's regions; use `base_url`",
}
_OF_A_BACKEND = ("name", "needs_key", "is_official", "open", "aopen")
_CHOICES = {
    "compat": get_args(Compat),
    "prompt_caching": ("auto", "always", "off"),
    "reasoning": ("auto", "summary", "model"),
}


def transport_for(
    own: Mapping[str, Any], warner: Warner | None, lessons: ModelLessons | None = None
) -> tuple[Transport, dict[str, Any]]:
    """The transport for our own options, and the options with their defaults filled in.

    Args:
        own: a value for each of `OWN_OPTIONS`.
        warner: of the client that is copied; None for a new one.
        lessons: likewise.

    Raises:
        ValueError: for a value that is none of the choices, naming them.
        TypeError: for a backend, a memory, a model or aliases that are none.
    """
    for name, choices in _CHOICES.items():
        if own[name] not in choices:
            expected = ", ".join(repr(choice) for choice in choices)
            raise ValueError(f"`{name}` must be one of {expected}, not {own[name]!r}")
    backend, memory = _backend(own["backend"]), _memory(own["thinking_memory"])
    settings = Settings(
        compat=own["compat"],
        default_model=_model(own["default_model"]) or os.environ.get("CLAIF_CLA_MODEL") or None,
        model_aliases=_aliases(own["model_aliases"]),
        prompt_caching=own["prompt_caching"],
        reasoning=own["reasoning"],
        memory=memory,
        lessons=lessons or ModelLessons(),
    )
    transport = Transport(backend, settings, _user_agent(), warner)
    kept = memory if memory is not None else False
    return transport, {**own, "backend": backend, "thinking_memory": kept}


def _model(given: Any) -> str | None:
    if given is not None and not isinstance(given, str):
        kind = type(given).__name__
        raise TypeError(
            f"`default_model` must be a string, such as 'sonnet' or a full id, not {kind}"
        )
    return given


def _aliases(given: Any) -> dict[str, str]:
    expected = "`model_aliases` must map names to models, such as {'gpt-4o': 'sonnet'}"
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"{expected}, not be a {type(given).__name__}")
    for name, model in given.items():
        for value in (name, model):
            if not isinstance(value, str):
                kind = type(value).__name__
                raise TypeError(f"{expected}, both strings; {name!r}: {model!r} has {kind}")
    return dict(given)


def _memory(given: Any) -> ThinkingMemory | None:
    if isinstance(given, bool):
        return ThinkingMemory() if given else None
    if not isinstance(given, ThinkingMemory):
        kind = type(given).__name__
        raise TypeError(f"`thinking_memory` must be a ThinkingMemory or a boolean, not {kind}")
    return given


def _backend(given: str | Backend | None) -> Backend:
    source = ""
    if given is None:
        given = os.environ.get("CLAIF_CLA_BACKEND") or "anthropic"
        source = " (from CLAIF_CLA_BACKEND)"
    if isinstance(given, str):
        try:
            return backend_named(given)
        except ValueError as error:
            raise ValueError(f"{error}{source}") from None
    lacking = [f"`{name}`" for name in _OF_A_BACKEND if getattr(given, name, None) is None]
    if lacking:
        raise TypeError(
            "`backend` must be a name or a Backend object;"
            f" {type(given).__name__} has no {', '.join(lacking)}"
        )
    return given


@lru_cache(maxsize=1)  # a copy of the client must not look the version up again on disk
def _user_agent() -> str:
    ours = f"claif_cla/{metadata.version('claif_cla')}"
    return f"{ours} openai/{openai.__version__} python/{platform.python_version()}"


def credentials(api_key: Any, auth_token: str | None, backend: Backend, *, enforce: bool) -> Any:
    """The key or token, both of which travel as a bearer token; arguments win over environment.

    `OPENAI_API_KEY` is never looked at: a secret for one company must not reach another.

    Raises:
        openai.OpenAIError: if there is none and the backend needs one, or if it cannot be one.
    """
    found: str | Callable[[], Any] | None = (
        (api_key if api_key != _NO_KEY else None)  # of a copy that leaves the simulator
        or auth_token
        or os.environ.get("ANTHROPIC_API_KEY")
        or os.environ.get("ANTHROPIC_AUTH_TOKEN")
    )
    if isinstance(found, str):
        found = _clean(found)
    if found:
        return found
    if backend.needs_key and enforce:
        raise openai.OpenAIError(
            "No key for Claude. Pass `api_key` (or `auth_token`), set ANTHROPIC_API_KEY, or try"
            ' things without one on the simulator: `backend="simulator"`.'
        )
    return "" if backend.needs_key else _NO_KEY


def _clean(key: str) -> str:
    """The key without the white space that pasting brings.

    What no HTTP header can hold is refused here: the HTTP library would show the key in its
    complaint.
    """
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise openai.OpenAIError(
            "The key for Claude contains characters that no key has (a line break, or none of"
            " ASCII). Look at how `api_key`, `auth_token` or ANTHROPIC_API_KEY is filled."
        )
    return key


def base_url_for(base_url: Any) -> str:
    """The client's `base_url`: with `/v1`, which OpenAI's own has too."""
    given = base_url or os.environ.get("ANTHROPIC_BASE_URL") or ANTHROPIC_URL
    return f"{api_root(str(given))}/v1"


def refuse_foreign(stock: Mapping[str, Any]) -> None:
    """Raises `openai.OpenAIError` for arguments that would lead to OpenAI itself."""
    for name, why in _FOREIGN.items():
        if stock.get(name) is not None:
            raise openai.OpenAIError(f"`{name}` has no meaning for Claude: {why}.")


def forget_openai_environment(
    client: Any, given: Mapping[str, Any], headers: Mapping[str, str] | None
) -> None:
    """Undo what the stock constructor read from `OPENAI_*`; it cannot be told not to.

    Args:
        client: fresh from that constructor.
        given: the arguments that it was given.
        headers: its `default_headers`, to which it adds `OPENAI_CUSTOM_HEADERS`.
    """
    own = {name: given.get(name) for name in _READ_FROM_ENVIRONMENT}
    own |= {"_custom_headers": dict(headers or {}), "_ambient_authorizations": frozenset()}
    for name in own.keys() & vars(client).keys():  # not every release of openai has all of them
        setattr(client, name, own[name])
