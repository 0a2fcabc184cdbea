"""The arguments of `claif-cla keys`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

from claif_cla.cli.arguments import add_command, add_file, argument, positive

__all__ = ["ENDPOINTS", "add_keys"]

ENDPOINTS = ("chat", "messages", "count_tokens", "models", "metrics")
_MOST = 10**12
_SPAN = re.compile(r"([1-9][0-9]{0,4})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_KEYS = """\
Who may use the gateway, for what, and how much:
  claif-cla keys create --name alice --daily-budget 5 --requests-per-minute 60
  claif-cla keys create --name ci --model 'claude-haiku-*' --endpoint chat --expires 30d
  claif-cla keys rotate alice --grace 1h
  claif-cla keys revoke alice

A secret is shown once, on stdout; stored is its hash. A running gateway takes changes up within a
second. As soon as there is one key, every request needs one.
"""
_EXIT_CODES = (
    "Exit codes: 0 fine; 1 there is no such key, or the file cannot be used; 2 wrong usage."
)


def add_keys(commands: Any) -> None:
    """Add the command, with commands of its own, to the subparsers of `claif-cla`."""
    summary = "create, list, revoke and rotate the gateway's keys"
    parser = add_command(commands, "keys", summary, _KEYS, _EXIT_CODES)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_create(_action(actions, "create", "make a key, and show its secret once"))
    _action(actions, "list", "show all keys").add_argument(
        "--all", action="store_true", help="the revoked and expired ones as well"
    )
    for name, summary in (
        ("show", "show all that is known of a key"),
        ("revoke", "stop a key for good"),
        ("rotate", "give a key a new secret"),
    ):
        action = _action(actions, name, summary)
        action.add_argument("key", metavar="KEY", help="its id, or its name if no other has it")
        if name == "rotate":
            action.add_argument(
                "--grace",
                type=argument(_seconds),
                default=0.0,
                metavar="SPAN",
                help="how long the earlier secret goes on to hold: 1h, 7d (default: not at all)",
            )


def _action(actions: Any, name: str, summary: str) -> Any:
    parser = actions.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_file(parser, "the file of the keys")
    return parser


def _add_create(parser: Any) -> None:
    parser.add_argument("--name", required=True, type=argument(_name), help="whose it is")
    parser.add_argument(
        "--model",
        metavar="PATTERN",
        action="append",
        default=[],
        type=argument(_name),
        help="may be asked for: `claude-sonnet-*`; may be given several times (default: all)",
    )
    parser.add_argument(
        "--endpoint",
        choices=ENDPOINTS,
        action="append",
        default=[],
        help="may be called; may be given several times (default: all but metrics)",
    )
    for name, what in (
        ("requests-per-minute", "requests a minute"),
        ("tokens-per-minute", "tokens a minute, in and out"),
        ("concurrent", "requests at the same time"),
    ):
        parser.add_argument(f"--{name}", type=argument(positive), metavar="N", help=what)
    for name in ("daily", "monthly"):
        parser.add_argument(
            f"--{name}-budget", type=argument(_micro), metavar="USD", help=f"US dollars, {name}"
        )
    parser.add_argument(
        "--expires",
        type=argument(_expires),
        metavar="WHEN",
        help="30d, or the first day on which it no longer holds (2027-01-31, UTC)",
    )


def _name(text: str) -> str:
    if not (text.isprintable() and text.strip() and len(text) <= 200):
        raise ValueError(f"{text[:50]!r} is no name: 1 to 200 printable characters")
    return text.strip()


def _micro(text: str) -> int:
    """US dollars as millionths."""
    try:
        dollars = Decimal(text)
    except InvalidOperation:
        dollars = Decimal("nan")
    if not dollars.is_finite() or not 0 <= dollars <= _MOST:
        raise ValueError(f"{text[:50]!r} is no amount of US dollars, such as 5 or 0.50")
    return int(dollars * 1_000_000)


def _seconds(text: str) -> float:
    span = _SPAN.fullmatch(text)
    if span is None:
        raise ValueError(f"{text[:50]!r} is no span of time, such as 90s, 15m, 1h, 30d or 4w")
    return timedelta(**{_UNITS[span[2]]: int(span[1])}).total_seconds()


def _expires(text: str) -> float:
    """Unix seconds."""
    now = datetime.now(timezone.utc)
    if _SPAN.fullmatch(text):
        return now.timestamp() + _seconds(text)
    try:
        when = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=timezone.utc)
    except ValueError:
        raise ValueError(f"{text[:50]!r} is neither a span (30d) nor a day (2027-01-31)") from None
    if when <= now:
        raise ValueError(f"{text} has passed")
    return when.timestamp()
