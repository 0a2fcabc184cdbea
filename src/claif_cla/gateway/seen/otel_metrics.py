"""Metrics by OpenTelemetry's conventions for generative AI: upstream's share, and the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.metrics import Meter

from claif_cla.gateway.seen import genai
from claif_cla.gateway.seen.labels import Labels
from claif_cla.gateway.visit import Visit

__all__ = ["OtelMetrics"]


class OtelMetrics:
    """Records what has ended.

    Args:
        meter: makes the instruments.
        labels: bounds the attributes.
        peer: where upstream is.
    """

    def __init__(self, meter: Meter, labels: Labels, peer: Mapping[str, str | int]) -> None:
        self._labels, self.peer = labels, peer

        def histogram(name: str, unit: str, what: str) -> Any:
            return meter.create_histogram(name, unit, what)

        self._duration = histogram(genai.CLIENT_DURATION, "s", "GenAI operation duration.")
        self._tokens = histogram(
            genai.CLIENT_TOKENS, "{token}", "Number of input and output tokens used."
        )
        self._first_chunk = histogram(
            genai.CLIENT_FIRST_CHUNK, "s", "Time to receive the first chunk."
        )
        self._served = histogram(
            genai.SERVER_DURATION, "s", "Time to the last byte of the gateway's answer."
        )
        self._first_token = histogram(
            genai.SERVER_FIRST_TOKEN, "s", "Time to the first byte of a stream."
        )
        self._token_time = histogram(
            genai.SERVER_TOKEN_TIME, "s", "Time per output token after the first byte."
        )

    def finished(self, visit: Visit, sent_at: float | None) -> None:
        """Record a request that has ended.

        Args:
            visit: of an endpoint that leads upstream; others are not recorded.
            sent_at: when it went upstream, of `time.perf_counter`; None if it never did.
        """
        operation = genai.OPERATIONS.get(visit.endpoint)
        if operation is None:
            return
        attributes = self._attributes(visit, operation)
        ended = visit.ended_at or visit.started_at
        is_good = genai.ERROR_TYPE not in attributes
        self._served.record(ended - visit.started_at, attributes)
        if is_good and visit.streamed:
            self._streamed(visit, ended, attributes)
        if sent_at is None:
            return
        self._duration.record(max(0.0, ended - sent_at), attributes)
        if visit.streamed and visit.first_byte_at is not None:
            self._first_chunk.record(max(0.0, visit.first_byte_at - sent_at), attributes)
        used = genai.usage_of(*visit.usages.values())
        for kind, name in (("input", genai.INPUT_TOKENS), ("output", genai.OUTPUT_TOKENS)):
            if name in used:
                self._tokens.record(used[name], {**attributes, genai.TOKEN_TYPE: kind})

    def _attributes(self, visit: Visit, operation: str) -> dict[str, Any]:
        labels = self._labels
        told: dict[str, Any] = {
            genai.OPERATION: operation,
            genai.PROVIDER: genai.PROVIDER_NAME,
            genai.REQUEST_MODEL: labels.model(visit.model),
            **self.peer,
        }
        for usage in visit.usages.values():
            told[genai.RESPONSE_MODEL] = labels.model(usage.model)
        error = labels.error(visit)
        if error is not None:
            told[genai.ERROR_TYPE] = error
        return told

    def _streamed(self, visit: Visit, ended: float, attributes: Mapping[str, Any]) -> None:
        first = visit.first_byte_at
        if first is None:
            return
        self._first_token.record(first - visit.started_at, attributes)
        tokens = genai.usage_of(*visit.usages.values()).get(genai.OUTPUT_TOKENS, 0)
        if tokens > 1:
            self._token_time.record(max(0.0, ended - first) / (tokens - 1), attributes)
