"""Recorded exchanges with the real APIs, for tests that hold the translation against them.

They live outside the project, in `shared/recordings` beside the checkout; `needs_recordings`
skips a test where they are absent. The index is read once, a file when its record is used.

    @recorded_params("answer_batch", anthropic_answers)
    def test_answer_is_translated(answer_batch):
        for answer in answer_batch: ...
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

__all__ = [
    "FOLDER",
    "Recording",
    "anthropic_answers",
    "anthropic_errors",
    "anthropic_requests",
    "available",
    "needs_recordings",
    "openai_chat_answers",
    "openai_chat_requests",
    "openai_response_requests",
    "recorded_params",
    "recordings",
]

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "recordings"

_ABSENT = f"the recorded exchanges are not at {FOLDER}"


@dataclass(frozen=True)
class Recording:
    """One recorded exchange. What is in the index is an attribute, the rest is read on demand.

    Attributes:
        file: path below the recordings folder; the name to quote in failures.
        api: `anthropic` or `openai`.
        platform: `anthropic`, `bedrock`, `vertex` or `openai`.
        endpoint: the path of the request.
        status: None where an error's status was not recorded.
        streaming: whether the answer is an event stream.
        model: as requested, or None.
        features: what the index says the exchange shows.
        fidelity: how literal the recording is; `http` is the most.
        date: ISO date, or None.
    """

    file: str
    api: str
    platform: str
    endpoint: str
    status: int | None
    streaming: bool
    model: str | None
    features: frozenset[str]
    fidelity: str
    date: str | None

    def __str__(self) -> str:
        return self.file

    @property
    def exchange(self) -> dict[str, Any]:
        """The whole file: `source`, `request`, `response`. Read anew each time."""
        return json.loads((FOLDER / self.file).read_bytes())

    @property
    def request_headers(self) -> Mapping[str, str]:
        return self.exchange["request"].get("headers") or {}

    @property
    def request_body(self) -> Any:
        """A dict as a rule; None where the request was not recorded."""
        return self.exchange["request"].get("body")

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the response."""
        return self.exchange["response"].get("headers") or {}

    @property
    def body(self) -> Any:
        """The whole answer's JSON; None for a stream."""
        return self.exchange["response"].get("body")

    @property
    def sse(self) -> bytes:
        """The bytes of the streamed answer; empty for a whole one."""
        return self.exchange["response"].get("sse", "").encode()


def available() -> bool:
    """Whether the recordings are there."""
    return (FOLDER / "index.jsonl").is_file()


needs_recordings = pytest.mark.skipif(not available(), reason=_ABSENT)


@functools.cache
def recordings() -> tuple[Recording, ...]:
    """Every recording, in the index's order; none where the folder is absent."""
    if not available():
        return ()
    fields = Recording.__dataclass_fields__
    rows = map(json.loads, (FOLDER / "index.jsonl").read_bytes().splitlines())
    return tuple(
        Recording(
            **{**{name: row[name] for name in fields}, "features": frozenset(row["features"])}
        )
        for row in rows
    )


def _of(api: str, endpoint: str) -> list[Recording]:
    return [r for r in recordings() if r.api == api and r.endpoint == endpoint]


def anthropic_answers(*, streaming: bool | None = None) -> list[Recording]:
    """2xx answers of `/v1/messages`; whole ones, streams, or both."""
    return [
        r
        for r in _of("anthropic", "/v1/messages")
        if r.status == 200 and streaming in (None, r.streaming)
    ]


def anthropic_errors() -> list[Recording]:
    """Answers of `/v1/messages` other than 2xx."""
    return [r for r in _of("anthropic", "/v1/messages") if r.status != 200]


def anthropic_requests() -> list[Recording]:
    """Exchanges with `/v1/messages` that were answered with 200 and whose request is literal.

    Left out: streams that were stored as events, whose request was not recorded or was derived.
    """
    return [
        r
        for r in anthropic_answers()
        if r.fidelity.startswith("http") and isinstance(r.request_body, dict)
    ]


def openai_chat_requests() -> list[Recording]:
    """Exchanges with `/v1/chat/completions` whose request is recorded, whatever came of them.

    A few bodies are no dict of chat parameters (raw or binary); those are in.
    """
    return [r for r in _of("openai", "/v1/chat/completions") if r.request_body is not None]


def openai_chat_answers(*, streaming: bool | None = None) -> list[Recording]:
    """2xx answers of `/v1/chat/completions`; whole ones, streams, or both."""
    return [
        r
        for r in _of("openai", "/v1/chat/completions")
        if r.status == 200 and streaming in (None, r.streaming)
    ]


def openai_response_requests() -> list[Recording]:
    """Exchanges with `/v1/responses` whose request is recorded."""
    return [r for r in _of("openai", "/v1/responses") if r.request_body is not None]


def recorded_params(
    name: str,
    source: Callable[[], Sequence[Recording]],
    *,
    batches: int = 40,
) -> pytest.MarkDecorator:
    """Parametrize `name` with batches of recordings: 40 test ids instead of thousands.

    Where the recordings are absent there is one test, skipped with the reason. A failure should
    name its recording: put `str(recording)` in the assertion's message.

    Args:
        name: of the test's argument; it gets a list of recordings.
        source: one of the functions of this module, or a lambda that filters one.
        batches: how many; fewer if there are fewer recordings.
    """
    chosen = list(source()) if available() else []
    if not chosen:
        reason = _ABSENT if not available() else "no recording was chosen"
        marks = [pytest.mark.skip(reason=reason)]
        return pytest.mark.parametrize(name, [pytest.param([], id="absent", marks=marks)])
    count = min(batches, len(chosen))
    # Every n-th: neighbours come from the same project and take equally long.
    params = [pytest.param(chosen[at::count], id=f"batch{at:02}") for at in range(count)]
    return pytest.mark.parametrize(name, params)
