"""The counters of one process."""

from __future__ import annotations

import pytest

from claif_cla.gateway.limits import Limits, Refused, Standing
from gateway.limits.clocks import Claims, Clock, counters

HOUR = 3600


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def claims():
    return Claims()


async def taken(counted, claim):
    verdict = await counted.take(claim)
    assert isinstance(verdict, Standing), verdict
    return verdict


async def refused(counted, claim):
    verdict = await counted.take(claim)
    assert isinstance(verdict, Refused), verdict
    return verdict


async def test_without_limits_all_are_let_in_and_nothing_is_told(clock, claims):
    assert await taken(counters(clock), claims()) == Standing(None, 0.0, None, 0.0)


async def test_a_minute_of_requests_may_be_used_at_once_and_no_more(clock, claims):
    counted, limits = counters(clock), Limits(requests_per_minute=3)
    left = [(await taken(counted, claims(limits))).requests for _ in range(3)]
    assert left == [2, 1, 0]
    verdict = await refused(counted, claims(limits))
    assert (verdict.limit, verdict.wait, verdict.used) == ("requests_per_minute", 20.0, 3)
    assert verdict.standing == Standing(0, 60.0, None, 0.0)


async def test_requests_come_back_evenly(clock, claims):
    counted, limits = counters(clock), Limits(requests_per_minute=3)
    for _ in range(3):
        await taken(counted, claims(limits))
    clock.now += 20
    await taken(counted, claims(limits))
    await refused(counted, claims(limits))


async def test_a_refused_request_takes_nothing_of_any_limit(clock, claims):
    counted = counters(clock)
    limits = Limits(requests_per_minute=10, tokens_per_minute=100, concurrent=2, daily_budget=100)
    await taken(counted, claims(limits, tokens=60, cost=10))
    for _ in range(20):
        await refused(counted, claims(limits, tokens=60, cost=10))
    assert (await taken(counted, claims(limits, tokens=40, cost=10))).requests == 8


async def test_tokens_in_flight_count_as_estimated_and_afterwards_as_used(clock, claims):
    counted, limits = counters(clock), Limits(tokens_per_minute=1000)
    first = claims(limits, tokens=900)
    assert (await taken(counted, first)).tokens == 100
    clock.now += 30  # what is only reserved does not drain
    assert (await refused(counted, claims(limits, tokens=200))).limit == "tokens_per_minute"
    await counted.give(first, 100, 0)
    standing = await taken(counted, claims(limits, tokens=200))
    assert (standing.tokens, standing.tokens_reset) == (700, 18.0)


async def test_more_tokens_than_estimated_are_waited_for(clock, claims):
    counted, limits = counters(clock), Limits(tokens_per_minute=60)
    first = claims(limits, tokens=10)
    await taken(counted, first)
    await counted.give(first, 120, 0)
    assert (await refused(counted, claims(limits, tokens=1))).wait == 61.0
    clock.now += 61
    await taken(counted, claims(limits, tokens=1))


async def test_calls_at_once_are_those_that_have_not_ended(clock, claims):
    counted, limits = counters(clock), Limits(concurrent=1)
    first = claims(limits)
    await taken(counted, first)
    assert (await refused(counted, claims(limits)))[:3] == ("concurrent", 1.0, 1)
    await counted.give(first, 0, 0)
    await taken(counted, claims(limits))


async def test_ending_a_refused_request_frees_nothing(clock, claims):
    counted, limits = counters(clock), Limits(concurrent=1)
    await taken(counted, claims(limits))
    over = claims(limits)
    await refused(counted, over)
    await counted.give(over, 0, 0)
    await refused(counted, claims(limits))


async def test_keys_have_counters_of_their_own(clock, claims):
    counted, limits = counters(clock), Limits(concurrent=1)
    await taken(counted, claims(limits, key_id="one"))
    await taken(counted, claims(limits, key_id="two"))


async def test_a_budget_lets_in_until_it_is_spent(clock, claims):
    counted, limits = counters(clock), Limits(daily_budget=100)
    first = claims(limits, cost=150)
    await taken(counted, first)
    held = await refused(counted, claims(limits, cost=1))
    assert (held.limit, held.wait, held.is_final) == ("daily_budget", 1.0, False)
    await counted.give(first, 0, 99)
    second = claims(limits, cost=1)
    await taken(counted, second)
    await counted.give(second, 0, 1)
    spent = await refused(counted, claims(limits))
    assert (spent.limit, spent.used, spent.is_final) == ("daily_budget", 100, True)
    assert spent.wait == 12 * HOUR


