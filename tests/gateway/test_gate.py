"""Who may in, how much, and what it has cost in the end."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace

import pytest

from claif_cla.gateway.denial import Denial
from claif_cla.gateway.gate import Gate
from claif_cla.gateway.keys.record import Key, KeyLimits, Scopes
from claif_cla.gateway.limits import InProcessCounters, counters_of
from claif_cla.gateway.money import Prices
from claif_cla.gateway.visit import Usage, Visit
from gateway.limits.clocks import NOON, Clock

MODEL = "claude-test"
REQUEST = {"model": MODEL, "max_tokens": 100}
SIZE = 400
PRICES = {MODEL: {"input": 1.0, "output": 10.0, "cache_read": 0.1}}
NONE = {
    "requests_per_minute": None,
    "tokens_per_minute": None,
    "concurrent": None,
    "daily_budget": None,
    "monthly_budget": None,
}


class Ring:
    required = True

    def __init__(self):
        self.asked = []

    def admit(self, credential, endpoint, now):
        self.asked.append((credential, endpoint, now))
        if credential == "wrong":
            raise Denial(401, "no", code="invalid_api_key")
        return credential and key(credential)


class Book(list):
    is_full = False

    def append(self, entry):
        if self.is_full:
            raise OSError(28, "the disk is full")
        super().append(entry)


def config(**limits):
    return SimpleNamespace(limits=SimpleNamespace(**{**NONE, **limits}))


def key(key_id="key_1", models=(), **limits):
    return Key(key_id, "build", 0.0, scopes=Scopes(tuple(models)), limits=KeyLimits(**limits))


class Setting:
    def __init__(self, *, sums=None, **limits):
        self.clock, self.ring, self.book = Clock(), Ring(), Book()
        self.counters = InProcessCounters(sums, monotonic=self.clock, wall=self.clock)
        self.gate = Gate(
            self.ring, self.counters, Prices(PRICES), self.book, config(**limits), wall=self.clock
        )
        self._visits = 0

    def visit(self, its_key=None, endpoint="chat"):
        self._visits += 1
        return Visit(f"req_{self._visits}", endpoint=endpoint, key=its_key, model=MODEL)

    async def reserve(self, visit, request=REQUEST, size=SIZE):
        return dict(await self.gate.reserve(visit, MODEL, request, size))

    async def refused(self, visit, request=REQUEST, size=SIZE):
        with pytest.raises(Denial) as raised:
            await self.gate.reserve(visit, MODEL, request, size)
        return raised.value


def used(visit, tokens_in, tokens_out, model=MODEL, **left):
    counts = {"input_tokens": tokens_in, "output_tokens": tokens_out}
    visit.usages[len(visit.usages)] = Usage(model, counts, **{"complete": True, **left})


async def test_the_door_sets_the_key():
    setting = Setting()
    visit = setting.visit()
    await setting.gate.admit(visit, "k_7")
    assert visit.key.id == "k_7"
    assert setting.ring.asked == [("k_7", "chat", visit.began)]


async def test_the_ring_tells_whether_keys_are_needed():
    assert Setting().gate.requires_keys


async def test_the_door_turns_away():
    visit = Setting().visit()
    with pytest.raises(Denial) as raised:
        await Setting().gate.admit(visit, "wrong")
    assert (raised.value.status, visit.key) == (401, None)


async def test_without_limits_there_are_no_headers_and_an_entry():
    setting = Setting()
    visit = setting.visit()
    assert await setting.reserve(visit) == {}
    used(visit, 100, 50)
    visit.status = 200
    await setting.gate.settle(visit)
    assert visit.cost == 600
    (entry,) = setting.book
    assert (entry.id, entry.key, entry.model, entry.cost) == (visit.id, "", MODEL, 600)
    assert (entry.at, entry.input, entry.output, entry.status) == (NOON, 100, 50, 200)


async def test_headers_tell_what_is_left():
    setting = Setting(requests_per_minute=60, tokens_per_minute=1000)
    assert await setting.reserve(setting.visit()) == {
        b"x-ratelimit-limit-requests": b"60",
        b"x-ratelimit-remaining-requests": b"59",
        b"x-ratelimit-reset-requests": b"1s",
        b"x-ratelimit-limit-tokens": b"1000",
        b"x-ratelimit-remaining-tokens": b"800",
        b"x-ratelimit-reset-tokens": b"12s",
    }


async def test_a_keys_own_limits_go_before_the_configured_ones():
    setting = Setting(requests_per_minute=60, concurrent=1)
    its_key = key(requests_per_minute=5)
    headers = await setting.reserve(setting.visit(its_key))
    assert headers[b"x-ratelimit-limit-requests"] == b"5"
    assert (await setting.refused(setting.visit(its_key))).code == "rate_limit_exceeded"


async def test_a_keys_limits_are_made_once():
    setting = Setting(concurrent=9)
    its_key = key()
    visits = [setting.visit(its_key) for _ in range(2)]
    for visit in visits:
        await setting.reserve(visit)
    assert visits[0].reserved.claim.limits is visits[1].reserved.claim.limits


async def test_a_key_that_has_changed_has_its_new_limits():
    setting = Setting()
    await setting.reserve(setting.visit(key(concurrent=1)))
    await setting.reserve(setting.visit(key(concurrent=2)))
    assert (await setting.refused(setting.visit(key(concurrent=2)))).status == 429


async def test_callers_without_a_key_share_the_configured_limits():
    setting = Setting(concurrent=1)
    await setting.reserve(setting.visit())
    denial = await setting.refused(setting.visit())
    assert denial.message.startswith("Everyone without a key has 1 requests running")
    await setting.reserve(setting.visit(key()))


async def test_a_refusal_names_the_key_and_puts_nothing_aside():
    setting = Setting(concurrent=1)
    await setting.reserve(setting.visit(key()))
    visit = setting.visit(key())
    denial = await setting.refused(visit)
    assert "The key `build` (key_1)" in denial.message
    await setting.gate.settle(visit)
    assert (visit.settled, visit.reserved, list(setting.book)) == (True, None, [])
    await setting.refused(setting.visit(key()))


async def test_what_has_ended_makes_room():
    setting = Setting(concurrent=1, tokens_per_minute=1000)
    for _ in range(5):
        visit = setting.visit()
        await setting.reserve(visit)
        used(visit, 50, 50)
        await setting.gate.settle(visit)
    left = (await setting.reserve(setting.visit()))[b"x-ratelimit-remaining-tokens"]
    assert left == b"%d" % (1000 - 5 * 100 - 200)


async def test_what_used_nothing_costs_nothing():
    setting = Setting(daily_budget=0.0001, tokens_per_minute=200)
    for _ in range(3):
        visit = setting.visit()
        await setting.reserve(visit)
        await setting.gate.settle(visit)
        assert visit.cost == 0
    assert [entry.cost for entry in setting.book] == [0, 0, 0]


async def test_a_budget_that_is_spent_is_an_exhausted_quota():
    setting = Setting(sums={"key_1": (0, 4_999_999)}, monthly_budget=5.0)
    visit = setting.visit(key())
    await setting.reserve(visit)
    used(visit, 1, 0)
    await setting.gate.settle(visit)
    denial = await setting.refused(setting.visit(key()))
    assert (denial.status, denial.code) == (429, "insufficient_quota")
    assert "monthly budget of $5.00" in denial.message
    assert "2026-12-01" in denial.message


async def test_money_is_put_aside_for_calls_in_flight():
    setting = Setting(daily_budget=0.001)  # one request of 100 in and 100 out costs 1,100
    first = setting.visit()
    await setting.reserve(first)
    assert (await setting.refused(setting.visit())).headers["retry-after"] == "1"
    used(first, 100, 10)
    await setting.gate.settle(first)
    await setting.reserve(setting.visit())


async def test_settling_twice_counts_once():
    setting = Setting(concurrent=2)
    visit = setting.visit()
    await setting.reserve(visit)
    await setting.reserve(setting.visit())
    for _ in range(3):
        await setting.gate.settle(visit)
    assert len(setting.book) == 1
    await setting.reserve(setting.visit())
    await setting.refused(setting.visit())


async def test_all_replies_are_on_the_bill():
    setting = Setting()
    visit = setting.visit()
    await setting.reserve(visit)
    used(visit, 100, 1)
    used(visit, 10, 2)
    used(visit, 1000, 0, model="unknown-model")
    await setting.gate.settle(visit)
    assert visit.cost == 110 + 30 + 1_000  # at the price of what was asked for
    assert (setting.book[0].input, setting.book[0].output) == (1110, 3)


async def test_a_model_without_prices_has_no_cost():
    setting = Setting(tokens_per_minute=1000)
    visit = setting.visit()
    await setting.gate.reserve(visit, "unknown-model", REQUEST, SIZE)
    used(visit, 100, 1, model="unknown-model")
    await setting.gate.settle(visit)
    assert visit.cost is None
    assert setting.book[0].cost is None


@pytest.mark.parametrize("budget", ["daily_budget", "monthly_budget"])
async def test_a_model_without_prices_is_not_for_who_has_a_budget(budget):
    setting = Setting(**{budget: 1.0})
    with pytest.raises(Denial, match=r"Everyone without a key has a budget.*`new-model`") as raised:
        await setting.gate.reserve(setting.visit(), "new-model", REQUEST, SIZE)
    assert (raised.value.status, raised.value.code) == (403, "model_without_price")
    assert raised.value.param == "model"


async def test_counting_tokens_needs_no_price():
    setting = Setting(daily_budget=1.0)
    visit = setting.visit(endpoint="count_tokens")
    assert await setting.gate.reserve(visit, "new-model", REQUEST, SIZE) == []


async def test_a_reply_of_a_model_without_prices_costs_what_was_asked_for():
    setting = Setting(daily_budget=1.0)
    visit = setting.visit()
    await setting.reserve(visit)
    used(visit, 100, 1, model="name-of-a-proxys-own")
    await setting.gate.settle(visit)
    assert visit.cost == 110


async def test_a_reply_that_was_left_is_estimated():
    setting = Setting(tokens_per_minute=1000)
    visit = setting.visit()
    await setting.reserve(visit)
    used(visit, 100, 1, complete=False, characters=350)
    await setting.gate.settle(visit)
    assert visit.cost == 100 + 1000
    assert setting.book[0].estimated


@pytest.mark.parametrize(
    ("left", "untold", "endpoint", "tokens"),
    [
        (True, 1, "chat", 100),
        (True, 2, "chat", 200),
        (True, 0, "chat", 0),
        (False, 1, "chat", 0),
        (True, 1, "count_tokens", 0),
    ],
)
async def test_who_leaves_before_anything_is_told_pays_for_the_prompt(
    left, untold, endpoint, tokens
):
    setting = Setting(tokens_per_minute=1000)
    visit = setting.visit(endpoint=endpoint)
    await setting.reserve(visit)
    visit.left, visit.untold = left, untold
    await setting.gate.settle(visit)
    (entry,) = setting.book
    assert (entry.input, entry.output, entry.estimated) == (tokens, 0, tokens > 0)


async def test_counting_tokens_takes_a_request_and_no_tokens():
    setting = Setting(requests_per_minute=2, tokens_per_minute=10)
    for _ in range(2):
        visit = setting.visit(endpoint="count_tokens")
        await setting.reserve(visit)
        await setting.gate.settle(visit)
    assert (await setting.refused(setting.visit(endpoint="count_tokens"))).kind == "requests"


async def test_a_long_answer_may_have_the_whole_minute():
    setting = Setting(tokens_per_minute=150)
    await setting.reserve(setting.visit())
    denial = await setting.refused(setting.visit())
    assert (denial.kind, denial.headers["retry-after"]) == ("tokens", "60")


async def test_a_prompt_that_is_over_the_minute_never_fits():
    setting = Setting(tokens_per_minute=99)
    denial = await setting.refused(setting.visit())
    assert denial.headers == {"x-should-retry": "false"}


async def test_a_key_is_for_the_models_of_its_scope():
    setting = Setting()
    visit = setting.visit(key(models=["claude-haiku-*", "fast"]))
    assert setting.gate.allows(visit, "claude-haiku-5")
    assert setting.gate.allows(visit, "fast")
    assert not setting.gate.allows(visit, MODEL)
    denial = await setting.refused(visit)
    assert (denial.status, denial.code, denial.param) == (403, "model_not_allowed", "model")
    assert "`claude-haiku-*`, `fast`" in denial.message
    visit.asked_model = "fast"
    await setting.reserve(visit)


async def test_without_a_key_or_a_scope_every_model_is_allowed():
    setting = Setting()
    assert setting.gate.allows(setting.visit(), MODEL)
    assert setting.gate.allows(setting.visit(key()), MODEL)


async def test_new_limits_hold_after_a_reload():
    setting = Setting(concurrent=1)
    await setting.reserve(setting.visit())
    await setting.refused(setting.visit())
    setting.gate.reload(config(concurrent=2))
    await setting.reserve(setting.visit())
    await setting.refused(setting.visit(), REQUEST)


async def test_a_ledger_that_takes_nothing_holds_up_no_answer_and_is_logged_once(caplog):
    setting = Setting(concurrent=1)
    setting.book.is_full = True
    for _ in range(3):
        visit = setting.visit()
        await setting.reserve(visit)
        await setting.gate.settle(visit)
    assert [record.message for record in caplog.records] == [
        "settling a request failed at the ledger"
    ]
    setting.book.is_full = False
    visit = setting.visit()
    await setting.reserve(visit)
    await setting.gate.settle(visit)
    assert len(setting.book) == 1


async def test_a_bill_that_cannot_be_made_is_the_estimate(monkeypatch, caplog):
    def broken(*_):
        raise ValueError

    setting = Setting(concurrent=1)
    monkeypatch.setattr("claif_cla.gateway.gate.bill", broken)
    visit = setting.visit()
    await setting.reserve(visit)
    used(visit, 1, 1)
    await setting.gate.settle(visit)
    assert visit.cost == 1100
    assert "the bill" in caplog.text
    await setting.reserve(setting.visit())


async def test_counters_that_fail_hold_up_no_answer(monkeypatch, caplog):
    async def broken(*_):
        raise RuntimeError

    setting = Setting()
    visit = setting.visit()
    await setting.reserve(visit)
    monkeypatch.setattr(setting.counters, "give", broken)
    with caplog.at_level(logging.ERROR):
        await setting.gate.settle(visit)
    assert "the limits" in caplog.text
    assert len(setting.book) == 1


async def test_who_leaves_while_the_limits_are_asked_is_settled_too():
    setting = Setting(concurrent=1)
    take = setting.counters.take

    async def slow(claim):
        await take(claim)
        await asyncio.Event().wait()

    setting.counters.take = slow
    visit = setting.visit()
    task = asyncio.ensure_future(setting.reserve(visit))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await setting.gate.settle(visit)
    setting.counters.take = take
    await setting.reserve(setting.visit())


async def test_who_left_while_the_limits_were_asked_is_not_served_if_the_cancellation_is_lost():
    setting = Setting(concurrent=1)
    take, visit = setting.counters.take, setting.visit()

    async def deaf(claim):  # as redis-py on Python 3.10, while it connects
        visit.left = True
        return await take(claim)

    setting.counters.take = deaf
    with pytest.raises(asyncio.CancelledError):
        await setting.reserve(visit)
    await setting.gate.settle(visit)
    setting.counters.take = take
    await setting.reserve(setting.visit())


async def test_what_used_something_without_being_let_in_is_in_the_ledger():
    setting = Setting()
    visit = setting.visit()
    used(visit, 1, 1)
    await setting.gate.settle(visit)
    assert [entry.cost for entry in setting.book] == [11]


async def test_counters_are_in_process_unless_redis_is_named(tmp_path):
    cluster = SimpleNamespace(redis_url=None)
    counted = counters_of(cluster, {"": (1, 2)}, tmp_path / "ledger.db")
    assert isinstance(counted, InProcessCounters)
    assert list(tmp_path.iterdir()) == []
    await counted.close()


async def test_counters_are_in_redis_where_it_is_named(tmp_path):
    pytest.importorskip("redis", reason="the extra `redis` is not installed")
    url = SimpleNamespace(get_secret_value=lambda: "redis://127.0.0.1:1/0")
    cluster = SimpleNamespace(
        redis_url=url, prefix="test", when_redis_is_down="open", timeout_seconds=0.1
    )
    counted = counters_of(cluster, {}, tmp_path / "ledger.db")
    assert type(counted).__name__ == "RedisCounters"
    await counted.close()
