"""Counters that several replicas share."""

from __future__ import annotations

import asyncio
import builtins
import logging
import re
import time
from datetime import datetime, timezone
from importlib import import_module

import pytest

from claif_cla.gateway.limits import InProcessCounters, Limits, Refused, Standing, scripts
from claif_cla.gateway.limits.counters import day_of, month_of
from claif_cla.gateway.limits.redis_counters import RENEW_SECONDS, RedisCounters
from claif_cla.gateway.limits.redis_line import Away, RedisLine
from claif_cla.gateway.limits.redis_memory import SETTLE_SECONDS
from gateway.limits.clocks import NOON, Claims, Clock, counters

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def replica(redis_server, clock):
    """Makes replicas of one cluster, each with a ledger of its own."""
    made = []

    def new(ledger_id="one", *, url=None, sums=(0, 0), **options):
        options = {"monotonic": clock, "redis_time": clock, "timeout": 20.0, **options}
        local = counters(clock, {"key": sums})
        made.append(RedisCounters(url or redis_server.url, local, ledger_id=ledger_id, **options))
        return made[-1]

    yield new
    for counted in made:
        await counted.close()


@pytest.fixture
async def redis(redis_server):
    async with import_module("redis.asyncio").Redis.from_url(redis_server.url) as client:
        yield client


@pytest.fixture
async def settled(replica):
    """A Redis that has a memory."""
    await replica("earlier")._remind()


async def taken(counted, claim):
    verdict = await counted.take(claim)
    assert isinstance(verdict, Standing), verdict
    return verdict


async def refused(counted, claim):
    verdict = await counted.take(claim)
    assert isinstance(verdict, Refused), verdict
    return verdict


async def test_replicas_share_every_limit(replica):
    one, two, claims = replica("one"), replica("two"), Claims()
    for limits in (Limits(requests_per_minute=1), Limits(concurrent=1),
                   Limits(tokens_per_minute=10), Limits(daily_budget=1)):  # fmt: skip
        key_id = str(limits)
        await taken(one, claims(limits, tokens=10, cost=1, key_id=key_id))
        await refused(two, claims(limits, tokens=10, cost=1, key_id=key_id))


async def test_what_one_replica_spends_is_spent_for_all(replica):
    one, two, claims = replica("one"), replica("two"), Claims()
    limits = Limits(daily_budget=100)
    claim = claims(limits)
    await taken(one, claim)
    await one.give(claim, 0, 60)
    claim = claims(limits)
    await taken(two, claim)
    await two.give(claim, 0, 40)
    for counted in (one, two):
        verdict = await refused(counted, claims(limits))
        assert (verdict.limit, verdict.used, verdict.is_final) == ("daily_budget", 100, True)


async def test_budgets_begin_with_the_sums_of_all_ledgers(replica, settled):
    limits, claims = Limits(daily_budget=100), Claims()
    await taken(replica("one", sums=(60, 60)), claims(limits))
    assert (await refused(replica("two", sums=(50, 50)), claims(limits))).used == 110


async def test_a_replica_that_starts_again_tells_nothing_twice(replica, settled):
    limits, claims = Limits(daily_budget=100), Claims()
    for _ in range(3):
        await taken(replica("one", sums=(60, 60)), claims(limits))


async def test_a_replica_that_lost_its_ledger_goes_on_from_what_redis_knows(replica, settled):
    limits, claims = Limits(daily_budget=100), Claims()
    await taken(replica("one", sums=(60, 60)), claims(limits))
    again = replica("one", sums=(0, 0))
    claim = claims(limits)
    await taken(again, claim)
    await again.give(claim, 0, 40)
    assert (await refused(again, claims(limits))).used == 100