async def test_a_daily_budget_renews_at_midnight_of_utc(clock, claims):
    counted, limits = counters(clock), Limits(daily_budget=100)
    first = claims(limits)
    await taken(counted, first)
    await counted.give(first, 0, 100)
    clock.now += 12 * HOUR - 1
    await refused(counted, claims(limits))
    clock.now += 1
    await taken(counted, claims(limits))


async def test_a_monthly_budget_renews_with_the_month(clock, claims):
    counted, limits = counters(clock), Limits(monthly_budget=100)
    first = claims(limits)
    await taken(counted, first)
    await counted.give(first, 0, 100)
    verdict = await refused(counted, claims(limits))
    assert (verdict.limit, verdict.wait) == ("monthly_budget", 7.5 * 24 * HOUR)
    clock.now += verdict.wait - 1
    await refused(counted, claims(limits))
    clock.now += 1
    await taken(counted, claims(limits))


async def test_a_clock_that_is_set_back_renews_nothing(clock, claims):
    counted, limits = counters(clock), Limits(daily_budget=100)
    first = claims(limits)
    await taken(counted, first)
    await counted.give(first, 0, 100)
    clock.now -= 24 * HOUR
    await refused(counted, claims(limits))


async def test_what_the_ledger_knows_is_spent_after_a_restart(clock, claims):
    counted = counters(clock, {"key": (100, 700)})
    assert (await refused(counted, claims(Limits(daily_budget=100)))).used == 100
    assert (await refused(counted, claims(Limits(monthly_budget=700)))).used == 700


async def test_what_the_ledger_knew_is_of_its_own_day_and_month(clock, claims):
    before, limits = {"key": (100, 700)}, Limits(daily_budget=100, monthly_budget=700)
    counted = counters(clock, before)
    clock.now += 24 * HOUR
    assert (await refused(counted, claims(limits))).limit == "monthly_budget"
    counted = counters(clock, before)
    clock.now += 30 * 24 * HOUR
    await taken(counted, claims(limits))


async def test_new_limits_hold_for_the_next_request(clock, claims):
    counted = counters(clock)
    for _ in range(5):
        await taken(counted, claims(Limits(requests_per_minute=5)))
    await taken(counted, claims(Limits(requests_per_minute=6)))
    await taken(counted, claims(Limits()))
    assert (await refused(counted, claims(Limits(concurrent=3)))).used == 7


async def test_a_limit_of_nothing_lets_nothing_in(clock, claims):
    for name in ("requests_per_minute", "concurrent", "daily_budget", "monthly_budget"):
        assert (await refused(counters(clock), claims(Limits(**{name: 0})))).limit == name


async def test_idle_keys_make_room(clock, claims):
    counted = counters(clock, {"key0": (100, 100)}, max_keys=10)
    limits = Limits(daily_budget=100, tokens_per_minute=1000)
    for number in range(50):
        claim = claims(limits, key_id=f"key{number}")
        await counted.take(claim)
        await counted.give(claim, 10, 0)
        clock.now += 100
    assert len(counted) <= 10
    assert (await refused(counted, claims(limits, key_id="key0"))).is_final


async def test_keys_that_have_spent_money_are_not_forgotten_in_that_month(clock, claims):
    counted, limits = counters(clock, max_keys=3), Limits(monthly_budget=100)
    for number in range(10):
        claim = claims(limits, key_id=f"key{number}")
        await taken(counted, claim)
        await counted.give(claim, 0, 100)
        clock.now += 100
    assert (await refused(counted, claims(limits, key_id="key0"))).is_final
    clock.now += 31 * 24 * HOUR
    for number in range(10):
        await taken(counted, claims(limits, key_id=f"new{number}"))
    assert len(counted) == 10


async def test_busy_keys_are_not_forgotten(clock, claims):
    counted, limits = counters(clock, max_keys=2), Limits(concurrent=1)
    held = [claims(limits, key_id=f"key{number}") for number in range(5)]
    for claim in held:
        await taken(counted, claim)
    clock.now += 1000
    await taken(counted, claims(limits, key_id="new"))
    for claim in held:
        await refused(counted, claims(limits, key_id=claim.key_id))


async def test_keys_that_owe_tokens_are_not_forgotten(clock, claims):
    counted, limits = counters(clock, max_keys=1), Limits(tokens_per_minute=10)
    owing = claims(limits, key_id="owing")
    await taken(counted, owing)
    await counted.give(owing, 100, 0)
    clock.now += 200
    await taken(counted, claims(limits, key_id="new"))
    await refused(counted, claims(limits, key_id="owing", tokens=1))
