"""Metrics, log and traces for one visit after another. A failure in here ends no request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from claif_cla.gateway.seen.access_log import AccessLog
from claif_cla.gateway.seen.ended import Ended
from claif_cla.gateway.seen.labels import Labels
from claif_cla.gateway.seen.line_writer import LineWriter
from claif_cla.gateway.seen.metrics import Metrics
from claif_cla.gateway.seen.redaction import Redactor, secrets_of
from claif_cla.gateway.visit import Visit

if TYPE_CHECKING:
    from claif_cla.gateway.config import Config
    from claif_cla.gateway.seen.tracing import Tracing

__all__ = ["Seen"]

_LOG = logging.getLogger("claif_cla.gateway")


class Seen:
    """See the module.

    Args:
        config: its `log`, `metrics` and `telemetry`; what else it names bounds the labels, and its
            secrets are blotted out wherever they turn up.
        write: takes the access log's bytes, in a thread of its own; standard error unless given.
        tracing_of: makes what exports by OpenTelemetry; by the configuration unless given.

    Raises:
        ImportError: OpenTelemetry is asked for and not installed; the message names the extra.
    """

    def __init__(
        self,
        config: Config,
        write: Callable[[bytes], object] | None = None,
        tracing_of: Callable[[Config, Redactor, Labels], Tracing] | None = None,
    ) -> None:
        # Read by name: older configurations have no such key.
        self.metrics = Metrics(config, per_key=getattr(config.metrics, "per_key", False))
        self._lines = LineWriter(write)
        self._ended = Ended(self._told)
        self._failed: set[Any] = set()
        self._tracing_of = tracing_of or _tracing
        self._tracing: Tracing | None = None
        self._configure(config)
        self._telemetry = config.telemetry
        if _is_exported(config):
            self._tracing = self._traced(config)
        self.gauge("log_lines_dropped", "Lines without room or reader.", self._dropped)

    def _configure(self, config: Config) -> None:
        self._clean = Redactor(secrets_of(config))
        self._counts = config.metrics.enabled
        log = config.log
        self._log = AccessLog(log.format, self._lines.add, self._clean) if log.access else None

    def _traced(self, config: Config) -> Tracing:
        tracing = self._tracing_of(config, self._clean, self.metrics.labels)
        tracing.guard = self._guarded
        return tracing

    def _dropped(self) -> float:
        return float(self._lines.dropped)

    def reload(self, config: Config) -> None:
        """Serve by another configuration. What has been counted stays, what waits is written.

        Never raises: what cannot be had (a library that is missing) is told in the log, and the
        gateway goes on as before.
        """
        self._ended.flush()
        self._guarded(self.metrics.labels.configure, config)
        self._guarded(self._configure, config)
        self._guarded(self._retrace, config)

    def _retrace(self, config: Config) -> None:
        if config.telemetry == self._telemetry:
            if self._tracing is not None:
                self._tracing.configure(config, self._clean)
            return
        renewed: Tracing | None = None
        try:
            if _is_exported(config):
                renewed = self._traced(config)
        except ImportError as error:
            _LOG.error("telemetry stays as it was: %s", error)
            return
        earlier, self._tracing = self._tracing, renewed
        self._telemetry = config.telemetry
        if earlier is not None:  # it may wait for its collector
            threading.Thread(target=earlier.close, name="telemetry-end", daemon=True).start()

    def gauge(self, name: str, what: str, value: Callable[[], float]) -> None:
        """See `Metrics.gauge`."""
        self.metrics.gauge(name, what, value)

    def gauges(
        self, name: str, what: str, label: str, values: Callable[[], Iterable[tuple[str, float]]]
    ) -> None:
        """See `Metrics.gauges`."""
        self.metrics.gauges(name, what, label, values)

    def started(self, visit: Visit, headers: Mapping[str, str]) -> None:
        """A request has come.

        Args:
            visit: with its endpoint.
            headers: of the request, lower-case names; only the context of a trace is read.
        """
        if self._tracing is not None:
            self._guarded(self._tracing.started, visit, headers)

    def content(self, visit: Visit, request: Any, answer: Any = None) -> None:
        """Prompt and answer, for the trace; nothing unless `telemetry.content` is set.

        Args:
            visit: after it went upstream, before `finished`.
            request: the JSON of the body, of either API.
            answer: the JSON of a whole answer; None for a stream.
        """
        if self._tracing is not None:
            self._guarded(self._tracing.content, visit, request, answer)

    def finished(self, visit: Visit) -> None:
        """A request has ended. Metrics and log are told of it soon, together with others."""
        if self._tracing is not None:
            self._guarded(self._tracing.finished, visit)
        self._ended.add(visit)

    def _told(self, visit: Visit) -> None:
        if self._counts:
            self._guarded(self.metrics.finished, visit)
        if self._log is not None:
            self._guarded(self._log.told, visit)

    def metrics_page(self, accept: str = "") -> tuple[bytes, str]:
        """What Prometheus reads, and its content type.

        Args:
            accept: the request's header.
        """
        self._ended.flush()
        return self.metrics.page(accept)

    def close(self) -> None:
        """Write and send what waits, within a bound of seconds."""
        self._ended.flush()
        self._guarded(self._lines.close)
        if self._tracing is not None:
            self._guarded(self._tracing.close)

    def _guarded(self, tell: Callable[..., Any], *facts: Any) -> Any:
        try:
            return tell(*facts)
        except Exception as error:  # noqa: BLE001 - see the module
            self._tell_once(tell, error)
            return None

    def _tell_once(self, tell: Callable[..., Any], error: Exception) -> None:
        """Tell of a failure, once for each kind: it would be told for each request.

        Not its message, which may quote what a caller has sent.
        """
        kind = (getattr(tell, "__qualname__", ""), type(error).__name__)
        if kind in self._failed:
            return
        self._failed.add(kind)
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        line = where.tb_lineno if where is not None else 0
        name = where.tb_frame.f_code.co_filename.replace("\\", "/") if where is not None else ""
        short = name.rpartition("/")[2]
        _LOG.error("what was seen could not be told: %s %s (%s:%d)", *kind, short, line)


def _is_exported(config: Config) -> bool:
    return config.telemetry.traces or config.telemetry.metrics


def _tracing(config: Config, clean: Redactor, labels: Labels) -> Tracing:
    try:
        from claif_cla.gateway.seen.tracing import Tracing  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = "telemetry needs a library: pip install 'claif_cla[otel]'"
        raise ImportError(message) from error
    return Tracing(config, clean, labels)
