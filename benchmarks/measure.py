"""Let the libraries work in turns: A B C, B C A, …, so that a busy moment falls on all of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from threading import Timer
from typing import Any

from benchmarks.ambient import clean_environment
from benchmarks.cases import Case

__all__ = ["Effort", "Figure", "Figures", "run_script", "time_cases", "time_starts"]

ROOT = Path(__file__).resolve().parent.parent

PATIENCE = 120.0
"""Seconds for one answer of a worker: the heaviest case takes the slowest library some twenty."""

Pythons = Mapping[str, str]
"""The interpreter of each library that is installed."""


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        rounds: turns of each library in each case.
        seconds: that a turn lasts; at least one call is made.
        budget: seconds after which a slow library sits out the rest of a case's rounds.
        rounds_at_least: that it takes part in.
        starts: fresh processes of each library.
        growth_chunks: of the stream whose memory is watched.
    """

    rounds: int = 15
    seconds: float = 0.15
    budget: float = 20.0
    rounds_at_least: int = 3
    starts: int = 15
    growth_chunks: int = 1_000_000


QUICK = Effort(
    rounds=5, seconds=0.05, budget=3.0, rounds_at_least=1, starts=5, growth_chunks=100_000
)


@dataclass
class Figure:
    """What was measured of one library in one case, in seconds or bytes; or why it was not."""

    values: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    error: str = ""

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Half of the values lie between these."""
        if len(self.values) < 2:
            return self.median, self.median
        low, _, high = quantiles(self.values, n=4, method="inclusive")
        return low, high

    def as_json(self) -> dict[str, Any]:
        if self.error or not self.values:
            return {"error": self.error or "nothing was measured"}
        low, high = self.quartiles
        shown = {"median": self.median, "quartiles": [low, high], "count": len(self.values)}
        return {**shown, "cpu_median": median(self.cpu)} if self.cpu else shown


Figures = dict[str, dict[str, Figure]]
"""By case, then by library."""


def in_turns(names: Sequence[str], rounds: int) -> Iterator[str]:
    """Each name once a round, another one first each time."""
    for at in range(rounds):
        first = at % len(names)
        yield from (*names[first:], *names[:first])


def time_cases(
    cases: Sequence[Case], pythons: Pythons, url: str, effort: Effort, say: Callable[[str], None]
) -> Figures:
    """Times of the calls of each case."""
    figures: Figures = {}
    with ExitStack() as stack:
        workers = {name: Worker(name, python) for name, python in pythons.items()}
        for worker in workers.values():
            stack.callback(worker.close)
        for case in cases:
            say(case.title)
            figures[case.name] = _time_case(case, workers, url, effort)
    return figures


class Worker:
    """One library in a process of its own; in a new one after it died, or did not answer.

    Args:
        name: of the library.
        python: its interpreter.
        patience: seconds for one answer. A library may wait for itself for ever.
    """

    def __init__(self, name: str, python: str, patience: float = PATIENCE) -> None:
        self._command = [python, "-m", "benchmarks.worker", name]
        self.patience = patience
        self._process: subprocess.Popen[str] | None = None

    def ask(self, **command: Any) -> dict[str, Any]:
        """What it answers, or an `error`."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        late = Timer(self.patience, process.kill)
        late.start()
        try:
            process.stdin.write(json.dumps(command) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            late.cancel()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        self.close()
        return {"error": f"it died, or gave no answer in {self.patience:g} s"}

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
                cwd=ROOT,
                env=clean_environment(),
            )
        return self._process

    def close(self) -> None:
        """End its process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()  # closes the pipes, broken or not, and waits


def _time_case(
    case: Case, workers: Mapping[str, Worker], url: str, effort: Effort
) -> dict[str, Figure]:
    figures = {name: Figure() for name in workers}
    for name, worker in workers.items():
        figures[name].error = worker.ask(do="prepare", case=case.name, url=url).get("error", "")
    turns = dict.fromkeys(workers, 0)
    for name in in_turns(list(workers), effort.rounds):
        figure = figures[name]
        slow = turns[name] >= effort.rounds_at_least and sum(figure.values) > effort.budget
        if figure.error or slow:
            continue
        turns[name] += 1
        answer = workers[name].ask(do="run", seconds=effort.seconds)
        figure.error = answer.get("error", "")
        figure.values += answer.get("wall", [])
        figure.cpu += answer.get("cpu", [])
    return figures


START_ROWS = ("import", "construct", "first call", "start", "peak")


def time_starts(pythons: Pythons, url: str, effort: Effort) -> Figures:
    """Import, construction and first call in fresh processes, and the memory that they took."""
    figures: Figures = {row: {name: Figure() for name in pythons} for row in START_ROWS}
    for name in pythons:  # compiles what was never imported
        run_script("fresh", pythons[name], "start", name, url)
    for name in in_turns(list(pythons), effort.starts):
        answer = run_script("fresh", pythons[name], "start", name, url)
        for row in START_ROWS:
            figure = figures[row][name]
            if "error" in answer:
                figure.error = answer["error"]
            else:
                figure.values.append(answer[row])
    return figures


def run_script(script: str, python: str, *arguments: str) -> dict[str, Any]:
    """The JSON that one of the scripts prints, or an `error`."""
    done = subprocess.run(
        [python, "-m", f"benchmarks.{script}", *arguments],
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        env=clean_environment(),
        check=False,
    )
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["it died"])[-1][:500]}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
