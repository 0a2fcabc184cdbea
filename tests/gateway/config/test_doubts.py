from __future__ import annotations

import pytest

from claif_cla.gateway.config import Config
from claif_cla.gateway.config.doubts import doubts

SLIPS = {
    "default": ({"default": "sonet"}, "models.default: `sonet`", "`sonnet`"),
    "alias": ({"aliases": {"mine": "snnet"}}, "models.aliases.mine: `snnet`", "`sonnet`"),
    "fallback": (
        {"fallbacks": {"opus": ["haiku", "hiku"]}},
        "models.fallbacks.opus: `hiku`",
        "`haiku`",
    ),
    "who falls back": ({"fallbacks": {"opsu": ["haiku"]}}, "models.fallbacks: `opsu`", "`opus`"),
    "own alias": (
        {"aliases": {"house-model": "opus"}, "default": "house-modle"},
        "models.default: `house-modle`",
        "`house-model`",
    ),
}


@pytest.mark.parametrize(("models", "place", "meant"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_told_with_its_place_and_what_was_meant(models, place, meant):
    (doubt,) = doubts(Config(models=models))
    assert doubt.startswith(place)
    assert doubt.endswith(f"did you mean {meant}?")


@pytest.mark.parametrize(
    "name", ["sonnet", "claude-opus-5-5", "claude-sonnet-5-5-20261101", "llama-3.3-70b", "mine"]
)
def test_what_may_well_be_meant_raises_no_doubt(name):
    models = {"default": name, "aliases": {"mine": "opus"}, "fallbacks": {name: [name]}}
    assert doubts(Config(models=models)) == []
