"""What the tests of faults are made with: both doors of the gateway, and what is true of both."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import NamedTuple

import httpx2

from claif_cla.gateway.ledger import Report
from loopback import json_answer, message, sse, stream_of, streamed, text_block, usage_of

__all__ = [
    "CHAT",
    "DOORS",
    "EVENTS",
    "FULL_COST",
    "HELLO",
    "MESSAGES",
    "MIDDLE",
    "PATIENCE",
    "PROMPT_COST",
    "WAYS",
    "WHOLE",
    "Door",
    "Way",
    "charged",
    "good",
    "post",
    "until",
]

PATIENCE = 20.0
"""Seconds after which something hangs."""
HELLO = {
    "model": "claude-opus-5-5",
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": "Hello"}],
}
"""A request that both doors take."""
USAGE = usage_of(1000, 500)
WHOLE = message([text_block("Hi there")], usage=USAGE)
EVENTS = sse(stream_of([text_block("Hi there")], usage=USAGE))
MIDDLE = EVENTS.index(b"event: content_block_stop")
"""Where a part of an answer has been told."""
FULL_COST, PROMPT_COST = 14_000, 4_000
"""Micro-USD of such an answer (4 and 20 dollars a million), and of its prompt alone."""


@dataclass(frozen=True)
class Door:
    """One of the two ways in, and how its API says things.

    Attributes:
        name: of the case, and of the endpoint in the ledger.
        path: of the URL.
        end: what stands at the end of a stream that is complete, and of no other.
    """

    name: str
    path: str
    end: str

    def error(self, text):
        """What kind of error a body or the last event is, in this API's words; None for none."""
        try:
            value = json.loads(text)
        except ValueError:
            return f"no JSON: {text[:60]!r}"
        error = value.get("error")
        if error is None:
            return None
        if self is CHAT:
            assert {"message", "type", "param", "code"} <= set(error), error
            return error["code"] or error["type"]
        assert value["type"] == "error", value
        assert isinstance(error["message"], str)
        return error["type"]

    def last(self, text):
        """The last event of a stream, without `[DONE]`."""
        events = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
        return [event for event in events if event != "[DONE]"][-1]

    def says(self, text):
        """The text of a whole answer."""
        value = json.loads(text)
        if self is CHAT:
            return value["choices"][0]["message"]["content"]
        return value["content"][0]["text"]


CHAT = Door("chat", "/v1/chat/completions", "data: [DONE]")
MESSAGES = Door("messages", "/v1/messages", '"message_stop"')
DOORS = (CHAT, MESSAGES)


class Way(NamedTuple):
    """A door, and whether the answer is a stream."""

    door: Door
    stream: bool

    def __str__(self):
        return f"{self.door.name} {'streamed' if self.stream else 'whole'}"


WAYS = [Way(door, stream) for door in DOORS for stream in (False, True)]


def good(server):
    """Have the server answer well what nothing else is queued for."""
    server.answer_with(
        lambda request: streamed(EVENTS) if request.json.get("stream") else json_answer(WHOLE)
    )


def post(url, way, headers=None, **changes):
    """The answer of the gateway at `url`; raises where it hangs."""
    body = {**HELLO, "stream": way.stream, **changes}
    with httpx2.Client(timeout=PATIENCE) as client:
        return client.post(url + way.door.path, json=body, headers=headers)


def until(ready, what, seconds=PATIENCE):
    """Wait for a condition. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"after {seconds} s: {what}")
        time.sleep(0.005)


def charged(ledger):
    """How many requests a ledger knows, and what all of them cost, in micro-USD."""
    with Report(ledger) as report:
        (sums,) = report.sums([])
    return sums.requests, sums.cost
