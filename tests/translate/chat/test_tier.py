import pytest

from chat_requests import planned, receipts, refused


def test_auto_is_the_default_of_both():
    assert "service_tier" not in planned(service_tier="auto")
    assert receipts(service_tier="auto") == []


@pytest.mark.parametrize("tier", ["default", "standard_only"])
def test_the_standard_tier_is_asked_for(tier):
    assert planned(service_tier=tier)["service_tier"] == "standard_only"
    assert receipts(service_tier=tier) == []


@pytest.mark.parametrize("tier", ["flex", "scale", "priority", "fast"])
def test_other_tiers_are_dropped_with_a_receipt(tier):
    assert "service_tier" not in planned(service_tier=tier)
    assert receipts(service_tier=tier) == [("service_tier", "dropped")]


@pytest.mark.parametrize("tier", ["turbo", 5])
def test_an_unknown_tier_is_refused(tier):
    assert refused(service_tier=tier).param == "service_tier"
