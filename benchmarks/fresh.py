"""What only a fresh process shows: the cost of a start, and memory.

    python -m benchmarks.fresh start openai http://…         import, construction, first call, peak
    python -m benchmarks.fresh image openai http://…         memory that sending 10 MB takes
    python -m benchmarks.fresh growth openai http://… 1000   memory that a stream of 1,000 takes

It prints one line of JSON, in seconds and bytes. What it needs itself is imported afterwards: a
library would find that loaded and seem the faster for it.
"""

from __future__ import annotations

import sys
from time import perf_counter

from benchmarks.ambient import stay_on_loopback
from benchmarks.subjects import SUBJECTS, Subject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__: list[str] = []

_SETTLED = 10_000
"""Chunks after which a stream's buffers are as large as they get."""


def start(subject: Subject, url: str) -> dict[str, Any]:
    """The time of each step, and the memory of the whole process after them."""
    hello = [{"role": "user", "content": "Hello"}]
    at_start = perf_counter()
    subject.load()
    loaded = perf_counter()
    client = subject.client(f"{url}/whole{subject.url_suffix}")
    constructed = perf_counter()
    subject.create(client, hello)
    called = perf_counter()
    return {
        "import": loaded - at_start,
        "construct": constructed - loaded,
        "first call": called - constructed,
        "start": called - at_start,
        "peak": _memory("VmHWM"),
    }


def image(subject: Subject, url: str) -> dict[str, Any]:
    """How far above the memory in use the sending of a 10 MB picture reaches."""
    from benchmarks.payloads import messages

    subject.load()
    client = subject.client(f"{url}/whole{subject.url_suffix}")
    subject.create(client, messages(1, subject.wire))
    asked = messages(1, subject.wire, image=True)
    with open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123  # the peak starts anew
        file.write("5")
    before = _memory("VmRSS")
    subject.create(client, asked)
    return {"image": _memory("VmHWM") - before}


def growth(subject: Subject, url: str, chunks: str) -> dict[str, Any]:
    """How far memory grows after the first chunks of a stream."""
    subject.load()
    client = subject.client(f"{url}/stream-{chunks}{subject.url_suffix}")
    settled = highest = 0
    pieces = subject.pieces(client, [{"role": "user", "content": "Hello"}])
    for count, _ in enumerate(pieces, start=1):
        if count % _SETTLED == 0:
            now = _memory("VmRSS")
            settled, highest = settled or now, max(highest, now)
    if count != int(chunks):
        raise ValueError(f"{count} chunks came instead of {chunks}")
    return {"growth": highest - settled}


def _memory(name: str) -> int:
    """Of this process, from Linux: `ru_maxrss` would include the parent's before `exec`."""
    with open("/proc/self/status") as file:  # noqa: PTH123  # pathlib is an import
        for line in file:
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    raise OSError(f"the system tells no {name}")


def main() -> None:
    stay_on_loopback()
    what, name, *arguments = sys.argv[1:]
    shown = {"start": start, "image": image, "growth": growth}[what](SUBJECTS[name], *arguments)

    import json
    import os

    print(json.dumps(shown), flush=True)
    os._exit(0)  # what runs at a library's end is not asked for


if __name__ == "__main__":
    main()