async def test_ending_a_call_twice_charges_it_once(replica):
    one, claims = replica(), Claims()
    limits = Limits(tokens_per_minute=100, concurrent=3, daily_budget=100)
    first, second = claims(limits, tokens=10, cost=10), claims(limits, tokens=10, cost=10)
    await taken(one, first)
    await taken(one, second)
    await one.give(first, 30, 30)
    await one._told(first, 30)
    await one._told(first, 30)
    standing = await taken(one, claims(limits))
    assert standing.tokens == 100 - 30 - 10
    await taken(one, claims(limits))
    assert (await refused(one, claims(limits))).used == 3


async def test_calls_of_a_dead_replica_are_free_again_after_their_lease(replica, clock):
    limits, claims = Limits(concurrent=1, daily_budget=10, tokens_per_minute=10), Claims()
    await taken(replica("dead"), claims(limits, tokens=10, cost=10))
    alive = replica("alive")
    await refused(alive, claims(limits, tokens=10, cost=10))
    clock.now += 60
    assert (await taken(alive, claims(limits, tokens=10, cost=10))).tokens == 0


async def test_reservations_whose_calls_are_forgotten_are_free_again(replica, redis):
    one, claims = replica(), Claims()
    limits = Limits(tokens_per_minute=10, daily_budget=10)
    await taken(one, claims(limits, tokens=10, cost=10))
    await redis.delete("claif:{key}:calls", "claif:{key}:held")
    await taken(one, claims(limits, tokens=10, cost=10))


async def test_long_calls_renew_their_lease(replica, clock):
    one, limits, claims = replica(), Limits(concurrent=1), Claims()
    claim = claims(limits)
    await taken(one, claim)
    for _ in range(10):
        clock.now += RENEW_SECONDS
        await one._renew()
    await refused(one, claims(limits))
    await one.give(claim, 0, 0)
    await taken(one, claims(limits))


async def test_a_call_that_ends_while_its_lease_is_renewed_does_not_stay(replica, clock):
    one, limits, claims = replica(), Limits(concurrent=1), Claims()
    claim = claims(limits)
    await taken(one, claim)
    clock.now += RENEW_SECONDS
    run, script_of = one._line.run, []

    async def late(script, keys, args):
        script_of.append(script)
        if len(script_of) == 1:
            await one.give(claim, 0, 0)
        return await run(script, keys, args)

    one._line.run = late
    await one._renew()
    await taken(one, claims(limits))


async def test_a_redis_that_forgot_is_told_all_again_before_it_is_asked(replica, redis, clock):
    claims, limits = Claims(), Limits(daily_budget=100)
    silent, other = replica("silent"), replica("other")
    claim = claims(limits)
    await taken(other, claims(limits))
    await taken(silent, claim)
    await silent.give(claim, 0, 100)
    await silent._remind()
    await redis.flushall()
    assert (await refused(other, claims(limits))).limit == "unavailable"
    await silent._remind()
    assert (await refused(other, claims(limits))).limit == "unavailable"
    clock.now += SETTLE_SECONDS
    assert (await refused(other, claims(limits))).limit == "daily_budget"


async def spent(counted, claim, cost):
    await taken(counted, claim)
    await counted.give(claim, 0, cost)


async def test_a_redis_that_forgot_lets_nobody_in_by_who_never_asked_of_the_key(
    replica, redis, clock
):
    claims, limits = Claims(), Limits(daily_budget=100)
    one, two, new = replica("one"), replica("two"), replica("new")
    await spent(one, claims(limits), 60)
    await spent(two, claims(limits), 40)
    await taken(new, claims(limits, key_id="another"))
    await redis.flushall()
    assert (await refused(new, claims(limits))).limit == "unavailable"
    await one._remind()
    await two._remind()
    clock.now += SETTLE_SECONDS
    assert (await refused(new, claims(limits))).used == 100


async def test_a_redis_that_was_told_by_some_is_not_asked_by_who_has_not_noticed(replica, redis):
    claims, limits = Claims(), Limits(daily_budget=100)
    first, asking, silent = replica("first"), replica("asking"), replica("silent")
    for counted, cost in ((first, 1), (asking, 1), (silent, 98)):
        await spent(counted, claims(limits), cost)
    running = claims(limits, key_id="other")
    await taken(asking, running)
    await redis.flushall()
    await first._remind()
    await asking.give(running, 0, 1)  # what ends meanwhile makes no key known
    for key_id in ("key", "other"):
        assert (await refused(asking, claims(limits, key_id=key_id))).limit == "unavailable"


