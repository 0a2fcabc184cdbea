from __future__ import annotations

from typing import get_args

from claif_cla.catalog.model_info import all_models
from claif_cla.gateway.config.known import known_keys, variables
from claif_cla.gateway.config.reference import reference
from claif_cla.gateway.config.sections import PriceKind


def test_every_key_has_a_row_and_a_meaning():
    rows = [line.strip("| ").split(" | ") for line in reference().splitlines()[2:]]
    assert [row[0] for row in rows] == [f"`{key.name}`" for key in known_keys()]
    assert all(len(row) == 5 and row[4].endswith(".") for row in rows)


def test_variables_are_named_after_their_keys():
    assert variables()["CLAIF_CLA_GATEWAY_SERVER__PORT"].name == "server.port"
    assert variables()["CLAIF_CLA_GATEWAY_PRICES"].name == "prices"
    assert not any("ACCOUNTS__" in name for name in variables())


def test_defaults_and_ranges_are_those_of_the_code():
    assert "| `server.port` | integer, 0 to 65535 | `8790` |" in reference()
    assert "| `server.queue_seconds` | number, above 0, to 86400 | `10` |" in reference()
    assert "| `accounts[].name` | text | must be given | – |" in reference()
    assert "| `keys.file` | path | `keys.db` in the state directory |" in reference()
    assert '| `log.format` | `json`, `text` | `"json"` |' in reference()


def test_the_kinds_of_tokens_are_those_of_the_catalogue():
    priced = {kind for model in all_models() for kind in model.prices}
    assert priced == set(get_args(PriceKind))
