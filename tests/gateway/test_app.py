"""The gateway as a whole: what is made from a configuration."""

from __future__ import annotations

import anyio
import pytest

from claif_cla.gateway.app import build
from gateway.asgi import Connection

OFFICIAL = "https://api.anthropic.com"


def official_of(config):
    app = build(config)
    anyio.run(app.shutdown)
    return app.parts.translation.official


@pytest.mark.parametrize(
    ("roots", "official"),
    [
        ([OFFICIAL], True),
        (["https://API.anthropic.com/"], True),
        (["https://api.anthropic.com.example"], False),
        (["https://proxy.example/api.anthropic.com"], False),
        ([OFFICIAL, "https://proxy.example"], False),
    ],
)
def test_retired_models_are_gone_only_where_every_account_is_at_anthropic(
    config_of, roots, official
):
    accounts = {f"account{at}": root for at, root in enumerate(roots)}
    assert official_of(config_of(None, **accounts)) is official


def test_the_simulator_stands_for_anthropic(config_of):
    assert official_of(config_of({"upstream.backend": "simulator"}))


def test_the_keys_file_is_let_go_of_at_the_end(config_of, keys):
    keys.create("alice")
    app = build(config_of({"upstream.backend": "simulator"}))
    anyio.run(app.shutdown)
    assert app._ring._store._file._reader is None


def status_of(config, path, host):
    """Of the answer to a GET, of a gateway that does not listen."""

    async def ask():
        app, connection = build(config), Connection(b"")
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b""}
        scope |= {"headers": [(b"host", host)], "client": ("127.0.0.1", 1)}
        await app.startup()
        try:
            await app(scope, connection.receive, connection.send)
        finally:
            await app.shutdown()
        return connection.status

    return anyio.run(ask)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_from_elsewhere_is_answered_under_any_name(config_of, path):
    """Kubernetes probes by the pod's address, Docker by 127.0.0.1: no names to allow."""
    allowed = {"server.allowed_hosts": ["claude.example"], "server.insecure": True}
    config = config_of({"upstream.backend": "simulator", "server.host": "0.0.0.0", **allowed})
    assert status_of(config, path, b"10.1.2.3:8790") == 200
    assert status_of(config, "/v1/models", b"10.1.2.3:8790") == 403
