from __future__ import annotations

import pytest

from claif_cla.gateway.endpoints import ENDPOINTS, endpoint_of
from claif_cla.gateway.openapi import document


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_each_endpoint_is_found_at_its_path_and_described(endpoint):
    path = endpoint.path + ("x" if endpoint.path.endswith("/") else "")
    assert endpoint_of(path) is endpoint
    described = endpoint.path + ("{model}" if endpoint.path.endswith("/") else "")
    operation = document()["paths"][described][endpoint.method.lower()]
    assert operation["operationId"] == endpoint.name
    assert (operation["security"] == []) is endpoint.is_open


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v1",
        "/v1/",
        "/v1/models/",
        "//v1/models",
        "/v1/chat/completions/",
        "/V1/models",
        "/v1/embeddings",
        "/v1/messages/batches",
        "/healthz/",
    ],
)
def test_nothing_else_is_served(path):
    assert endpoint_of(path) is None


def test_only_health_needs_no_key():
    assert {endpoint.name for endpoint in ENDPOINTS if endpoint.is_open} == {"health", "ready"}
