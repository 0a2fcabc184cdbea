"""`claif-cla ask`: one question, its answer on stdout, all else on stderr."""

from __future__ import annotations

import warnings
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import openai

from claif_cla.cli.access import client_for, failure
from claif_cla.cli.attachments import MAX_REQUEST_BYTES, decoded, media_type, parts_of
from claif_cla.cli.console import CommandError, Console, UsageError
from claif_cla.client import ClaudeClient

__all__ = ["run"]


@dataclass(slots=True)
class _Outcome:
    """What is known of an answer beside its text."""

    request_id: str | None = None
    model: str = ""
    finish_reason: str | None = None
    refusal: str = ""
    has_text: bool = False
    usage: Any = None


def run(args: Namespace, console: Console) -> int:
    """Ask, and show the answer.

    Raises:
        UsageError: no prompt, an attachment that cannot be sent, no key.
        CommandError: the API failed, or Claude declined.
    """
    request = _request(args, _content(args, console))
    client = client_for(args)
    outcome = _Outcome()
    with client:
        try:
            if args.json or args.no_stream:
                _whole(client, request, outcome, console, as_json=args.json)
            else:
                _streamed(client, request, outcome, console, usage=args.verbose)
        except openai.APIError as error:
            raise failure(error, client, outcome.request_id) from error
    console.end_line()
    if args.verbose:
        console.note(_summary(outcome))
    return _verdict(outcome, console)


# What is sent


def _content(args: Namespace, console: Console) -> str | list[dict[str, Any]]:
    """The user message: a string, or parts where there is more than a prompt."""
    prompt = args.prompt
    if prompt is None and not console.has_pipe:
        raise UsageError("no prompt: give PROMPT, or pipe one in; `claif-cla ask --help` shows how")
    piped = console.read_stdin(MAX_REQUEST_BYTES) if console.has_pipe or prompt == "-" else b""
    if prompt in (None, "-"):
        if media_type(piped):
            raise UsageError("stdin is an image or a PDF; give PROMPT beside it")
        prompt, piped = decoded(piped, "stdin"), b""
    if not prompt.strip():
        raise UsageError("the prompt is empty")
    parts = parts_of(args.attach, piped)
    return [*parts, {"type": "text", "text": prompt}] if parts else prompt


def _request(args: Namespace, content: str | list[dict[str, Any]]) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if args.system is not None:
        messages.insert(0, {"role": "system", "content": args.system})
    given = {
        "model": args.model,
        "max_completion_tokens": args.max_tokens,
        "reasoning_effort": args.effort,
        "temperature": args.temperature,
    }
    return {"messages": messages} | {k: value for k, value in given.items() if value is not None}


# What comes back


def _whole(
    client: ClaudeClient,
    request: Mapping[str, Any],
    outcome: _Outcome,
    console: Console,
    *,
    as_json: bool,
) -> None:
    completions: Any = client.chat.completions
    with _remarks(console):
        completion = completions.create(**request)
    _tell_adaptations(getattr(completion, "adaptations", None), console)
    choice = completion.choices[0]
    text = choice.message.content or ""
    outcome.request_id = completion._request_id  # noqa: SLF001 - the SDK's documented place
    outcome.model = completion.model
    outcome.finish_reason = choice.finish_reason
    outcome.refusal = choice.message.refusal or ""
    outcome.has_text = bool(text.strip())
    outcome.usage = completion.usage
    if as_json:
        console.json(completion.to_dict(mode="json"))
    else:
        console.write(text)


def _streamed(
    client: ClaudeClient,
    request: Mapping[str, Any],
    outcome: _Outcome,
    console: Console,
    *,
    usage: bool,
) -> None:
    completions: Any = client.chat.completions
    options = {"stream_options": {"include_usage": True}} if usage else {}
    with _remarks(console):
        stream = completions.create(**request, **options, stream=True)
    # Leaving the block closes the upstream at once, also on Ctrl-C and on a broken pipe.
    with stream:
        outcome.request_id = stream.response.headers.get("x-request-id")
        for chunk in stream:
            _tell_adaptations(getattr(chunk, "adaptations", None), console)
            _take_in(chunk, outcome, console)


def _take_in(chunk: Any, outcome: _Outcome, console: Console) -> None:
    outcome.model = chunk.model or outcome.model
    outcome.usage = chunk.usage or outcome.usage
    for choice in chunk.choices:
        text = choice.delta.content or ""
        console.write(text)
        outcome.has_text = outcome.has_text or bool(text.strip())
        outcome.refusal += choice.delta.refusal or ""
        outcome.finish_reason = choice.finish_reason or outcome.finish_reason


@contextmanager
def _remarks(console: Console) -> Iterator[None]:
    """Show the client's warning of a model's retirement as a note, and no other warning.

    Adaptations are told from the answer, which has all of them and not one per parameter.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", r"`.+` is deprecated", DeprecationWarning)
        yield
    for warning in caught:
        console.note(str(warning.message))


def _tell_adaptations(receipts: Iterable[Mapping[str, str]] | None, console: Console) -> None:
    for receipt in receipts or ():
        console.note(f"`{receipt['param']}` was {receipt['action']}: {receipt['detail']}")


# How it ended


def _verdict(outcome: _Outcome, console: Console) -> int:
    """The exit code. Raises CommandError where Claude declined."""
    if outcome.finish_reason == "content_filter":
        said = f": {outcome.refusal}" if outcome.refusal else ""
        request = f" (request {outcome.request_id})" if outcome.request_id else ""
        raise CommandError(f"Claude declined to answer, content_filter{said}{request}")
    if outcome.finish_reason == "length":
        console.note("the answer was cut off at its token limit; --max-tokens sets it")
    elif not outcome.has_text:
        console.note("the answer is empty")
    return 0


def _summary(outcome: _Outcome) -> str:
    """`claude-…: stop; tokens: 90 in (80 cached, 10 written to the cache), 32 out …`."""
    parts = [f"{outcome.model}: {outcome.finish_reason}"]
    usage = outcome.usage
    if usage is not None:
        counted = f"tokens: {usage.prompt_tokens} in"
        counted += _details(
            (getattr(usage.prompt_tokens_details, "cached_tokens", 0), "from the cache"),
            (getattr(usage.prompt_tokens_details, "cache_write_tokens", 0), "written to it"),
        )
        counted += f", {usage.completion_tokens} out"
        details = usage.completion_tokens_details
        counted += _details((getattr(details, "reasoning_tokens", 0), "thinking"))
        parts.append(counted)
    if outcome.request_id:
        parts.append(f"request {outcome.request_id}")
    return "; ".join(parts)


def _details(*counts: tuple[int | None, str]) -> str:
    shown = ", ".join(f"{count} {what}" for count, what in counts if count)
    return f" ({shown})" if shown else ""
