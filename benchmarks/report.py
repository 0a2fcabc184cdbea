"""From figures to tables: for the terminal, for `docs/performance.md` and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.cases import CASES
from benchmarks.measure import Figure, Figures

__all__ = ["Report", "as_json", "as_markdown"]

OURS, STOCK, ANTHROPIC = "ours", "openai", "anthropic"


@dataclass
class Report:
    """One run.

    Attributes:
        machine: what it ran on, in words.
        names: of the libraries, in the order of the columns.
        versions: of each library, in words.
        times: seconds of calls, by case.
        starts: seconds, and bytes of "peak".
        memory: bytes, of "image" and "growth".
        growth_chunks: of the stream of "growth".
        footprints: what `footprint` gives.
    """

    machine: str
    names: Sequence[str]
    versions: dict[str, str]
    times: Figures = field(default_factory=dict)
    starts: Figures = field(default_factory=dict)
    memory: Figures = field(default_factory=dict)
    growth_chunks: int = 0
    footprints: dict[str, dict[str, Any]] = field(default_factory=dict)


def _median(figures: Figures, row: str, name: str) -> float | None:
    figure = figures.get(row, {}).get(name)
    return figure.median if figure and figure.values and not figure.error else None


def _ratio(figures: Figures, row: str, other: str) -> float | None:
    ours, theirs = _median(figures, row, OURS), _median(figures, row, other)
    return ours / theirs if ours is not None and theirs else None


# What issue and documentation promise


@dataclass(frozen=True)
class Goal:
    """A row that must not take more than this part of what the stock SDK takes."""

    title: str
    row: str
    bound: float
    beats_anthropic: bool = True


GOALS = (
    Goal("small request", "small", 0.60),
    Goal("small request, async", "async-small", 0.60),
    Goal("200 messages", "messages200", 0.05),
    Goal("200 messages, async", "async-messages200", 0.05),
    Goal("2,000 messages", "messages2000", 0.02),
    Goal("2,000 messages, async", "async-messages2000", 0.02),
    Goal("per streamed chunk", "stream30000", 0.10),
    Goal("per streamed chunk, async", "async-stream30000", 0.10),
    Goal("import + construct + first call", "start", 1.10, beats_anthropic=False),
    Goal("peak memory of that", "peak", 1.10, beats_anthropic=False),
)

FLAT = (
    ("per message", ("messages20", "messages200", "messages2000"), (180, 1800)),
    (
        "per message, async",
        ("async-messages20", "async-messages200", "async-messages2000"),
        (180, 1800),
    ),
    ("per chunk", ("stream1", "stream300", "stream30000"), (299, 29_700)),
    (
        "per chunk, async",
        ("async-stream1", "async-stream300", "async-stream30000"),
        (299, 29_700),
    ),
)
"""What one more costs in small and in large numbers: three cases, and the steps between them."""


def _goal_rows(report: Report) -> list[list[str]]:
    figures = {**report.times, **report.starts}
    rows = []
    for goal in GOALS:
        stock = _ratio(figures, goal.row, STOCK)
        if stock is None:
            continue
        anthropic = _ratio(figures, goal.row, ANTHROPIC)
        reached = stock <= goal.bound
        if goal.beats_anthropic and anthropic is not None:
            reached = reached and anthropic < 1
        shown = [_times(stock), f"≤ {goal.bound:.2f}", _times(anthropic)]
        rows.append([goal.title, *shown, "yes" if reached else "**no**"])
    return rows


def _flat_rows(report: Report) -> list[list[str]]:
    rows = []
    for title, cases, (few, many) in FLAT:
        cells = []
        for name in report.names:
            costs = [_median(report.times, case, name) for case in cases]
            if None in costs:
                cells.append("–")
                continue
            base, middle, end = (cost or 0.0 for cost in costs)
            small, large = (middle - base) / few, (end - middle) / many
            cells.append(f"{small * 1e6:.1f} → {large * 1e6:.1f}")
        rows.append([title, *cells])
    return [row for row in rows if set(row[1:]) != {"–"}]


# Cells


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.3f}" if ratio < 0.1 else f"{ratio:.2f}"


def _seconds(value: float) -> str:
    scale, unit = (1e6, "µs") if value < 1e-3 else (1e3, "ms") if value < 1 else (1, "s")
    return f"{value * scale:.3g} {unit}"


def _bytes(value: float) -> str:
    return f"{value / 1e6:.1f} MB"


def _cell(figure: Figure | None, unit: Callable[[float], str]) -> str:
    if figure is None:
        return "–"
    if figure.error or not figure.values:
        return "failed"
    low, high = figure.quartiles
    spread = (high - low) / figure.median / 2 if figure.median > 0 else 0
    shown = unit(figure.median)
    if len(figure.values) > 1:
        shown += f" ± {spread:.0%}"
    if figure.cpu:
        shown += f" · {unit(median(figure.cpu))}"
    return shown


_START_TITLES = {
    "import": "import",
    "construct": "construct a client",
    "first call": "first call",
    "start": "the three together",
}


def _figure_rows(
    report: Report, figures: Figures, titles: dict[str, str], unit: Callable[[float], str]
) -> list[list[str]]:
    return [
        [title, *(_cell(figures[row].get(name), unit) for name in report.names)]
        for row, title in titles.items()
        if row in figures
    ]


def _memory_rows(report: Report) -> list[list[str]]:
    titles = {
        "peak": "peak after import, construction and first call",
        "image": "more while a 10 MB image is sent",
        "growth": f"growth over a stream of {report.growth_chunks:,} chunks",
    }
    return _figure_rows(report, {**report.starts, **report.memory}, titles, _bytes)


def _footprint_rows(report: Report) -> list[list[str]]:
    found = [report.footprints.get(name, {}) for name in report.names]
    if not any("bytes" in each for each in found):
        return []
    packages = [str(each.get("packages", "–")) for each in found]
    sizes = [_bytes(each["bytes"]) if "bytes" in each else "–" for each in found]
    return [["packages", *packages], ["bytes", *sizes]]


# The whole


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    marks = ["---", *["--:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, marks, *rows))


def as_markdown(report: Report) -> str:
    """The tables, with what they were measured on."""
    names = list(report.names)
    call_titles = {name: case.title for name, case in CASES.items()}
    failures = [
        [row, name, figure.error.replace("|", "\\|").replace("\n", " ")]
        for row, of_row in {**report.times, **report.starts, **report.memory}.items()
        for name, figure in of_row.items()
        if figure.error
    ]
    goal_head = ["ours against", "stock openai", "goal", "anthropic", "reached"]
    sections = (
        ("Goals", "Ratios of medians.", goal_head, _goal_rows(report)),
        (
            "Calls",
            "Median time of a call ± half the interquartile range · CPU time of the client.",
            ["call", *names],
            _figure_rows(report, report.times, call_titles, _seconds),
        ),
        (
            "One more",
            "What one more costs in µs: up to 200 → 2,000 messages, up to 300 → 30,000 chunks.",
            ["µs", *names],
            _flat_rows(report),
        ),
        (
            "Start",
            "Median in fresh processes ± half the interquartile range.",
            ["step", *names],
            _figure_rows(report, report.starts, _START_TITLES, _seconds),
        ),
        ("Memory", "Resident memory.", ["memory", *names], _memory_rows(report)),
        ("Installed", "With all requirements.", ["installed", *names], _footprint_rows(report)),
        ("Failed", "What could not be measured.", ["row", "library", "because"], failures),
    )
    versions = "".join(f"- {name}: {report.versions[name]}\n" for name in names)
    parts = [f"{report.machine}\n\n{versions}"]
    parts += [
        f"### {title}\n\n{note}\n\n{_table(head, rows)}"
        for title, note, head, rows in sections
        if rows
    ]
    return "\n".join(parts)


def as_json(report: Report) -> dict[str, Any]:
    """Everything, with the ratio to ours of each other library."""

    def group(figures: Figures) -> dict[str, Any]:
        return {
            row: {
                "figures": {name: figure.as_json() for name, figure in of_row.items()},
                "ours_against": {
                    name: _ratio(figures, row, name) for name in of_row if name != OURS
                },
            }
            for row, of_row in figures.items()
        }

    return {
        "machine": report.machine,
        "versions": report.versions,
        "calls": group(report.times),
        "starts": group(report.starts),
        "memory": group(report.memory),
        "growth_chunks": report.growth_chunks,
        "footprints": report.footprints,
    }
