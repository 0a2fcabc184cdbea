"""Run the gateway: from the configuration to the socket, and from a signal to an orderly end.

    SIGTERM, SIGINT   no new connections, `/readyz` says 503; running answers go on for at most
                      `drain_seconds`. A second one ends at once.
    SIGHUP            the configuration is read again, for the requests to come. One that is not
                      valid is told, and the old one stays.

uvicorn owns HTTP; signals, sockets and the app's start and end are ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from importlib import import_module
from math import ceil
from socket import socket
from typing import Any, Protocol

import uvicorn
from typing_extensions import override

from claif_cla.gateway.config import (
    Config,
    ConfigError,
    check_exposure,
    check_place,
    missing_extras,
    tls_of,
)
from claif_cla.gateway.connections import SPARE_CONNECTIONS, Bounds, connection_class
from claif_cla.gateway.keys.store import KeyStore, KeyStoreError
from claif_cla.gateway.ledger.tables import LedgerError
from claif_cla.gateway.listening import bound, url_of
from claif_cla.gateway.process import in_a_loop, settle_collector, signals
from claif_cla.wire import json_text

__all__ = ["Service", "any_keys", "check", "serve"]

BACKLOG = 2_048
"""Connections that the kernel holds until they are taken; Linux cuts it to its own `somaxconn`."""
CUT_SECONDS = 5.0
"""For answers that were cut after the drain to reach the ledger, and for the app to close."""
KILLED = 130
"""The exit code after a second signal, as after Ctrl-C."""
_NEED_RESTART = (
    ("server", "host"),
    ("server", "port"),
    ("server", "trusted_proxies"),
    ("upstream", "proxy"),
    ("upstream", "ca_file"),
    ("keys", "file"),
    ("ledger", "file"),
    # The counters stand there; a move in the middle would forget what is spent.
    ("cluster", "redis_url"),
    ("cluster", "prefix"),
    ("cluster", "when_redis_is_down"),
    ("cluster", "timeout_seconds"),
)


class Service(Protocol):
    """What is served: an ASGI 3 application with a beginning and an end."""

    @property
    def in_flight(self) -> int:
        """Requests that are being answered."""

    async def startup(self) -> None: ...

    async def shutdown(self) -> None: ...

    def reload(self, config: Config) -> None:
        """Serve the requests to come by this; called in the event loop."""

    def begin_drain(self) -> None:
        """From now on `/readyz` answers 503."""

    def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
        /,
    ) -> Awaitable[None]: ...


def serve(
    load_config: Callable[[], Config],
    say: Callable[[str], None],
    announce: Callable[[str], None],
    *,
    build: Callable[[Config], Service] | None = None,
    has_keys: Callable[[Config], bool] | None = None,
) -> int:
    """Serve until a signal ends it.

    Args:
        load_config: called at the start, and in a thread on each SIGHUP.
        say: takes notes for the operator, one line each.
        announce: takes the address, once connections are accepted.
        build: makes the application; `claif_cla.gateway.app.build` unless told.
        has_keys: whether there are keys; `any_keys` unless told.

    Returns:
        The exit code: 0, or 130 if a second signal cut the drain.

    Raises:
        ConfigError: the configuration is not usable, or would open the gateway to everyone.
        ListenError: the address cannot be had.
    """
    config = load_config()
    check(config, has_keys)
    json_text.write_with_orjson()
    listeners = bound(config.server.host, config.server.port)
    with contextlib.ExitStack() as closing:
        for listener in listeners:
            closing.callback(listener.close)
        run = _Run(config, load_config, say, announce, has_keys or any_keys)
        return in_a_loop(run.course(build or _build, listeners))


def check(config: Config, has_keys: Callable[[Config], bool] | None = None) -> bool:
    """Raise where the configuration cannot be served as it is.

    Returns:
        Whether there are client keys.

    Raises:
        ConfigError: a library is missing, a file cannot be read or written, or the gateway would be
            open to everyone.
    """
    missing_extras(config)
    check_place(config)
    tls_of(config)
    found = (has_keys or any_keys)(config)
    check_exposure(config, has_keys=found)
    return found


def any_keys(config: Config) -> bool:
    """Whether a client key was ever created; revoking the last one must not open the doors.

    A file that is not there is not made.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        with contextlib.closing(KeyStore(config.keys.file)) as store:
            return bool(store.list())
    except (KeyStoreError, OSError) as error:
        raise ConfigError([f"keys.file: {error}"]) from error


def _build(config: Config) -> Service:
    # Late: it brings every part of the gateway, and `--check` can do without.
    try:
        service: Service = import_module("claif_cla.gateway.app").build(config)
    except LedgerError as error:
        raise ConfigError([f"ledger.file: {error}"]) from error
    return service


