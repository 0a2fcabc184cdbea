"""What several commands share in their arguments."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["EXIT_CODES", "add_command", "add_file", "argument", "positive", "whole"]

EXIT_CODES = (
    "Exit codes: 0 fine; 1 the API, the model or the system said no; 2 wrong usage; 130 Ctrl-C."
)


def add_command(
    commands: Any, name: str, summary: str, details: str = "", exit_codes: str = EXIT_CODES
) -> Any:
    """Add a command to what `add_subparsers` gave; argparse has no public name for that.

    Args:
        commands: of `claif-cla`.
        name: of the command, and of the module that runs it.
        summary: in lower case, without a stop.
        details: for its own `--help`.
        exit_codes: the last line of that.
    """
    return commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.\n\n{details}",
        epilog=exit_codes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_file(parser: Any, what: str) -> None:
    """Add `--file` and `--config`: where a file of the gateway lies. See `configured.file_of`."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--file", metavar="FILE", type=Path, help=f"{what} itself")
    where.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help=f"the gateway's configuration, which names {what} (default: as `serve` does)",
    )


def argument(check: Callable[[str], Any]) -> Callable[[str], Any]:
    """A type for argparse, which shows only this exception's text."""

    def checked(text: str) -> Any:
        try:
            return check(text)
        except (ValueError, OverflowError) as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return checked


def whole(text: str, low: int, high: int, expected: str) -> int:
    """A whole number within bounds. Raises ValueError that says what was expected."""
    # No `int(text)` before its length is known: beyond 4,300 digits that is another error.
    if not (text.isascii() and text.isdigit() and len(text) <= 12 and low <= int(text) <= high):
        raise ValueError(f"{text[:50]!r} is not {expected}")
    return int(text)


def positive(text: str) -> int:
    """A whole number of at least 1, below a bound that is none for people."""
    return whole(text, 1, 10**12, "a whole number of at least 1")
