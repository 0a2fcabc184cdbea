"""Run the benchmarks and print, keep or publish what came of it.

python -m benchmarks                                 everything; some minutes
python -m benchmarks --quick --only small,stream300  some cases, roughly
python -m benchmarks --python ../peers/bin/python    libraries that need another environment
python -m benchmarks --json run.json --write         to a file, and into docs/performance.md
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.cases import CASES, Case
from benchmarks.measure import QUICK, Effort, Figure, Figures, run_script, time_cases, time_starts
from benchmarks.report import Report, as_json, as_markdown
from benchmarks.subjects import SUBJECTS
from benchmarks.upstream import running_upstream

__all__ = ["main", "with_tables"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
OTHER_ROWS = ("start", "image-memory", "growth", "footprint")

# LiteLLM needs a quarter of an hour for the long stream, and nobody asks.
GROWTH_OF = ("ours", "openai", "anthropic")


def main(given: Sequence[str] | None = None) -> int:
    """The command."""
    arguments = _parser().parse_args(given)
    rows = _rows(arguments.only)
    pythons, footprints = _installed(arguments.subjects.split(","), arguments.python)
    effort = QUICK if arguments.quick else Effort()
    if arguments.rounds:
        effort = replace(effort, rounds=arguments.rounds, starts=arguments.rounds)
    report = _measure(rows, pythons, footprints, effort, arguments.events_per_frame)
    print(as_markdown(report))
    if arguments.json:
        text = json.dumps(as_json(report), indent=1, ensure_ascii=False)
        Path(arguments.json).write_text(text + "\n", encoding="utf-8")
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(with_tables(page, as_markdown(report)), encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compare speeds.")
    known = ", ".join((*CASES, *OTHER_ROWS))
    parser.add_argument(
        "--only", metavar="ROWS", default="", help=f"comma-separated, `*` at an end: {known}"
    )
    parser.add_argument("--subjects", default=",".join(SUBJECTS), help="the libraries")
    parser.add_argument("--quick", action="store_true", help="a rough look")
    parser.add_argument("--rounds", type=int, help="turns of each library in each row")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PATH",
        help="another environment, for libraries that are not in this one; may be repeated",
    )
    parser.add_argument("--events-per-frame", type=int, default=100, help="of the upstream")
    parser.add_argument("--json", metavar="FILE", help="write everything there")
    parser.add_argument("--write", action="store_true", help="fill docs/performance.md")
    return parser


def _rows(only: str) -> list[str]:
    known = [*CASES, *OTHER_ROWS]
    if not only:
        return known
    chosen: list[str] = []
    for word in only.split(","):
        pattern = re.compile(re.escape(word).replace(r"\*", ".*"))
        fitting = [name for name in known if pattern.fullmatch(name)]
        if not fitting:
            raise SystemExit(f"There is no row {word!r}; there are {', '.join(known)}.")
        chosen += fitting
    return chosen


def _installed(
    names: Sequence[str], others: Sequence[str]
) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """The interpreter of each library, and what `footprint` says; who is missing is named."""
    pythons: dict[str, str] = {}
    footprints: dict[str, dict[str, Any]] = {}
    for name in names:
        if name not in SUBJECTS:
            raise SystemExit(f"There is no library {name!r}; there are {', '.join(SUBJECTS)}.")
        for python in (sys.executable, *others):
            found = run_script("footprint", python, name)
            if "error" not in found:
                pythons[name], footprints[name] = python, found
                break
        else:
            _say(f"{name}: skipped, {found['error']}")
    return pythons, footprints


def _measure(
    rows: Sequence[str],
    pythons: dict[str, str],
    footprints: dict[str, dict[str, Any]],
    effort: Effort,
    events_per_frame: int,
) -> Report:
    report = Report(_machine(), list(pythons), _versions(footprints))
    cases: list[Case] = [CASES[row] for row in rows if row in CASES]
    with running_upstream(events_per_frame) as url:
        if "start" in rows:
            _say("import, construction and first call")
            report.starts = time_starts(pythons, url, effort)
        if "image-memory" in rows:
            _say("memory of an image")
            report.memory |= _memory("image", pythons, url)
        if cases:
            report.times = time_cases(cases, pythons, url, effort, _say)
        if "growth" in rows:
            _say("memory of a long stream")
            report.growth_chunks = effort.growth_chunks
            watched = {name: pythons[name] for name in GROWTH_OF if name in pythons}
            report.memory |= _memory("growth", watched, url, str(effort.growth_chunks))
    if "footprint" in rows:
        report.footprints = footprints
    return report


def _memory(what: str, pythons: dict[str, str], url: str, *more: str) -> Figures:
    figures = {}
    for name, python in pythons.items():
        answer = run_script("fresh", python, what, name, url, *more)
        values = [answer[what]] if what in answer else []
        figures[name] = Figure(values, error=answer.get("error", ""))
    return {what: figures}


def _machine() -> str:
    today = dt.datetime.now(tz=dt.timezone.utc).date()
    cores = os.cpu_count()
    system = f"{platform.system()} {platform.release().partition('-')[0]}, {platform.machine()}"
    return f"Measured {today} on {_processor()}, {cores} cores, {system}."


def _processor() -> str:
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "an unnamed processor"
    name = re.search(r"^model name\s*: (.+)$", told, re.MULTILINE)
    return name[1].strip() if name else "an unnamed processor"


def _versions(footprints: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {
        name: ", ".join(f"{each} {version}" for each, version in found["versions"].items())
        + f" (Python {found['python']})"
        for name, found in footprints.items()
    }


def with_tables(page: str, tables: str) -> str:
    """The page with the tables between its marks."""
    return re.sub(
        r"(<!-- benchmarks -->\n).*?(<!-- end of benchmarks -->)",
        lambda match: f"{match[1]}\n{tables}\n{match[2]}",
        page,
        flags=re.DOTALL,
    )


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
