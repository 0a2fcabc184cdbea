"""What must hold before the gateway listens: no open door unasked for, nothing missing."""

from __future__ import annotations

import os
from importlib.util import find_spec

from claif_cla.gateway.config.problems import ConfigError
from claif_cla.gateway.config.sections import Config
from claif_cla.gateway.doors import is_loopback

__all__ = ["check_exposure", "check_place", "keys_required", "missing_extras", "needs_keys"]


def keys_required(config: Config) -> bool | None:
    """Whether every request needs a key; None: as soon as there is one."""
    if config.keys.required is not None:
        return config.keys.required
    return None if is_loopback(config.server.host) or config.server.insecure else True


def needs_keys(config: Config, *, has_keys: bool) -> bool:
    """Whether a request needs a key.

    Args:
        config: what is served.
        has_keys: whether any key was ever created.
    """
    required = keys_required(config)
    return has_keys if required is None else required


def check_exposure(config: Config, *, has_keys: bool) -> None:
    """Raise where others could reach a gateway that asks for no key.

    Whoever reaches it spends the operator's money. Without any key it would answer nobody, which
    is told now rather than to the first caller.

    Raises:
        ConfigError: says what to do.
    """
    host = config.server.host
    if is_loopback(host) or config.server.insecure:
        return
    problem = None
    if config.keys.required is False:
        problem = (
            f"server.host: others can reach {host}, and `keys.required = false` asks nobody for a"
            " key: leave that out, or say --insecure if it is meant"
        )
    elif not has_keys:
        problem = (
            f"server.host: others can reach {host}, and there are no keys: create one with"
            " `claif-cla keys create`, listen on 127.0.0.1, or say --insecure if it is meant"
        )
    if problem:
        raise ConfigError([problem])


def check_place(config: Config) -> None:
    """Raise where the ledger cannot be written: nothing would be served without one.

    Nothing is made: the folder that is looked at is the nearest that is there.

    Raises:
        ConfigError: says what to do.
    """
    file = config.ledger.file.absolute()
    place = file
    while not os.path.lexists(place):  # a `Path` would raise where it may not look
        place = place.parent
    is_right = place.is_file() if place == file else place.is_dir()
    if not is_right or not os.access(place, os.W_OK):
        problem = f"ledger.file: {file} cannot be written: {place}"
        advice = "is no place for it, or may not be written; change that, or name another file"
        raise ConfigError([f"{problem} {advice}"])


def missing_extras(config: Config) -> None:
    """Raise where the configuration asks for a library that is not installed.

    Raises:
        ConfigError: names the extra for each.
    """
    telemetry = config.telemetry
    wanted = (
        ("cluster.redis_url", config.cluster.redis_url is not None, "redis", "redis"),
        (
            "telemetry",
            telemetry.traces or telemetry.metrics,
            "opentelemetry.exporter.otlp.proto.http",
            "otel",
        ),
    )
    problems = [
        f"{key}: needs a library: pip install 'claif_cla[{extra}]'"
        for key, is_wanted, module, extra in wanted
        if is_wanted and not _is_there(module)
    ]
    if problems:
        raise ConfigError(problems)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package around it is missing
        return False
