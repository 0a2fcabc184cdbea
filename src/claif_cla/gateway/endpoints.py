"""What is served: one table, for the app, the metrics' labels and `/openapi.json`."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ENDPOINTS", "Endpoint", "endpoint_of"]


class Endpoint(NamedTuple):
    """One endpoint.

    Attributes:
        name: as in `Visit.endpoint`.
        method: the one that is taken; `HEAD` is taken where `GET` is.
        path: the whole path; one that ends in `/` has a name behind it.
        summary: for people.
        is_open: whether it is answered without a key.
    """

    name: str
    method: str
    path: str
    summary: str
    is_open: bool = False

    @property
    def has_body(self) -> bool:
        """Whether it takes JSON."""
        return self.method == "POST"


ENDPOINTS = (
    Endpoint("chat", "POST", "/v1/chat/completions", "OpenAI's Chat Completions"),
    Endpoint("messages", "POST", "/v1/messages", "Anthropic's Messages"),
    Endpoint("count_tokens", "POST", "/v1/messages/count_tokens", "Anthropic's count of tokens"),
    Endpoint("models", "GET", "/v1/models", "The models that the key may use"),
    Endpoint("model", "GET", "/v1/models/", "One model"),
    Endpoint("health", "GET", "/healthz", "Whether the process lives", is_open=True),
    Endpoint("ready", "GET", "/readyz", "Whether requests can be answered", is_open=True),
    Endpoint("metrics", "GET", "/metrics", "Metrics for Prometheus"),
    Endpoint("openapi", "GET", "/openapi.json", "This description"),
)
_BY_PATH = {endpoint.path: endpoint for endpoint in ENDPOINTS if not endpoint.path.endswith("/")}
_MODEL = next(endpoint for endpoint in ENDPOINTS if endpoint.name == "model")


def endpoint_of(path: str) -> Endpoint | None:
    """The endpoint at a path, whatever the method; None if there is none."""
    endpoint = _BY_PATH.get(path)
    if endpoint is None and path.startswith(_MODEL.path) and len(path) > len(_MODEL.path):
        return _MODEL
    return endpoint
