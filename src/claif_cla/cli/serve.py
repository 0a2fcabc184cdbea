"""`claif-cla serve`: the gateway, until a signal ends it."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from claif_cla.cli.configured import config_file, usage_error
from claif_cla.cli.console import CommandError, Console

if TYPE_CHECKING:
    from claif_cla.gateway.config import Config

__all__ = ["run"]

_OURS = "claif_cla"
_FLAGS = {
    "server.host": "host",
    "server.port": "port",
    "server.insecure": "insecure",
    "upstream.backend": "backend",
    "upstream.base_url": "base_url",
    "chat.compat": "compat",
}


def run(args: Namespace, console: Console) -> int:
    """Serve, or tell what would be served.

    Raises:
        UsageError: the configuration is not usable; all but the last problem were told before.
        CommandError: a library is missing, or the address cannot be had.
    """
    try:
        return _run(args, console)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == _OURS:
            raise
        needs = f"the gateway needs {missing}, which is not installed"
        raise CommandError(f"{needs}: pip install 'claif_cla[gateway]'") from error


def _run(args: Namespace, console: Console) -> int:
    # Late: the configuration brings pydantic, and the server all of the gateway.
    if args.print_reference:
        console.write(import_module("claif_cla.gateway.config.reference").reference())
        return 0
    config = import_module("claif_cla.gateway.config")
    file = config_file(args)
    flags = {key: getattr(args, option) for key, option in _FLAGS.items()}

    def load() -> Config:
        loaded: Config = config.load(file, os.environ, flags)
        return loaded

    try:
        return _check(load, console) if args.check else _serve(load, args, console)
    except config.ConfigError as error:
        raise usage_error(error, console) from error


def _serve(load: Callable[[], Config], args: Namespace, console: Console) -> int:
    serving = import_module("claif_cla.gateway.serve")

    def announce(url: str) -> None:
        console.line(url)
        console.flush()
        if not args.quiet:
            console.note("serving; SIGHUP reads the configuration again, Ctrl-C stops")

    try:
        code: int = serving.serve(load, console.note, announce)
    except import_module("claif_cla.gateway.listening").ListenError as error:
        raise CommandError(str(error)) from error
    if not args.quiet:
        console.note("stopped")
    return code


def _check(load: Callable[[], Config], console: Console) -> int:
    config = load()
    serving = import_module("claif_cla.gateway.serve")
    has_keys = serving.check(config)
    for name, value in _summary(config, has_keys=has_keys).items():
        console.line(f"{name:<10} {value}")
    for doubt in import_module("claif_cla.gateway.config.doubts").doubts(config):
        console.note(doubt)
    return 0


def _summary(config: Config, *, has_keys: bool) -> Mapping[str, Any]:
    """What would be served, in a few lines; no secret in any."""
    needs_keys = import_module("claif_cla.gateway.config").needs_keys(config, has_keys=has_keys)
    server, upstream = config.server, config.upstream
    host = f"[{server.host}]" if ":" in server.host else server.host
    names = ", ".join(account.name for account in config.accounts) or "none"
    roots = dict.fromkeys(account.base_url or upstream.base_url for account in config.accounts)
    where = "the simulator" if upstream.backend == "simulator" else ", ".join(roots)
    return {
        "address": f"http://{host}:{server.port}",
        "upstream": where,
        "accounts": "not needed" if upstream.backend == "simulator" else names,
        "keys": f"{'needed' if needs_keys else 'not needed'}; in {config.keys.file}",
        "ledger": config.ledger.file,
        "limits": "shared in Redis" if config.cluster.redis_url else "of this process",
        "metrics": ("public" if config.metrics.public else "on")
        if config.metrics.enabled
        else "off",
    }
