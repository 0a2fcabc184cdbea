"""The gateway's configuration, as the commands beside `serve` read it."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from claif_cla.cli.console import Console, UsageError

if TYPE_CHECKING:
    from claif_cla.gateway.config import Config, ConfigError

__all__ = ["config_file", "file_of", "usage_error"]


def file_of(args: Namespace, console: Console, named: Callable[[Config], Path]) -> Path:
    """The file that a command works on.

    Args:
        args: with `file` and `config`, of `arguments.add_file`.
        console: is told all problems but the last.
        named: which file of the configuration it is, unless `--file` says.

    Raises:
        UsageError: the configuration is wrong.
    """
    if args.file is not None:
        return Path(args.file)
    from claif_cla.gateway.config import ConfigError, load  # noqa: PLC0415 - not for `--help`

    try:
        # No account is needed for it: only where a file lies is asked for.
        config = load(config_file(args), os.environ, {"upstream.backend": "simulator"})
    except ConfigError as error:
        raise usage_error(error, console) from error
    return named(config)


def config_file(args: Namespace) -> Path | None:
    """The configuration's file, by `--config` or the environment; None where there is none."""
    from claif_cla.gateway.config import CONFIG_VARIABLE  # noqa: PLC0415 - not for `--help`

    file = args.config or os.environ.get(CONFIG_VARIABLE)
    return Path(file) if file else None


def usage_error(error: ConfigError, console: Console) -> UsageError:
    """The last problem of a configuration; all others are told before."""
    *others, last = error.problems
    for problem in others:
        console.note(problem)
    return UsageError(last)
