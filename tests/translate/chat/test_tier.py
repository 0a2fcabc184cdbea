import pytest

from chat_requests import FOREIGN, NEWEST, OLD, STEADY, plan, planned, receipts, refused

BETA = "fast-mode-2026-02-01"
QUICK = [(NEWEST, None), (STEADY, BETA)]


def test_auto_is_the_default_of_both():
    assert "service_tier" not in planned(service_tier="auto")
    assert receipts(service_tier="auto") == []


@pytest.mark.parametrize("tier", ["default", "standard_only"])
def test_the_standard_tier_is_asked_for(tier):
    assert planned(service_tier=tier)["service_tier"] == "standard_only"
    assert receipts(service_tier=tier) == []


@pytest.mark.parametrize("asking", [{"service_tier": "priority"}, {"service_tier": "fast"}])
@pytest.mark.parametrize(("model", "beta"), QUICK)
def test_a_faster_tier_is_fast_mode_where_the_model_has_one(asking, model, beta):
    made = plan(model=model, settings={"compat": "strict"}, **asking)
    assert made.body["speed"] == "fast"
    assert "service_tier" not in made.body
    assert made.headers.get("anthropic-beta") == beta


@pytest.mark.parametrize("tier", ["priority", "fast"])
@pytest.mark.parametrize("model", [OLD, FOREIGN])
def test_a_faster_tier_is_dropped_where_the_model_has_no_fast_mode(tier, model):
    assert {"speed", "service_tier"}.isdisjoint(planned(model=model, service_tier=tier))
    assert receipts(model=model, service_tier=tier) == [("service_tier", "dropped")]


@pytest.mark.parametrize("tier", ["flex", "scale"])
def test_other_tiers_are_dropped_with_a_receipt(tier):
    assert "service_tier" not in planned(service_tier=tier)
    assert receipts(service_tier=tier) == [("service_tier", "dropped")]


@pytest.mark.parametrize("tier", ["turbo", 5])
def test_an_unknown_tier_is_refused(tier):
    assert refused(service_tier=tier).param == "service_tier"


# Anthropic's own `speed`


@pytest.mark.parametrize(("model", "beta"), [*QUICK, (FOREIGN, None)])
def test_fast_mode_brings_the_beta_that_the_model_needs(model, beta):
    made = plan(model=model, speed="fast")
    assert made.body["speed"] == "fast"
    assert made.headers.get("anthropic-beta") == beta


def test_fast_mode_is_dropped_where_the_model_has_none():
    assert "speed" not in planned(model=OLD, speed="fast")
    assert receipts(model=OLD, speed="fast") == [("speed", "dropped")]


def test_one_receipt_is_enough_for_both_spellings():
    asking = {"model": OLD, "speed": "fast", "service_tier": "fast"}
    assert receipts(**asking) == [("speed", "dropped")]


@pytest.mark.parametrize("model", [NEWEST, STEADY, OLD])
def test_standard_speed_is_the_default_and_is_left_out(model):
    # Some models take no `speed` of any value without a beta.
    made = plan(model=model, speed="standard", settings={"compat": "strict"})
    assert "speed" not in made.body
    assert "anthropic-beta" not in made.headers


def test_another_makers_server_gets_the_speed_as_given():
    assert planned(model=FOREIGN, speed="standard")["speed"] == "standard"


def test_a_native_speed_wins_over_the_tier():
    assert "speed" not in planned(speed="standard", service_tier="fast")


def test_an_unknown_speed_is_refused():
    assert refused(speed="ludicrous").param == "speed"
