"""`claif-cla usage`: the gateway's ledger as a table, JSON or CSV."""

from __future__ import annotations

import csv
import io
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from claif_cla.cli.configured import file_of
from claif_cla.cli.console import CommandError, Console

if TYPE_CHECKING:
    from claif_cla.gateway.ledger import Sums

__all__ = ["run"]

_HEADS = (
    ("requests", "REQUESTS"),
    ("input", "INPUT"),
    ("cache_read", "CACHED"),
    ("cache_write", "WRITTEN"),
    ("output", "OUTPUT"),
)
_MICRO = 1_000_000
_NOBODY = "(no key)"
_UNKNOWN = "(unknown)"


def run(args: Namespace, console: Console) -> int:
    """Show the sums.

    Raises:
        UsageError: the configuration is wrong; all but the last problem were told before.
        CommandError: there is no ledger, or it cannot be read.
    """
    try:
        return _run(args, console)
    except ModuleNotFoundError as error:  # such as `fcntl`, which Windows lacks
        needs = f"the ledger needs {error.name}, which is not there: see the extra `gateway`"
        raise CommandError(needs) from error


def _run(args: Namespace, console: Console) -> int:
    from claif_cla.gateway.ledger import LedgerError, Report  # noqa: PLC0415 - `--help` needs none

    by = list(dict.fromkeys(args.by or ["day"]))
    try:
        with Report(file_of(args, console, lambda config: config.ledger.file)) as report:
            span = {"since": args.since, "until": args.until, "key": args.key}
            groups = report.sums(by, **span)
            total = report.sums([], **span)
            names = report.key_names()
    except LedgerError as error:
        raise CommandError(str(error)) from error
    if args.json:
        console.json([_facts(by, sums, names) for sums in groups])
    elif args.csv:
        console.write(_csv(by, [_facts(by, sums, names) for sums in groups]))
    elif not groups:
        console.note("no requests in that time")
    else:
        _show(console, by, groups, total[0], names)
    return 0


# The forms


def _facts(by: Sequence[str], sums: Sums, names: dict[str, str]) -> dict[str, Any]:
    facts: dict[str, Any] = dict(zip(by, sums.by, strict=True))
    if "key" in facts:
        facts["key_name"] = names.get(facts["key"], "")
    facts.update(sums._asdict())
    del facts["by"], facts["cost"]
    return {**facts, "cost_micro_usd": sums.cost, "cost_usd": sums.cost / _MICRO}


def _csv(by: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = ["key_name"] if "key" in by else []
    columns = [*by, *names, "requests", "failed", "unpriced"]
    columns += ["input", "cache_read", "cache_write", "output", "cost_usd"]
    writer.writerow(columns)
    for row in rows:
        # Never `1e-06`: spreadsheets and people read decimals.
        exact = {**row, "cost_usd": f"{row['cost_usd']:.6f}"}
        writer.writerow([_harmless(exact[name]) for name in columns])
    return text.getvalue()


def _harmless(value: Any) -> Any:
    """A name that a spreadsheet would take for a formula, as text. A model's is the caller's."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _show(
    console: Console, by: Sequence[str], groups: Sequence[Sums], total: Sums, names: dict[str, str]
) -> None:
    head = [*(name.upper() for name in by), *(head for _, head in _HEADS), "COST"]
    rows = [[*_labels(by, sums, names), *_numbers(sums)] for sums in groups]
    last = ["TOTAL", *[""] * (len(by) - 1), *_numbers(total)]
    for line in _table([head, *rows, last], len(by)):
        console.line(line)
    if total.unpriced:
        requests = f"{total.unpriced:,} request{'' if total.unpriced == 1 else 's'}"
        console.note(f"the cost of {requests} is not known; set prices under `[prices]`")


def _labels(by: Sequence[str], sums: Sums, names: dict[str, str]) -> Iterator[str]:
    for kind, value in zip(by, sums.by, strict=True):
        if kind == "key" and not value:
            yield _NOBODY
        elif kind == "key":
            yield _printable(f"{names[value]} ({value})" if value in names else value)
        else:
            yield _printable(value) or _UNKNOWN


def _printable(text: str) -> str:
    """In a table each row is one line, whatever somebody called his model."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _numbers(sums: Sums) -> list[str]:
    # Four digits: a request of a small model costs less than a cent.
    numbers = [f"{getattr(sums, name):,}" for name, _ in _HEADS]
    return [*numbers, f"${sums.cost / _MICRO:,.4f}"]


def _table(rows: Sequence[Sequence[str]], texts: int) -> Iterator[str]:
    """The lines: `texts` columns to the left, the numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if place < texts else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
