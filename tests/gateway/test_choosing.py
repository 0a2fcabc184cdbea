from __future__ import annotations

import pytest

from claif_cla.catalog.model_info import newest_of_line
from claif_cla.errors import Refusal
from claif_cla.gateway.choosing import Choice, Choosing
from claif_cla.gateway.denial import Denial

SONNET, OPUS, HAIKU = (newest_of_line(line).id for line in ("sonnet", "opus", "haiku"))


@pytest.mark.parametrize(
    ("name", "model"), [(None, SONNET), ("opus", OPUS), (OPUS, OPUS), ("gpt-4o", HAIKU)]
)
def test_a_name_means_a_model(name, model):
    choosing = Choosing(aliases={"gpt-4o": HAIKU})
    assert choosing.choice(name) == Choice(model, ())


def test_the_default_is_configured():
    assert Choosing(default="opus").choice(None).model == OPUS


def test_only_what_is_allowed_is_served():
    choosing = Choosing(allow=["claude-sonnet-*"], aliases={"mine": SONNET})
    assert choosing.choice("mine").model == SONNET
    with pytest.raises(Denial) as caught:
        choosing.choice("opus")
    assert (caught.value.status, caught.value.param) == (403, "model")


def test_what_is_denied_is_not_served_by_any_name():
    choosing = Choosing(deny=["claude-opus-*", "secret"], aliases={"secret": SONNET, "o": OPUS})
    for name in ("opus", "o", OPUS, "secret"):
        with pytest.raises(Denial):
            choosing.choice(name)
    assert choosing.choice(SONNET).model == SONNET


def test_fallbacks_are_found_by_name_and_by_model_and_are_allowed_themselves():
    choosing = Choosing(
        fallbacks={"opus": ["sonnet", "haiku"], SONNET: ["haiku"]}, deny=["claude-haiku-*"]
    )
    assert choosing.choice("opus").then == ("sonnet",)
    assert choosing.choice(OPUS).then == ()
    assert choosing.choice(SONNET).then == ()


@pytest.mark.parametrize("name", [3, [], {}, True, ""])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(Refusal) as caught:
        Choosing().choice(name)
    assert caught.value.param == "model"
