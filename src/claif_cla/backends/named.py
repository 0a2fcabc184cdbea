"""Backends by name, each imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from claif_cla.backends.base import Backend

__all__ = ["backend_named"]


def _anthropic() -> Backend:
    from claif_cla.backends.http import HttpBackend  # noqa: PLC0415

    return HttpBackend()


def _simulator() -> Backend:
    from claif_cla.backends.simulator import SimulatorBackend  # noqa: PLC0415

    return SimulatorBackend()


_BACKENDS: Mapping[str, Callable[[], Backend]] = {
    "anthropic": _anthropic,
    "simulator": _simulator,
}


def backend_named(name: str) -> Backend:
    """Raises ValueError for an unknown name, listing the known ones."""
    if name not in _BACKENDS:
        known = ", ".join(f"'{known}'" for known in _BACKENDS)
        message = f"unknown backend {name!r}; expected one of {known}, or a Backend object"
        raise ValueError(message)
    return _BACKENDS[name]()
