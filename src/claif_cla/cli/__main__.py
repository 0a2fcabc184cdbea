"""Entry point of `claif-cla` and of `python -m claif_cla.cli`.

Exit codes: 0 fine; 1 the API, the model or the system said no; 2 wrong usage; 130 Ctrl-C. A
reader that leaves early (`claif-cla … | head`) has had what it wanted: 0, and no word.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from claif_cla.cli.console import CommandError, Console
from claif_cla.cli.parser import build_parser

__all__ = ["main"]

INTERRUPTED = 130
"""128 and SIGINT, as shells count."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; `sys.argv` unless told.

    Returns:
        The exit code.
    """
    console = Console(sys.stdin, sys.stdout, sys.stderr)
    try:
        code = _outcome(argv, console)
        console.end_line()
        console.flush()
    except BrokenPipeError:
        console.abandon()
        return 0
    except OSError as error:  # such as a full disk behind `>`
        console.abandon()
        console.note(f"cannot write the output: {error.strerror or error}")
        return 1
    return code


def _outcome(argv: Sequence[str] | None, console: Console) -> int:
    try:
        args = build_parser().parse_args(argv)
        command = import_module(f"claif_cla.cli.{args.command}")
        code: int = command.run(args, console)
    except SystemExit as stop:  # argparse, after `--help` or a usage error
        return stop.code if isinstance(stop.code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except CommandError as error:
        console.end_line()
        console.note(str(error))
        return error.exit_code
    return code


if __name__ == "__main__":
    sys.exit(main())
