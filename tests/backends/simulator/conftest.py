"""An engine with a clock that the test turns, and short ways to ask it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from claif_cla.backends.simulator.engine import Engine
from claif_cla.backends.simulator.server import SimulatorServer
from claif_cla.wire.sse import EventDecoder

MODEL = "claude-sonnet-5-5"


@dataclass
class Clock:
    """Seconds that pass only when the test says so."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Asked:
    """An answer, read."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def message(self) -> str:
        """`error.message`."""
        return self.json["error"]["message"]

    @property
    def events(self) -> list[dict[str, Any]]:
        decoder = EventDecoder()
        return [json.loads(event.data) for event in decoder.feed(self.raw)]

    @property
    def text(self) -> str:
        return "".join(b["text"] for b in self.json["content"] if b["type"] == "text")


@dataclass
class Ask:
    """Sends requests to an engine; what is not given is a plain, valid request's."""

    engine: Engine
    version: str = "2026-10-21"
    defaults: dict[str, Any] = field(
        default_factory=lambda: {
            "model": MODEL,
            "max_tokens": 1000,
            "messages": [{"role": "user", "content": "Hello"}],
        }
    )

    def __call__(
        self,
        text: str | None = None,
        *,
        path: str = "/v1/messages",
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> Asked:
        payload = {**self.defaults, **fields}
        if text is not None:
            payload["messages"] = [{"role": "user", "content": text}]
        if path.endswith("count_tokens"):
            del payload["max_tokens"]
        payload = {name: value for name, value in payload.items() if value is not ...}
        return self.send("POST", path, json.dumps(payload).encode(), headers)

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        query: str = "",
    ) -> Asked:
        sent = {"anthropic-version": self.version, **(headers or {})}
        response = self.engine.handle(method, path, sent, body, query)
        return Asked(response.status, dict(response.headers), response.body())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(clock: Clock) -> Engine:
    return Engine(clock=clock)


@pytest.fixture
def ask(engine: Engine) -> Ask:
    return Ask(engine)


@pytest.fixture
def ask_old(engine: Engine) -> Ask:
    """Asks with the older API version, which has the sampling fields."""
    return Ask(engine, version="2023-06-01")


@pytest.fixture
def ask_with() -> Callable[..., Ask]:
    """Makes an `Ask` for an engine with options."""
    return lambda **options: Ask(Engine(**options))


@pytest.fixture(scope="session")
def simulator() -> Iterator[SimulatorServer]:
    with SimulatorServer() as server:
        yield server