async def test_who_starts_while_redis_is_told_again_waits_as_well(replica, redis, clock):
    claims, limits = Claims(), Limits(daily_budget=100)
    first, silent = replica("first"), replica("silent")
    await spent(first, claims(limits), 1)
    await spent(silent, claims(limits), 99)
    await redis.flushall()
    await first._remind()
    late = replica("late")
    assert (await refused(late, claims(limits))).limit == "unavailable"
    await silent._remind()
    clock.now += SETTLE_SECONDS
    assert (await refused(late, claims(limits))).used == 100


async def test_who_finds_redis_empty_though_money_was_spent_leaves_others_time(replica, clock):
    claims, limits = Claims(), Limits(daily_budget=200)
    one = replica("one", sums=(60, 60))
    assert (await refused(one, claims(limits))).limit == "unavailable"
    clock.now += SETTLE_SECONDS
    await taken(one, claims(limits))


async def test_a_redis_that_forgot_one_key_is_told_all_again(replica, redis, clock):
    claims, limits = Claims(), Limits(daily_budget=100)
    one, two = replica("one"), replica("two")
    await spent(one, claims(limits), 50)
    await spent(two, claims(limits), 50)
    await redis.delete("claif:{key}:day", "claif:{key}:month")
    assert (await refused(one, claims(limits))).limit == "unavailable"
    await two._remind()
    clock.now += SETTLE_SECONDS
    assert (await refused(one, claims(limits))).used == 100


async def test_a_key_of_which_nothing_was_spent_is_known_again_once(replica, redis, clock):
    claims, limits = Claims(), Limits(requests_per_minute=100)
    one = replica("one")
    await taken(one, claims(limits))
    await redis.flushall()
    await refused(one, claims(limits))
    clock.now += SETTLE_SECONDS
    for _ in range(2):
        await taken(one, claims(limits))
        await one._remind()


async def test_a_key_that_was_asked_of_last_month_is_none_that_was_forgotten(replica, redis, clock):
    claims, limits = Claims(), Limits(daily_budget=100)
    one = replica("one")
    await taken(one, claims(limits))
    await redis.delete("claif:{key}:day", "claif:{key}:month")  # they have an end
    clock.now += 40 * 86_400
    await taken(one, claims(limits))


async def test_a_new_month_asks_no_more_than_any_other_call(replica, clock):
    claims, limits, one = Claims(), Limits(monthly_budget=100), replica("one")
    await taken(one, claims(limits))
    clock.now += 10 * 86_400
    run, asked = one._line.run, []

    async def noted(script, keys, args):
        asked.append(script)
        return await run(script, keys, args)

    one._line.run = noted
    await taken(one, claims(limits))
    assert asked.count(scripts.TAKE) == 1


async def test_calls_in_flight_are_told_again_at_once(replica, redis, clock):
    claims, limits, one, two = Claims(), Limits(concurrent=1), replica("one"), replica("two")
    await taken(one, claims(limits))
    await redis.flushall()
    await one._remind()
    await one._renew()
    await two._remind()
    clock.now += SETTLE_SECONDS
    assert (await refused(two, claims(limits))).limit == "concurrent"


async def test_who_serves_nobody_tells_its_sums_as_well(replica, redis):
    idle = replica("idle", sums=(100, 100))
    idle.start()
    while not await redis.exists("claif:{key}:day"):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert await redis.hget("claif:{key}:day", "spent") == b"100"


async def test_what_keys_spend_while_they_have_no_limits_is_told(replica):
    claims, one, two = Claims(), replica("one"), replica("two")
    await spent(one, claims(Limits()), 100)
    await one._tell()
    assert (await refused(two, claims(Limits(daily_budget=100)))).used == 100


