"""Run the checks on a subject outside of pytest, and print a scoreboard.

A check that raises has failed; one that does not end is given up after `CHECK_TIMEOUT` seconds.
"""

from __future__ import annotations

import ipaddress
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.bench import Bench
from conformance.registry import Check
from conformance.subjects import Subject
from loopback import LoopbackServer

__all__ = ["Outcome", "as_markdown", "as_text", "judge", "stay_on_loopback"]

CHECK_TIMEOUT = 20.0
REASON = 160
"""Characters of a failure's reason that are shown."""

MakeSubject = Callable[[str], Subject]
"""From the URL of the fake upstream to the subject."""


@dataclass(frozen=True)
class Outcome:
    """What became of a check; `reason` is None if it passed."""

    check: Check
    reason: str | None

    @property
    def passed(self) -> bool:
        return self.reason is None


def stay_on_loopback() -> None:
    """Let this process connect to 127.0.0.1 only, for good; anything else is an OSError."""

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            host = arguments[1][0]
        elif event == "socket.getaddrinfo":
            host = arguments[0]
        else:
            return
        if isinstance(host, bytes):
            host = host.decode("ascii", "replace")
        if host not in (None, "", "localhost") and not _is_loopback(str(host)):
            raise OSError(f"a subject tried to reach {host!r}; checks stay on 127.0.0.1")

    sys.addaudithook(watch)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def judge(
    checks: Iterable[Check],
    settings: Sequence[MakeSubject],
    server: Callable[[], LoopbackServer] = LoopbackServer,
    timeout: float = CHECK_TIMEOUT,
) -> list[Outcome]:
    """Run each check that applies to the subject.

    Args:
        checks: what to run.
        settings: ways to set the subject up, from its defaults on. A check is passed if it is
            under one of them; a subject is not to fail for a switch that it has.
        server: makes the fake upstream.
        timeout: seconds for one check under one setting.
    """
    outcomes = []
    for check in checks:
        failures: list[str] = []
        for make in settings:
            failure = _failure(check, make, server, timeout)
            if failure is None:
                failures.clear()
                break
            failures.append(failure)
        if _DOES_NOT_APPLY not in failures:
            outcomes.append(Outcome(check, failures[0] if failures else None))
    return outcomes


_DOES_NOT_APPLY = "does not apply"


def _failure(
    check: Check, make: MakeSubject, server: Callable[[], LoopbackServer], timeout: float
) -> str | None:
    """Why the check fails under this setting; None if it passes."""
    found: list[str | None] = []

    def run(url: str, upstream: LoopbackServer) -> None:
        subject = None
        try:
            subject = make(url)
            if not check.needs <= subject.can or (check.ours and "own" not in subject.can):
                found.append(_DOES_NOT_APPLY)
                return
            check.run(Bench(subject, upstream))
            found.append(None)
        except BaseException as error:  # noqa: BLE001  # whatever a subject throws is a failure
            found.append(_told(error))
        finally:
            if subject is not None:
                subject.close()

    with warnings.catch_warnings(), server() as upstream:
        warnings.simplefilter("ignore")
        thread = threading.Thread(target=run, args=(upstream.url, upstream), daemon=True)
        thread.start()
        thread.join(timeout)
    return found[0] if found else f"no end after {timeout:g} s"


def _told(error: BaseException) -> str:
    words = " ".join(str(error).split())
    if not words:  # a bare assertion tells itself
        words = traceback.extract_tb(error.__traceback__)[-1].line or "no reason"
    name = type(error).__name__
    text = words if isinstance(error, AssertionError) else f"{name}: {words}"
    return text if len(text) <= REASON else text[: REASON - 1] + "…"


def tally(outcomes: Iterable[Outcome]) -> dict[str, tuple[int, int]]:
    """Passed and all, by group and for `all`."""
    counted: dict[str, tuple[int, int]] = {}
    for outcome in outcomes:
        for group in (outcome.check.group, "all"):
            passed, total = counted.get(group, (0, 0))
            counted[group] = (passed + outcome.passed, total + 1)
    return {name: counted[name] for name in sorted(counted, key=lambda name: (name == "all", name))}


def as_text(name: str, outcomes: Sequence[Outcome]) -> str:
    """The scoreboard for a terminal: groups, then each failure with its reason."""
    lines = [name, *(f"{g:16}{p:5} /{t:4}" for g, (p, t) in tally(outcomes).items()), ""]
    lines += [f"{one.check.name}: {one.reason}" for one in outcomes if not one.passed]
    return "\n".join(lines)


def as_markdown(columns: dict[str, Sequence[Outcome]]) -> str:
    """A table of groups, with a column for each subject."""
    tallies = {name: tally(outcomes) for name, outcomes in columns.items()}
    groups = [group for group in next(iter(tallies.values())) if group != "all"]
    lines = ["| checks | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for group in [*groups, "all"]:
        cells = [tallies[name].get(group) for name in columns]
        shown = [f"{cell[0]} / {cell[1]}" if cell else "–" for cell in cells]
        lines.append(f"| {group} | " + " | ".join(shown) + " |")
    return "\n".join(lines)
