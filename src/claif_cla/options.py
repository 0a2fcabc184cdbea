"""The arguments of the clients: what they mean, where they come from, and what is refused."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any, get_args

import openai

from claif_cla.backends.base import Backend
from claif_cla.backends.named import backend_named
from claif_cla.translate.call import Settings
from claif_cla.translate.receipts import Compat
from claif_cla.transport import Transport, api_root
from claif_cla.warn import Warner

__all__ = ["OWN_OPTIONS", "base_url_for", "credentials", "refuse_foreign", "transport_for"]

ANTHROPIC_URL = "https://api.anthropic.com"

OWN_OPTIONS = (
    "backend",
    "compat",
    "default_model",
    "model_aliases",
    "prompt_caching",
    "reasoning",
)
"""The arguments that openai does not know, and that a copy keeps."""

_FOREIGN = {
    "workload_identity": "it exchanges tokens with OpenAI",
    "provider": "its providers lead to OpenAI's models; use `backend`",
    "data_residency": "it names OpenAI's regions; use `base_url`",
}
_CHOICES = {
    "compat": get_args(Compat),
    "prompt_caching": ("auto", "always", "off"),
    "reasoning": ("auto", "summary", "model"),
}


def transport_for(
    own: Mapping[str, Any], warner: Warner | None
) -> tuple[Transport, dict[str, Any]]:
    """The transport for our own options, and the options with their defaults filled in.

    Raises:
        ValueError: for a value that is none of the choices, naming them.
    """
    for name, choices in _CHOICES.items():
        if own[name] not in choices:
            expected = ", ".join(repr(choice) for choice in choices)
            raise ValueError(f"`{name}` must be one of {expected}, not {own[name]!r}")
    backend = own["backend"]
    if backend is None:
        backend = os.environ.get("CLAIF_CLA_BACKEND") or "anthropic"
    if isinstance(backend, str):
        backend = backend_named(backend)
    elif not isinstance(backend, Backend):
        message = f"`backend` must be a name or a Backend object, not {type(backend).__name__}"
        raise TypeError(message)
    settings = Settings(
        compat=own["compat"],
        default_model=own["default_model"] or os.environ.get("CLAIF_CLA_MODEL") or None,
        model_aliases=dict(own["model_aliases"] or {}),
        prompt_caching=own["prompt_caching"],
        reasoning=own["reasoning"],
    )
    transport = Transport(backend, settings, _user_agent(), warner or Warner())
    return transport, {**own, "backend": backend}


def _user_agent() -> str:
    ours = f"claif_cla/{metadata.version('claif_cla')}"
    return f"{ours} openai/{openai.__version__} python/{platform.python_version()}"


def credentials(api_key: Any, auth_token: str | None, backend: Backend, *, enforce: bool) -> Any:
    """The key or token, both of which travel as a bearer token; arguments win over environment.

    `OPENAI_API_KEY` is never looked at: a secret for one company must not reach another.

    Raises:
        openai.OpenAIError: if there is none and the backend needs one.
    """
    found: str | Callable[[], Any] | None = (
        api_key
        or auth_token
        or os.environ.get("ANTHROPIC_API_KEY")
        or os.environ.get("ANTHROPIC_AUTH_TOKEN")
    )
    if found:
        return found
    if backend.needs_key and enforce:
        raise openai.OpenAIError(
            "No key for Claude. Pass `api_key` (or `auth_token`), set ANTHROPIC_API_KEY, or try"
            ' things without one on the simulator: `backend="simulator"`.'
        )
    return "" if backend.needs_key else "no-key"


def base_url_for(base_url: Any) -> str:
    """The client's `base_url`: with `/v1`, which OpenAI's own has too."""
    given = base_url or os.environ.get("ANTHROPIC_BASE_URL") or ANTHROPIC_URL
    return f"{api_root(str(given))}/v1"


def refuse_foreign(stock: Mapping[str, Any]) -> None:
    """Raises `openai.OpenAIError` for arguments that would lead to OpenAI itself."""
    for name, why in _FOREIGN.items():
        if stock.get(name) is not None:
            raise openai.OpenAIError(f"`{name}` has no meaning for Claude: {why}.")