async def test_a_redis_that_remembers_is_told_nothing(replica, redis):
    one, claims = replica(), Claims()
    await taken(one, claims(Limits(daily_budget=100)))
    await one._remind()
    told = await redis.hgetall("claif:{key}:day")
    one._run = None
    await one._remind()
    assert await redis.hgetall("claif:{key}:day") == told


async def test_everything_in_redis_has_an_end_and_one_hash_tag(replica, redis):
    one, claims = replica(prefix="test"), Claims()
    claim = claims(Limits(1, 100, 2, 100, 100), tokens=10, cost=10, key_id="k_1")
    await taken(one, claim)
    names = sorted(await redis.keys("test:{*"))
    assert names == [b"test:{k_1}:" + part for part in
                     (b"calls", b"day", b"held", b"month", b"state")]  # fmt: skip
    assert {*await redis.keys("*")} - {*names} <= {b"test:memory"}
    assert min([await redis.ttl(name) for name in names]) > 0
    await one.give(claim, 5, 5)
    assert await redis.exists("test:{k_1}:calls", "test:{k_1}:held") == 0
    assert min([await redis.ttl(name) for name in await redis.keys("*")]) > 0


async def test_keys_without_limits_never_ask_redis(replica, refused_url):
    url = refused_url.replace("http", "redis")
    one, claim = replica(url=url), Claims()(Limits())
    await taken(one, claim)
    await one.give(claim, 1, 1)
    assert not one._line.is_away


async def test_the_clock_of_redis_counts(replica, clock):
    one = replica(redis_time=None)
    standing = await taken(one, Claims()(Limits(requests_per_minute=1)))
    assert standing.requests == 0
    verdict = await refused(one, Claims("again")(Limits(requests_per_minute=1)))
    assert 0 < verdict.wait <= 60


async def test_months_are_those_of_the_calendar(redis):
    days = [day_of(datetime(year, month, day, tzinfo=timezone.utc).timestamp())
            for year in (1999, 2000, 2023, 2024, 2026, 2100) for month in range(1, 13)
            for day in (1, 28)]  # fmt: skip
    days += [day - 1 for day in days]
    script = scripts._COMMON + "local r = {} for i, d in ipairs(ARGV) do "
    script += "r[i] = month_of(tonumber(d)) end return r"
    found = await redis.eval(script, 5, *"abcde", *days)
    assert found == [month_of(day) for day in days]


async def test_a_budget_renews_in_redis_too(replica, clock):
    one, two, claims = replica("one"), replica("two"), Claims()
    limits = Limits(daily_budget=100, monthly_budget=150)
    for counted in (one, two):
        claim = claims(limits)
        await taken(counted, claim)
        await counted.give(claim, 0, 50)
    assert (await refused(one, claims(limits))).limit == "daily_budget"
    clock.now += 86_400
    claim = claims(limits)
    await taken(one, claim)
    await one.give(claim, 0, 50)
    assert (await refused(two, claims(limits))).limit == "monthly_budget"


# When Redis is away


async def test_closed_refuses_with_a_short_wait(replica, refused_url):
    one = replica(url=refused_url.replace("http", "redis"))
    verdict = await refused(one, Claims()(Limits(concurrent=1)))
    assert (verdict.limit, verdict.wait) == ("unavailable", 1.0)


async def test_open_goes_on_with_the_limits_of_this_process(replica, refused_url):
    one = replica(url=refused_url.replace("http", "redis"), when_down="open")
    limits, claims = Limits(concurrent=1), Claims()
    claim = claims(limits)
    await taken(one, claim)
    await refused(one, claims(limits))
    await one.give(claim, 0, 0)
    await taken(one, claims(limits))