class _Server(uvicorn.Server):
    """uvicorn's server without its hands on the signals: it would raise them again at its end.

    Args:
        config: uvicorn's.
        on_open: called once connections are accepted.
    """

    def __init__(self, config: uvicorn.Config, on_open: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_open = on_open

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @override
    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_open()


class _Run:
    """One run, from the first configuration to the end."""

    def __init__(
        self,
        config: Config,
        load_config: Callable[[], Config],
        say: Callable[[str], None],
        announce: Callable[[str], None],
        has_keys: Callable[[Config], bool],
    ) -> None:
        self._config = config
        self._load_config, self._say, self._announce = load_config, say, announce
        self._has_keys = has_keys
        self._bounds = _bounds_of(config)
        self._reloading: asyncio.Task[None] | None = None
        self._reload_again = False
        self._killed = False

    async def course(self, build: Callable[[Config], Service], listeners: list[socket]) -> int:
        """Start, serve, drain, end."""
        self._service = build(self._config)
        http = _uvicorn_config(self._service, self._config, self._bounds)
        url = url_of(self._config.server.host, listeners[0])
        self._server = _Server(http, lambda: self._announce(url))
        try:
            await self._service.startup()
            settle_collector()
            with signals({"SIGINT": self._stop, "SIGTERM": self._stop, "SIGHUP": self._hang_up}):
                await self._server.serve(sockets=listeners)
                await self._cut()
        finally:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._service.shutdown(), CUT_SECONDS)
        return KILLED if self._killed else 0

    async def _cut(self) -> None:
        """End what outlived the drain. It still settles: that is awaited, but not for ever."""
        tasks = set(self._server.server_state.tasks)
        if tasks:
            self._say(f"cut what still ran: {len(tasks)}")
        if self._reloading is not None and not self._reloading.done():
            tasks.add(self._reloading)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CUT_SECONDS)

    # Signals

    def _stop(self) -> None:
        server = self._server
        if not server.should_exit:
            running = self._service.in_flight
            self._service.begin_drain()
            server.should_exit = True
            if running:
                seconds = self._config.server.drain_seconds
                self._say(f"stopping; still running, for at most {seconds:g} seconds: {running}")
            return
        self._killed = server.force_exit = True
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        for task in list(server.server_state.tasks):
            task.cancel()

    def _hang_up(self) -> None:
        if self._reloading is not None and not self._reloading.done():
            self._reload_again = True  # the file may have changed after it was read
            return
        self._reloading = asyncio.get_running_loop().create_task(self._reload())

    async def _reload(self) -> None:
        while True:
            self._reload_again = False
            try:
                config = await asyncio.to_thread(self._checked)
                self._take(config)
            except ConfigError as error:
                for problem in error.problems:
                    self._say(problem)
                self._say("the configuration is not valid; the old one stays")
            except Exception as error:  # noqa: BLE001 - whatever it is, the gateway goes on
                self._say(f"the configuration was not taken: {type(error).__name__}; the old stays")
            if not self._reload_again:
                return

    def _checked(self) -> Config:
        config = self._load_config()
        check(_as_far_as_it_runs(config, self._config), self._has_keys)
        return config

    def _take(self, config: Config) -> None:
        for section, key in _NEED_RESTART:
            if _value(config, section, key) != _value(self._config, section, key):
                self._say(f"{section}.{key} changed; that needs a restart")
        config = _as_far_as_it_runs(config, self._config)
        self._service.reload(config)
        self._config = config
        fresh = _bounds_of(config)
        self._bounds.connections, self._bounds.head_bytes = fresh.connections, fresh.head_bytes
        self._bounds.send_seconds = fresh.send_seconds
        for name, value in _changeable(config).items():
            setattr(self._server.config, name, value)
        self._say("the configuration was read again")


def _value(config: Config, section: str, key: str) -> Any:
    return getattr(getattr(config, section), key)


def _as_far_as_it_runs(config: Config, running: Config) -> Config:
    """The new configuration with what only a restart can change as it is now."""
    changes: dict[str, dict[str, Any]] = {}
    for section, key in _NEED_RESTART:
        changes.setdefault(section, {})[key] = _value(running, section, key)
    sections = {
        name: getattr(config, name).model_copy(update=update) for name, update in changes.items()
    }
    return config.model_copy(update=sections)


# What uvicorn is told


def _bounds_of(config: Config) -> Bounds:
    server = config.server
    return Bounds(server.max_connections, server.max_header_bytes, server.send_seconds)


def _changeable(config: Config) -> dict[str, Any]:
    """What uvicorn's connections and its end read when they need it."""
    server = config.server
    return {
        # The last resort: `_busy` answers before, and says more.
        "limit_concurrency": server.max_connections + SPARE_CONNECTIONS,
        "timeout_keep_alive": ceil(server.keep_alive_seconds),
        "timeout_graceful_shutdown": ceil(server.drain_seconds),
    }


def _uvicorn_config(service: Service, config: Config, bounds: Bounds) -> uvicorn.Config:
    # It tells of every cut answer and odd request, as an error and with a trace. The app's own
    # log has these in one line, and by allow-list.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    proxies = list(config.server.trusted_proxies)
    return uvicorn.Config(
        app=service,
        http=connection_class(bounds),
        interface="asgi3",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        workers=1,
        backlog=BACKLOG,
        **_changeable(config),
    )
