"""The client for a command, and what its failures look like in one line."""

from __future__ import annotations

import os
from typing import Any

import openai

from claif_cla.cli.console import CommandError, UsageError
from claif_cla.cli.parser import checked_url
from claif_cla.client import ClaudeClient

__all__ = ["client_for", "failure"]

_NO_KEY = (
    "no key for Claude: set ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN), or try things without"
    " one: --backend simulator"
)


def client_for(args: Any) -> ClaudeClient:
    """A client with `--backend`, `--base-url` and, where the command has it, `--compat`.

    Raises:
        UsageError: without a key, or for an environment variable that makes no sense.
    """
    try:
        checked_url(os.environ.get("ANTHROPIC_BASE_URL") or "https://unset.invalid")
    except ValueError as error:
        if args.base_url is None:
            raise UsageError(f"ANTHROPIC_BASE_URL: {error}") from error
    try:
        return ClaudeClient(
            backend=args.backend,
            base_url=args.base_url,
            compat=getattr(args, "compat", "adapt"),
        )
    except openai.OpenAIError as error:
        raise UsageError(_NO_KEY) from error
    except ValueError as error:  # CLAIF_CLA_BACKEND, and says so; the arguments were checked
        raise UsageError(str(error)) from error


def failure(
    error: openai.APIError, client: ClaudeClient, request_id: str | None = None
) -> CommandError:
    """What the API said, with status, code, parameter and request id, as far as they are known.

    Args:
        error: as the SDK raised it.
        client: for the address, where the API said nothing at all.
        request_id: of the answer, where the error itself has none: in the middle of a stream.
    """
    if isinstance(error, openai.APIConnectionError):
        return CommandError(_connection(error, client))
    body = error.body if isinstance(error.body, dict) else {}
    status = str(error.status_code) if isinstance(error, openai.APIStatusError) else ""
    words = [word for word in (status, str(error.code or error.type or "")) if word]
    said = body.get("message")
    text = f"error {' '.join(words)}: {said if isinstance(said, str) else error.message}"
    # Most messages name their parameter; it is told where one does not.
    if error.param and error.param not in text:
        text += f" (parameter `{error.param}`)"
    request_id = getattr(error, "request_id", None) or request_id
    return CommandError(f"{text} (request {request_id})" if request_id else text)


def _connection(error: openai.APIConnectionError, client: ClaudeClient) -> str:
    where = str(client.base_url).rstrip("/").removesuffix("/v1")
    if isinstance(error, openai.APITimeoutError):
        return f"{where} did not answer in time"
    if error.__cause__ is None or error.message != "Connection error.":
        return error.message
    return f"cannot reach {where}: {error.__cause__}"