async def test_open_remembers_what_the_others_had_spent(replica, redis_server):
    one, two, claims = replica("one", when_down="open"), replica("two"), Claims()
    limits = Limits(daily_budget=100)
    claim = claims(limits)
    await taken(two, claim)
    await two.give(claim, 0, 90)
    claim = claims(limits)
    await taken(one, claim)
    redis_server.kill()
    await one.give(claim, 0, 10)
    assert (await refused(one, claims(limits))).used == 100


async def test_after_a_failure_one_call_a_second_tries(replica, clock, refused_url):
    one = replica(url=refused_url.replace("http", "redis"), when_down="open")
    limits, claims, tries = Limits(concurrent=9), Claims(), []
    await taken(one, claims(limits))
    one._line._scripts = dict.fromkeys(one._line._scripts, _failing(tries))
    for _ in range(3):
        await taken(one, claims(limits))
    assert tries == []
    clock.now += 1
    for _ in range(3):
        await taken(one, claims(limits))
    assert tries == [1]


def _failing(tries):
    async def script(keys, args):
        tries.append(1)
        raise ConnectionError

    return script


@pytest.mark.skipif(not hasattr(asyncio.Task, "cancelling"), reason="Python 3.10 can't tell")
@pytest.mark.parametrize("steps", range(25))
async def test_who_leaves_while_redis_is_connected_to_is_gone(redis_server, steps):
    line = RedisLine(redis_server.url, timeout=20.0, monotonic=time.monotonic)
    asked = asyncio.ensure_future(line.run("return 1", (), ()))
    for _ in range(steps):
        await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await line.close()


