"""The whole gateway: its parts made from a configuration, its beginning and its end."""

from __future__ import annotations

import asyncio
import logging
import time

from claif_cla.backends.http import HttpBackend
from claif_cla.gateway.config import Config, keys_required
from claif_cla.gateway.course import Gateway
from claif_cla.gateway.gate import Gate
from claif_cla.gateway.keys import KeyRing, KeyStore
from claif_cla.gateway.ledger import Ledger
from claif_cla.gateway.limits import counters_of
from claif_cla.gateway.money import Prices
from claif_cla.gateway.parts import Memories, Parts, choosing_of, settings_of
from claif_cla.gateway.seen import Seen
from claif_cla.gateway.upstream import Upstream
from claif_cla.model_lessons import ModelLessons

__all__ = ["App", "build"]

_LOG = logging.getLogger("claif_cla.gateway")


def build(config: Config) -> App:
    """The gateway of a configuration, not started.

    Raises:
        KeyStoreError, LedgerError: a file of the configuration cannot be used.
    """
    ring = KeyRing(KeyStore(config.keys.file), required=keys_required(config))
    ledger = Ledger(config.ledger.file, keep_days=config.ledger.keep_days)
    counters = counters_of(config.cluster, ledger.spent(time.time()), config.ledger.file)
    gate = Gate(ring, counters, _prices(config), ledger, config)
    lessons = ModelLessons()
    settings = settings_of(config, lessons, official=_is_official(config))
    parts = Parts(
        config,
        gate,
        Upstream(config),
        Seen(config),
        choosing_of(config, official=_is_official(config)),
        settings,
        Memories(settings) if config.chat.thinking_memory else None,
    )
    return App(parts, ring, ledger, lessons)


def _is_official(config: Config) -> bool:
    """Whether retired models are gone: on Anthropic's own API, which the simulator stands for."""
    upstream = config.upstream
    if upstream.backend == "simulator":
        return True
    roots = [account.base_url or upstream.base_url for account in config.accounts]
    return all(map(HttpBackend().is_official, roots))


def _prices(config: Config) -> Prices:
    named = {
        model: {str(kind): price for kind, price in kinds.items()}
        for model, kinds in config.prices.items()
    }
    return Prices(named)


class App(Gateway):
    """See the module; `build` makes one.

    Args:
        parts: what requests are served with.
        ring: of the keys.
        ledger: of the costs.
        lessons: what upstream has corrected.
    """

    def __init__(self, parts: Parts, ring: KeyRing, ledger: Ledger, lessons: ModelLessons) -> None:
        super().__init__(parts)
        self._ring, self._ledger, self._lessons = ring, ledger, lessons
        gauge = parts.seen.metrics.gauge
        gauge("requests_in_flight", "Requests that are being served.", lambda: self.in_flight)
        gauge("requests_queued", "Requests that wait for a place.", lambda: self.room.waiting)
        gauge("bodies_bytes", "Bodies over 64 KB that are served.", lambda: self.bodies.taken)
        gauge("bodies_queued", "Bodies that wait to be read.", lambda: self.bodies.waiting)
        gauge("ledger_waiting", "Entries that no file has yet.", lambda: ledger.waiting)
        gauge("ledger_dropped", "Entries that were lost to a full disk.", lambda: ledger.dropped)
        gauge(
            "keys_unread_seconds",
            "For how long the keys could not be read; what is revoked meanwhile still opens.",
            lambda: ring.unread_seconds,
        )
        parts.seen.gauges(
            "account_cooling",
            "Whether an account is left alone for a while.",
            "account",
            parts.upstream.accounts_state,
        )

    async def startup(self) -> None:
        """Tell Redis what the ledger knows. Upstream's connections are made when used."""
        self.parts.gate.start()

    async def shutdown(self) -> None:
        """Let go of connections and files; what waits is written first, within a bound."""
        await self.parts.upstream.close()
        await self.parts.gate.close()
        await asyncio.to_thread(self._ledger.close)
        await asyncio.to_thread(self.parts.seen.close)
        self._ring.close()

    def reload(self, config: Config) -> None:
        """Serve the requests to come by another configuration; those that run go on as they are.

        Raises:
            ValueError: it needs a restart; nothing has changed then.
        """
        parts = self.parts
        parts.upstream.replace(config)
        self._ring.require(keys_required(config))
        parts.gate.reload(config, _prices(config))
        parts.seen.reload(config)
        official = _is_official(config)
        settings = settings_of(config, self._lessons, official=official)
        memories = parts.memories if config.chat.thinking_memory else None
        if memories is not None:
            memories.change(settings)
        elif config.chat.thinking_memory:
            memories = Memories(settings)
        choosing = choosing_of(config, official=official)
        self.replace(
            Parts(config, parts.gate, parts.upstream, parts.seen, choosing, settings, memories)
        )

    def begin_drain(self) -> None:
        """From now on `/readyz` says that this process is about to end."""
        self.is_draining = True
