"""The arguments of `claif-cla usage`."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any

from claif_cla.cli.arguments import add_command, add_file, argument

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
    summary = "show what the gateway's callers used, and what it cost"
    parser = add_command(commands, "usage", summary, _USAGE, _EXIT_CODES)
    parser.add_argument(
        "--by",
        choices=GROUPS,
        action="append",
        help="a line for each; may be given several times (default: day)",
    )
    parser.add_argument(
        "--since",
        metavar="DAY",
        type=argument(_day),
        help="first day: 2026-11-01, or 7d for the last seven",
    )
    parser.add_argument(
        "--until", metavar="DAY", type=argument(_day), help="last day (default: today)"
    )
    parser.add_argument("--key", metavar="KEY", help="only this key, by id or name")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a list of objects; exact micro-USD")
    form.add_argument("--csv", action="store_true", help="comma-separated, with a head")
    add_file(parser, "the ledger")


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
        raise ValueError(f"{text!r} is no day; expected one such as 2026-11-01, or 7d")
    return text
