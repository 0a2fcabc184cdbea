"""Callers who ask one request after the other, and keep what they got."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from typing import NamedTuple

import httpx2

from gateway.faults.made import PATIENCE, WAYS, post, until

__all__ = ["Got", "Load", "entries"]

HANGS = "it hangs"


class Got(NamedTuple):
    """What became of one request.

    Attributes:
        id: that the gateway gave it; empty where it did not answer.
        status: of the answer; 0 where the connection was refused or broke.
        code: of an error: OpenAI's, or Anthropic's type.
        full: whether it was a good answer, and all of it.
        final: whether it is no use to ask again.
    """

    id: str = ""
    status: int = 0
    code: str = ""
    full: bool = False
    final: bool = False


class Load:
    """Some callers at once, through both doors, whole and streamed. A context manager.

    Args:
        urls: of the gateways that they ask in turn.
        callers: how many.
        headers: of each request.
        stop_at: ends a caller once it is true of what it got.

    Attributes:
        got: by all of them.
    """

    def __init__(self, *urls, callers=6, headers=None, stop_at=lambda got: got.status == 0):
        self.got: list[Got] = []
        self._headers, self._stop_at = headers, stop_at
        self._over = threading.Event()
        turns = itertools.cycle([(url, way) for way in WAYS for url in urls])
        self._threads = [
            threading.Thread(target=self._ask, args=next(turns)) for _ in range(callers)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Let each caller have what it waits for, and end."""
        self._over.set()
        self.join()

    def join(self):
        """Wait until each caller has ended by itself."""
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a caller does not end"
        assert all(got.code != HANGS for got in self.got)

    def wait_for(self, more):
        """Wait for so many more good answers."""
        enough = len(self.full) + more
        until(lambda: len(self.full) >= enough, f"not {more} more answers")

    @property
    def full(self):
        """The good answers."""
        return [got for got in self.got if got.full]

    def _ask(self, url, way):
        while not self._over.is_set():
            got = self._once(url, way)
            self.got.append(got)
            if self._stop_at(got):
                return

    def _once(self, url, way):
        try:
            answer = post(url, way, self._headers)
        except httpx2.TimeoutException:
            return Got(code=HANGS)
        except httpx2.TransportError:
            return Got()
        id_ = answer.headers.get("x-claif-request-id", "")
        if answer.status_code != 200:
            error = answer.json()["error"]
            final = answer.headers.get("x-should-retry") == "false"
            return Got(id_, answer.status_code, error.get("code") or error["type"], final=final)
        full = way.door.end in answer.text if way.stream else bool(way.door.says(answer.text))
        return Got(id_, 200, full=full)


def entries(ledger):
    """What each request in a ledger has cost, in micro-USD, by its id; its gateway has ended."""
    with sqlite3.connect(ledger) as db:
        rows = db.execute("SELECT id, cost FROM visits").fetchall()
    db.close()
    assert len(dict(rows)) == len(rows)
    return dict(rows)
