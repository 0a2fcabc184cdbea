"""The clients that the frameworks are given, and what reached the API through them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from claif_cla import AsyncClaudeClient, ClaudeClient
from claif_cla.backends.simulator import SimulatorBackend
from claif_cla.catalog.model_info import lookup


class WatchedSimulator(SimulatorBackend):
    """The simulator, and what it was sent.

    Attributes:
        requests: the bodies, in order.
        statuses: what each was answered with.
        keeps_prefix: whether the framework leaves instructions and tools as they are, turn
            after turn. Thinking is bound to them on the newest models, so where it does not,
            the thinking is refused once and left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.keeps_prefix = True

    def _handle(self, request: Any, hop: Any) -> Any:
        response = super()._handle(request, hop)
        self.requests.append(json.loads(request.body))
        self.statuses.append(response.status)
        return response

    def results(self) -> list[str]:
        """The tool results in the last request."""
        return [
            str(block["content"])
            for message in self.requests[-1]["messages"]
            for block in message["content"]
            if block["type"] == "tool_result"
        ]

    def check(self) -> None:
        """Nothing was refused, and the calls of models that think came with their thinking."""
        assert self.statuses
        if self.keeps_prefix:
            assert set(self.statuses) == {200}
            for request in self.requests:
                if lookup(request["model"]).thinking.default != "off":
                    _check_thinking(request["messages"])


def _check_thinking(messages: list[dict[str, Any]]) -> None:
    for message in messages:
        kinds = [block["type"] for block in message["content"]]
        if message["role"] == "assistant" and "tool_use" in kinds:
            assert kinds[0] == "thinking"


@pytest.fixture(params=["claude-sonnet-5-5", "claude-haiku-4-5"])
def model(request: pytest.FixtureRequest) -> str:
    """A model that thinks unasked and takes no forced choice, and one that is neither."""
    return str(request.param)


@pytest.fixture
def api() -> Iterator[WatchedSimulator]:
    """What both clients talk to; see `WatchedSimulator.check`."""
    watched = WatchedSimulator()
    yield watched
    watched.check()


@pytest.fixture
def client(api: WatchedSimulator) -> Iterator[ClaudeClient]:
    with ClaudeClient(backend=api) as client:
        yield client


@pytest.fixture
def async_client(api: WatchedSimulator) -> AsyncClaudeClient:
    return AsyncClaudeClient(backend=api)  # opens no connection, so there is none to close
