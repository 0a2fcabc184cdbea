"""One library in a process of its own, which works when told to.

    python -m benchmarks.worker openai

Commands come as lines of JSON on standard input, answers go as lines to what was standard output
(a library that prints must not disturb them, so that is redirected):

    {"do": "prepare", "case": "small", "url": "http://…"}  {"ok": true}
    {"do": "run", "seconds": 0.1}                          {"wall": [0.0012, …], "cpu": […]}
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import sys
from collections.abc import Callable, Coroutine
from time import perf_counter, process_time
from typing import Any

from benchmarks.ambient import stay_on_loopback
from benchmarks.canned import text_size
from benchmarks.cases import CASES, Case
from benchmarks.payloads import messages
from benchmarks.subjects import SUBJECTS, Subject

__all__: list[str] = []


class Worker:
    """The library with its event loop, and the case at hand.

    The loop lives as long as the process: clients keep connections that belong to it. So do the
    clients: one that is collected unclosed frees file descriptors under the loop's feet, whose
    next owner may then wait for ever. Not every library has a way to close them.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._loop = asyncio.new_event_loop()
        self._call: Callable[[], int] | Callable[[], Coroutine[Any, Any, int]]
        self._case: Case
        self._clients: list[Any] = []
        subject.load()

    def prepare(self, case: str, url: str) -> dict[str, Any]:
        """Take up a case, and call once or twice: a first call opens connections and imports."""
        self._case = CASES[case]
        subject = self._subject
        asked = messages(self._case.messages, subject.wire, image=self._case.image)
        base_url = f"{url}{self._case.path}{subject.url_suffix}"
        construct, make = (
            (subject.aclient, _acall) if self._case.asynchronous else (subject.client, _call)
        )
        self._clients.append(construct(base_url))
        self._call = make(subject, self._clients[-1], asked, self._case)
        # One call of the heavy cases is long enough to be warm.
        for _ in range(1 if self._case.chunks * self._case.streams > 10_000 else 3):
            self._timed(0)
        gc.collect()
        return {"ok": True}

    def run(self, seconds: float) -> dict[str, Any]:
        """Call for about so long, and at least once."""
        return self._timed(seconds)

    def _timed(self, seconds: float) -> dict[str, Any]:
        if self._case.asynchronous:
            return self._loop.run_until_complete(self._atimes(seconds))
        return self._times(seconds)

    def _times(self, seconds: float) -> dict[str, Any]:
        wall, cpu, call = [], [], self._call
        end = perf_counter() + seconds
        while not wall or perf_counter() < end:
            started, spent = perf_counter(), process_time()
            size = call()
            wall.append(perf_counter() - started)
            cpu.append(process_time() - spent)
            self._check(size)
        return {"wall": wall, "cpu": cpu}

    async def _atimes(self, seconds: float) -> dict[str, Any]:
        wall, cpu, call = [], [], self._call
        end = perf_counter() + seconds
        while not wall or perf_counter() < end:
            started, spent = perf_counter(), process_time()
            size = await call()
            wall.append(perf_counter() - started)
            cpu.append(process_time() - spent)
            self._check(size)
        return {"wall": wall, "cpu": cpu}

    def _check(self, size: Any) -> None:
        due = text_size(self._case.chunks) * self._case.streams
        if size != due:
            raise ValueError(f"the text has {size} characters instead of {due}")


def _call(subject: Subject, client: Any, asked: Any, case: Case) -> Callable[[], int]:
    """A call that gives the size of the text, which shows that all of it has arrived."""
    if not case.chunks:
        return lambda: len(subject.create(client, asked))
    return lambda: sum(map(len, subject.pieces(client, asked)))


def _acall(
    subject: Subject, client: Any, asked: Any, case: Case
) -> Callable[[], Coroutine[Any, Any, int]]:
    async def whole() -> int:
        return len(await subject.acreate(client, asked))

    async def stream() -> int:
        size = 0
        async for piece in subject.apieces(client, asked):
            size += len(piece)
        return size

    async def streams() -> int:
        return sum(await asyncio.gather(*(stream() for _ in range(case.streams))))

    if not case.chunks:
        return whole
    return stream if case.streams == 1 else streams


def main() -> None:
    stay_on_loopback()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker: Worker | None = None
    for line in sys.stdin:
        command = json.loads(line)
        answer: dict[str, Any]
        try:
            worker = worker or Worker(SUBJECTS[sys.argv[1]])
            answer = getattr(worker, command.pop("do"))(**command)
        except Exception as error:  # noqa: BLE001  # whatever a library raises is its result
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        print(json.dumps(answer), file=answers, flush=True)
    with contextlib.suppress(OSError):
        answers.close()
    os._exit(0)  # open connections and a loop of foreign tasks need no farewell


if __name__ == "__main__":
    main()
