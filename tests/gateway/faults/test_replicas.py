"""Two gateways that share their limits in a Redis, which dies and comes back without its memory."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack

import pytest

from claif_cla.gateway.keys import KeyLimits, KeyStore
from gateway.faults.load import Load, entries
from gateway.faults.made import FULL_COST, WAYS, good, post, until
from gateway.faults.serving import Serving
from gateway.redis_server import RedisServer, check_installed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals")

CALLERS = 8
PLENTY = KeyLimits(requests_per_minute=1_000_000, daily_budget=10**12)


@pytest.fixture
def redis(tmp_path):
    """A Redis of this test alone, empty at each start."""
    check_installed()
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


class Pair:
    """Two replicas, with ledgers of their own.

    Attributes:
        replicas: both.
        urls: theirs.
        headers: with a key that both know.
    """

    def __init__(self, replicas, headers):
        self.replicas, self.headers = replicas, headers

    @property
    def urls(self):
        return [replica.url for replica in self.replicas]

    def load(self, **options):
        return Load(*self.urls, callers=CALLERS, headers=self.headers, **options)

    def ask(self, which):
        return post(self.urls[which], WAYS[0], self.headers)

    def end(self):
        """End both; what each request has cost, by its id."""
        costs = {}
        for replica in self.replicas:
            replica.stop()
            assert replica.ended() == 0
            costs.update(entries(replica.ledger))
        return costs


@pytest.fixture
def pair(server, tmp_path, redis):
    """Starts two replicas: `pair(limits_of_the_key, "open")`."""
    good(server)
    with ExitStack() as stack:

        def start(limits, when_down="closed"):
            # Dead is refused at once; slow is only a machine with other work.
            settings = (
                f'[cluster]\nredis_url = "{redis.url}"\ntimeout_seconds = 5\n'
                f'when_redis_is_down = "{when_down}"\n'
            )
            keys = tmp_path / "keys.db"
            store = KeyStore(keys)
            _, secret = store.create("shared", limits=limits)
            store.close()
            replicas = [
                stack.enter_context(Serving(tmp_path / name, server.url, settings, keys))
                for name in ("one", "two")
            ]
            return Pair(replicas, {"authorization": f"Bearer {secret}"})

        yield start


def test_a_limit_of_requests_holds_over_both(pair):
    both = pair(KeyLimits(requests_per_minute=30))
    began = time.monotonic()
    with both.load(stop_at=lambda got: got.status != 200) as load:
        load.join()
    drained = (time.monotonic() - began) / 2
    assert {got.status for got in load.got} == {200, 429}
    assert 30 <= len(load.full) <= 31 + drained


def test_a_budget_holds_over_both(pair):
    budget = 60 * FULL_COST
    both = pair(KeyLimits(daily_budget=budget))
    with both.load(stop_at=lambda got: got.final) as load:
        load.join()
    costs = both.end()
    assert {got.id for got in load.full} == set(costs)
    assert budget <= sum(costs.values()) <= budget + CALLERS * FULL_COST


def test_without_redis_requests_go_on_where_it_fails_open(pair, redis):
    both = pair(PLENTY, "open")
    with both.load() as load:
        load.wait_for(20)
        redis.kill()
        load.wait_for(40)
        redis.start()
        load.wait_for(40)
    costs = both.end()
    assert all(got.full for got in load.got), {got.code for got in load.got}
    assert costs == {got.id: FULL_COST for got in load.got}


def test_without_redis_requests_are_refused_where_it_fails_closed(pair, redis):
    both = pair(PLENTY)
    with both.load() as load:
        load.wait_for(20)
        redis.kill()
        seen = len(load.got)
        until(lambda: sum(got.status == 503 for got in load.got[seen:]) > 20, "it goes on")
        assert all(both.ask(which).status_code == 503 for which in (0, 1))
        redis.start()
        load.wait_for(40)
    costs = both.end()
    assert {got.status for got in load.got} == {200, 503}
    codes = {got.code for got in load.got if got.status == 503}
    assert codes == {"limits_unavailable", "overloaded_error"}
    assert costs == {got.id: FULL_COST for got in load.full}


@pytest.mark.parametrize(
    ("when_down", "times"),
    # Where it fails open, each replica alone sees to the budget while Redis is away.
    [("closed", 1), ("open", 2)],
)
def test_a_budget_outlives_the_memory_of_redis(pair, redis, when_down, times):
    budget = 100 * FULL_COST
    both = pair(KeyLimits(daily_budget=budget), when_down)
    with both.load(stop_at=lambda got: got.final) as load:
        load.wait_for(20)
        redis.kill()
        redis.start()
        load.join()
    costs = both.end()
    assert {got.id for got in load.full} == set(costs)
    assert budget <= sum(costs.values()) <= times * budget + CALLERS * FULL_COST


def test_what_a_replica_has_spent_that_is_asked_no_more_is_not_forgotten(pair, redis):
    both = pair(KeyLimits(daily_budget=10 * FULL_COST))
    assert both.ask(1).status_code == 200
    while both.ask(0).status_code == 200:
        pass
    redis.kill()
    redis.start()
    told = []
    until(lambda: told.append(both.ask(1).status_code) or told[-1] != 503, "no answer")
    assert told[-1] == 429