async def test_a_redis_that_hangs_is_away_after_the_time_limit(replica):
    async def hang(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        one = replica(url=f"redis://127.0.0.1:{port}", timeout=0.05)
        assert (await refused(one, Claims()(Limits(concurrent=1)))).limit == "unavailable"


async def test_the_log_tells_why_redis_refuses_a_connection(replica, caplog):
    """As one in protected mode does: its class alone, `ResponseError`, says nothing."""

    async def deny(reader, writer):
        await reader.read(1)
        writer.write(b"-DENIED Redis is running in protected mode\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(deny, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        one = replica(url=f"redis://127.0.0.1:{port}", when_down="open")
        with caplog.at_level(logging.WARNING, "claif_cla"):
            await taken(one, Claims()(Limits(concurrent=1)))
    assert "Redis does not answer (ResponseError DENIED)" in caplog.text


async def test_what_goes_wrong_in_redis_itself_is_no_error_of_the_request(replica, redis):
    await redis.set("claif:{key}:state", "of another program")
    one = replica(when_down="open")
    await taken(one, Claims()(Limits(concurrent=1)))


async def test_the_log_tells_once_and_without_the_password(replica, refused_url, caplog):
    url = refused_url.replace("http://", "redis://:planted-secret@")
    one, claims = replica(url=url, when_down="open"), Claims()
    with caplog.at_level(logging.DEBUG, "claif_cla"):
        for _ in range(3):
            await taken(one, claims(Limits(concurrent=9)))
    assert len(caplog.records) == 1
    assert "cluster.when_redis_is_down" in caplog.text
    assert "planted-secret" not in caplog.text
    assert "planted-secret" not in repr(one) + repr(one._line)


async def test_what_ends_while_redis_is_away_is_told_when_it_is_back(replica, redis_server, clock):
    one, two, claims = replica("one", when_down="open"), replica("two"), Claims()
    limits = Limits(concurrent=2, daily_budget=100)
    before, running = claims(limits), claims(limits, cost=5)
    await taken(one, before)
    await taken(one, running)
    redis_server.kill()
    await one.give(before, 0, 30)
    meanwhile = claims(limits)
    await taken(one, meanwhile)
    await one.give(meanwhile, 0, 20)
    redis_server.start()
    clock.now += 1
    await one._tell()
    await one._renew()
    other = claims(limits)
    await taken(two, other)  # beside `running`, which Redis has been told of again
    assert (await refused(two, claims(limits))).limit == "concurrent"
    await two.give(other, 0, 50)
    assert (await refused(two, claims(limits)))[:3] == ("daily_budget", 43_199.0, 100)
    await one.give(running, 0, 5)
    assert (await refused(two, claims(limits))).used == 105


async def test_what_could_not_be_told_is_told_in_the_background(
    replica, redis_server, clock, monkeypatch
):
    monkeypatch.setattr("claif_cla.gateway.limits.redis_counters.PAUSE", 0.01)
    one, limits, claims = replica(when_down="open"), Limits(daily_budget=30), Claims()
    claim = claims(limits)
    await taken(one, claim)
    redis_server.kill()
    await one.give(claim, 0, 30)
    redis_server.start()
    while one._untold:
        clock.now += 1  # the pause after a failure is over
        await asyncio.sleep(0.01)
    clock.now += SETTLE_SECONDS
    assert (await refused(replica("two"), claims(limits))).used == 30


async def test_leases_are_renewed_in_the_background(replica, redis, clock, monkeypatch):
    monkeypatch.setattr("claif_cla.gateway.limits.redis_counters.RENEW_SECONDS", 0.01)
    one, claim = replica(), Claims()(Limits(concurrent=1))
    await taken(one, claim)
    clock.now += 30
    deadline = clock.now + 60
    while await redis.zscore("claif:{key}:calls", claim.visit_id) < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await one.give(claim, 0, 0)


async def test_only_so_many_endings_wait_for_redis(replica, refused_url, monkeypatch):
    monkeypatch.setattr("claif_cla.gateway.limits.redis_counters.MAX_UNTOLD", 5)
    one = replica(url=refused_url.replace("http", "redis"), when_down="open")
    claims = Claims()
    for _ in range(20):
        claim = claims(Limits(concurrent=9))
        await taken(one, claim)
        await one.give(claim, 0, 1)
    assert len(one._untold) == 5
    assert one._in_flight == {}


async def test_a_request_that_may_have_been_let_in_unheard_is_ended(replica, redis):
    one, claims = replica(), Claims()
    limits = Limits(concurrent=1)
    await spent(one, claims(limits), 0)
    run = one._line.run

    async def unheard(script, keys, args):
        await run(script, keys, args)
        raise Away(is_sent=True)

    one._line.run = unheard
    await refused(one, claims(limits))
    one._line.run = run
    assert await redis.zcard("claif:{key}:calls") == 1
    await one._tell()
    await taken(one, claims(limits))


async def test_two_replicas_never_exceed_a_budget_by_more_than_is_in_flight(redis_server):
    claims, limits = Claims(), Limits(daily_budget=1000)
    replicas = [RedisCounters(redis_server.url, InProcessCounters(), ledger_id=name, timeout=60)
                for name in ("one", "two")]  # fmt: skip
    spent = running = highest = over = 0

    async def call(number):
        nonlocal spent, running, highest, over
        counted, claim = replicas[number % 2], claims(limits, cost=30)
        for _ in range(4):
            verdict = await counted.take(claim)
            if isinstance(verdict, Refused):
                over += 1
                await asyncio.sleep(0.001 * (number % 7))
                continue
            running += 1
            highest = max(highest, spent + 30 * running)
            await asyncio.sleep(0.001 * (number % 5))
            await counted.give(claim, 0, 30)
            spent, running = spent + 30, running - 1
            return

    await asyncio.gather(*[call(number) for number in range(200)])
    for counted in replicas:
        await counted.close()
    assert 1000 <= spent < 1000 + 30
    assert highest < 1000 + 30
    assert over > 100


async def test_a_missing_library_names_its_extra(monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **options):
        if name.startswith("redis"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=re.escape("pip install 'claif_cla[redis]'")):
        RedisCounters("redis://127.0.0.1", InProcessCounters(), ledger_id="one")


def test_noon_is_noon():
    assert datetime.fromtimestamp(NOON, timezone.utc).isoformat() == "2026-11-23T12:00:00+00:00"
