"""The gateway as a whole: what is made from a configuration."""

from __future__ import annotations

import anyio
import pytest

from claif_cla.gateway.app import build

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
