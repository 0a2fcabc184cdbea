"""`python -m benchmarks.gateway`: requests, streams, latency, memory and start, side by side."""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from benchmarks.ambient import stay_on_loopback
from benchmarks.gateway.driver import Driver, Load, Target, with_upstream
from benchmarks.gateway.subjects import HERE, MAKERS, Running, free_port, running

CONNECTIONS = 16
WORDS = 300


@dataclass
class Figures:
    """What was measured of one gateway; lists have one value a round.

    Attributes:
        rate: whole answers a second.
        words: words of streams a second.
        streams: streams a second.
        latency: median seconds of an answer at one connection.
        cpu: of the gateway's process, in seconds an answer; `word_cpu`: a word.
        start: seconds to the first answer.
        memory: resident bytes after the start, and at the end.
        failures: answers that were none.
    """

    rate: list[float] = field(default_factory=list)
    words: list[float] = field(default_factory=list)
    streams: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    word_cpu: list[float] = field(default_factory=list)
    start: float = 0.0
    memory: list[int] = field(default_factory=list)
    failures: int = 0

    def take(self, load: Load) -> None:
        self.failures += load.failures


@dataclass(frozen=True)
class Effort:
    """How much is asked of each gateway in each round."""

    rounds: int
    requests: int
    streams: int
    single: int
    seconds: float


FULL = Effort(rounds=7, requests=4_000, streams=64, single=400, seconds=3.0)
QUICK = Effort(rounds=2, requests=600, streams=16, single=100, seconds=1.0)
_MINE = ("ours", "quiet")
SLOW = ("litellm",)
"""Those that get a twentieth of the work, or a run would take an hour."""


async def _round(driver: Driver, gateway: Running | None, figures: Figures, effort: Effort) -> None:
    scale = 20 if gateway is not None and gateway.subject.name in SLOW else 1
    spent = gateway.cpu() if gateway else 0.0
    load = await driver.run(CONNECTIONS, effort.requests // scale)
    figures.take(load)
    figures.rate.append(load.done / load.seconds)
    if gateway:
        figures.cpu.append((gateway.cpu() - spent) / max(load.done, 1))
    load = await driver.run(1, effort.single // scale)
    figures.take(load)
    figures.latency.append(median(load.latencies or [0.0]))
    if gateway and not gateway.subject.streams:
        figures.memory.append(gateway.memory())
        return
    spent = gateway.cpu() if gateway else 0.0
    load = await driver.run(CONNECTIONS, max(CONNECTIONS, effort.streams // scale), WORDS)
    figures.take(load)
    figures.words.append(load.words / load.seconds)
    figures.streams.append(load.done / load.seconds)
    if gateway:
        figures.word_cpu.append((gateway.cpu() - spent) / max(load.words, 1))
        figures.memory.append(gateway.memory())


def measure(subjects: dict[str, str], effort: Effort) -> dict[str, Figures]:
    """The figures of each gateway, and of `direct`: no gateway at all.

    Args:
        subjects: the interpreter, or the folder, of each.
        effort: how much work.
    """
    port, figures = free_port(), {name: Figures() for name in ["direct", *subjects]}
    driver = Driver(Target(port, path="/v1/messages"))
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        up: dict[str, Running] = {}

        async def work(driver: Driver) -> None:
            for name, where in subjects.items():
                (place / name).mkdir()
                subject = MAKERS[name](port, place / name, where)
                starting = running(subject, place / name / "log")
                # In a thread: a gateway that passes everything on asks the upstream in this loop.
                up[name] = await asyncio.to_thread(stack.enter_context, starting)
                figures[name].start = up[name].ready_seconds
                figures[name].memory.append(up[name].memory())
            names = [*figures]
            for at in range(effort.rounds):
                turn = at % len(names)
                for name in names[turn:] + names[:turn]:
                    print(f"… round {at + 1}, {name}", flush=True)
                    gateway = up.get(name)
                    direct = Target(port, path="/v1/messages")
                    driver.target = gateway.subject.target if gateway else direct
                    await _round(driver, gateway, figures[name], effort)

        uvloop.run(with_upstream(port, work, driver))
    return figures


def as_table(figures: dict[str, Figures]) -> str:
    """Markdown."""
    lines = [
        (
            "| gateway | requests/s | CPU a request | added latency | words/s | CPU a word |"
            " streams/s | ready in | memory | failures |"
        ),
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    alone = median(figures["direct"].latency)
    for name, one in figures.items():
        own = name != "direct"
        cells = [
            f"{median(one.rate):,.0f}",
            f"{median(one.cpu) * 1e6:,.0f} µs" if own else "",
            f"{(median(one.latency) - alone) * 1e3:.2f} ms" if own else "",
            f"{median(one.words):,.0f}" if one.words else "–",
            f"{median(one.word_cpu) * 1e6:,.1f} µs" if one.word_cpu else "",
            f"{median(one.streams):,.0f}" if one.streams else "–",
            f"{one.start:.2f} s" if own else "",
            f"{one.memory[0] / 1e6:.0f} → {one.memory[-1] / 1e6:.0f} MB" if own else "",
            str(one.failures),
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", *_ratios(figures)]
    return "\n".join(lines)


def _ratios(figures: dict[str, Figures]) -> list[str]:
    mine = [name for name in _MINE if name in figures]
    lines = []
    for name, one in figures.items():
        if name in (*_MINE, "direct"):
            continue
        for our in mine:
            ours = figures[our]
            rate = median(ours.rate) / max(median(one.rate), 1e-9)
            line = f"- {our} / {name}: {rate:.2f} of the requests"
            if one.words:
                line += f", {median(ours.words) / max(median(one.words), 1e-9):.2f} of the words"
            lines.append(line)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a rough look")
    parser.add_argument("--subjects", default="floor,ours,quiet", help="of: " + ", ".join(MAKERS))
    parser.add_argument("--litellm", metavar="PYTHON", help="the interpreter that has LiteLLM")
    parser.add_argument("--portkey", metavar="FOLDER", help="where npm installed Portkey's gateway")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write every figure there")
    options = parser.parse_args()
    stay_on_loopback()
    subjects = dict.fromkeys(options.subjects.split(","), HERE)
    subjects |= {"litellm": options.litellm} if options.litellm else {}
    subjects |= {"portkey": options.portkey} if options.portkey else {}
    figures = measure(subjects, QUICK if options.quick else FULL)
    today = datetime.now(timezone.utc).date().isoformat()
    print(f"Measured {today}, {platform.machine()}, Python {platform.python_version()}.\n")
    print(as_table(figures))
    if options.json:
        told: dict[str, Any] = {name: vars(one) for name, one in figures.items()}
        options.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
