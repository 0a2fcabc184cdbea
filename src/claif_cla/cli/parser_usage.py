"""The arguments of `claif-cla usage`."""

from __future__ import annotations

import argparse
import re
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

__all__ = ["GROUPS", "add_usage"]

GROUPS = ("day", "key", "model")

_DAYS_BACK = re.compile(r"([1-9][0-9]{0,4})d")
_USAGE = """\
Requests, tokens and cost from the gateway's ledger, by day (UTC), key or model:
  claif-cla usage --since 7d
  claif-cla usage --by key --by model --since 2026-11-01 --until 2026-11-30
  claif-cla usage --by model --key team-a --csv > usage.csv

INPUT is what the prompt cache had no part in; CACHED was read from it, WRITTEN was put there. The
gateway may be running: what it answered up to this moment is counted.
"""
_EXIT_CODES = "Exit codes: 0 fine; 1 there is no ledger, or it cannot be read; 2 wrong usage."


def add_usage(commands: Any) -> None:
    """Add the command to the subparsers of `claif-cla`."""
    parser = commands.add_parser(
        "usage",
        help="show what the gateway's callers used, and what it cost",
        description=f"Show what the gateway's callers used, and what it cost.\n\n{_USAGE}",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--by",
        choices=GROUPS,
        action="append",
        help="a line for each; may be given several times (default: day)",
    )
    parser.add_argument(
        "--since", metavar="DAY", type=_day, help="first day: 2026-11-01, or 7d for the last seven"
    )
    parser.add_argument("--until", metavar="DAY", type=_day, help="last day (default: today)")
    parser.add_argument("--key", metavar="KEY", help="only this key, by id or name")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a list of objects; exact micro-USD")
    form.add_argument("--csv", action="store_true", help="comma-separated, with a head")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--file", metavar="FILE", type=Path, help="the ledger itself")
    where.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="the gateway's configuration, which names the ledger (default: as `serve` does)",
    )


def _day(text: str) -> str:
    """`2026-11-01` as it is; `7d` as the first of seven days that end today (UTC)."""
    today = datetime.now(timezone.utc).date()
    back = _DAYS_BACK.fullmatch(text)
    if back:
        return (today - timedelta(days=int(back[1]) - 1)).isoformat()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # newer Pythons take 20261101 and 2026-W01-1 too
        message = f"{text!r} is no day; expected one such as 2026-11-01, or 7d"
        raise argparse.ArgumentTypeError(message)
    return text
