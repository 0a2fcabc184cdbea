"""Metrics, log and traces for one visit after another. A failure in here ends no request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from claif_cla.gateway.seen.access_log import AccessLog
from claif_cla.gateway.seen.metrics import Metrics
from claif_cla.gateway.visit import Visit

if TYPE_CHECKING:
    from claif_cla.gateway.config import Config

__all__ = ["Seen"]

_LOG = logging.getLogger("claif_cla.gateway")


class Seen:
    """See the module.

    Args:
        config: its `log`, `metrics` and `telemetry`.
        write: takes the access log's text; standard error unless told.
    """

    def __init__(self, config: Config, write: Callable[[str], object] | None = None) -> None:
        self.metrics = Metrics()
        self._write = write
        self._failed = False
        self._log: AccessLog | None = None
        self._tracing: Any = None
        self.reload(config)
        self.metrics.gauge("log_lines_dropped", "Lines that nobody read in time.", self._dropped)

    def reload(self, config: Config) -> None:
        """Take another configuration; what waits to be written is written as before."""
        if self._log is not None:
            self._log.close()
        self._log = AccessLog(config.log.format, self._write) if config.log.access else None
        telemetry = config.telemetry
        if self._tracing is None and (telemetry.traces or telemetry.metrics):
            from claif_cla.gateway.seen.tracing import Tracing  # noqa: PLC0415 - an extra

            self._tracing = Tracing(telemetry)

    def _dropped(self) -> float:
        return float(self._log.dropped if self._log is not None else 0)

    def started(self, visit: Visit, headers: Mapping[str, str]) -> None:
        """A request has come.

        Args:
            visit: with its endpoint.
            headers: of the request; only the context of a trace is read.
        """
        if self._tracing is not None:
            self._guarded(self._tracing.started, visit, headers)

    def upstream_headers(self, visit: Visit) -> dict[str, str]:
        """The context of the trace, for upstream; nothing without traces."""
        if self._tracing is None:
            return {}
        told: dict[str, str] = self._guarded(self._tracing.upstream_headers, visit) or {}
        return told

    def finished(self, visit: Visit) -> None:
        """A request has ended."""
        self._guarded(self.metrics.finished, visit)
        if self._log is not None:
            self._guarded(self._log.add, visit)
        if self._tracing is not None:
            self._guarded(self._tracing.finished, visit)

    def metrics_page(self) -> tuple[bytes, str]:
        """What Prometheus reads, and its content type."""
        return self.metrics.page()

    def close(self) -> None:
        """Write and send what waits, within a bound."""
        if self._log is not None:
            self._guarded(self._log.close)
        if self._tracing is not None:
            self._guarded(self._tracing.close)

    def _guarded(self, tell: Callable[..., Any], *facts: Any) -> Any:
        try:
            return tell(*facts)
        except Exception:  # noqa: BLE001 - see the module
            if not self._failed:  # once: it would be told for each request
                self._failed = True
                _LOG.exception("what was seen of a request could not be told")
            return None
