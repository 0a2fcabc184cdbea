"""Random courses of takes, gives and time, and what must hold in all of them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from claif_cla.gateway.limits import Limits, Standing
from gateway.limits.clocks import Claims, Clock, counters

DAY = 86_400


def maybe(low, high):
    return st.none() | st.integers(low, high)


class LimitsMachine(RuleBasedStateMachine):
    """In-process counters against a book of all that happened."""

    @initialize(
        rpm=maybe(1, 20), tpm=maybe(1, 500), concurrent=maybe(1, 5), daily=maybe(1, 200),
        monthly=maybe(1, 600),
    )  # fmt: skip
    def begin(self, rpm, tpm, concurrent, daily, monthly):
        self.limits = Limits(rpm, tpm, concurrent, daily, monthly)
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self.claims = Claims()
        self.counters = counters(self.clock)
        self.running, self.let_in, self.used = [], [], []
        self.spent_on = {}
        self.begun()

    def begun(self):
        pass

    def time_passed(self):
        pass

    def wait_for(self, awaitable):
        return self.loop.run_until_complete(awaitable)

    def take_one(self, tokens, cost):
        claim = self.claims(self.limits, tokens=tokens, cost=cost)
        return claim, self.wait_for(self.counters.take(claim))

    def give_one(self, claim, tokens, cost):
        self.wait_for(self.counters.give(claim, tokens, cost))

    def spent(self):
        today = int(self.clock.now // DAY)
        month = clock_month(self.clock.now)
        day = sum(cost for at, cost in self.spent_on.items() if at == today)
        return day, sum(
            cost for at, cost in self.spent_on.items() if clock_month(at * DAY) == month
        )

    @rule(tokens=st.integers(0, 200), cost=st.integers(0, 100))
    def take(self, tokens, cost):
        day, month = self.spent()
        reserved = sum(claim.cost for claim in self.running)
        claim, verdict = self.take_one(tokens, cost)
        if isinstance(verdict, Standing):
            for budget, spent in (
                (self.limits.daily_budget, day), (self.limits.monthly_budget, month),
            ):  # fmt: skip
                assert budget is None or spent + reserved < budget
            self.running.append(claim)
            self.let_in.append(self.clock.now)
        else:
            assert verdict.wait > 0

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def give(self, data):
        claim = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        tokens = data.draw(st.integers(0, claim.tokens))
        cost = data.draw(st.integers(0, claim.cost))
        self.give_one(claim, tokens, cost)
        self.used.append((self.clock.now, tokens))
        today = int(self.clock.now // DAY)
        self.spent_on[today] = self.spent_on.get(today, 0) + cost

    @rule(seconds=st.sampled_from([0.001, 0.3, 1, 7.5, 59.9, 60, 61, 3600, DAY, 9 * DAY]))
    def wait(self, seconds):
        self.clock.now += seconds
        self.time_passed()

    @invariant()
    def no_more_calls_at_once_than_allowed(self):
        allowed = self.limits.concurrent
        assert allowed is None or len(self.running) <= allowed

    @invariant()
    def no_more_requests_in_any_time_than_allowed(self):
        within(self.limits.requests_per_minute, [(at, 1) for at in self.let_in])

    @invariant()
    def no_more_tokens_in_any_time_than_allowed(self):
        within(self.limits.tokens_per_minute, self.used)

    def teardown(self):
        try:
            self.nothing_leaks()
        finally:
            self.end()
            self.loop.close()

    def nothing_leaks(self):
        for claim in self.running:
            self.give_one(claim, 0, 0)
        self.clock.now += 40 * DAY
        claim, verdict = self.take_one(self.limits.tokens_per_minute or 0, 0)
        assert isinstance(verdict, Standing), verdict
        if self.limits.requests_per_minute is not None:
            assert verdict.requests == self.limits.requests_per_minute - 1
        self.give_one(claim, 0, 0)
        state = claim.state
        assert (state.calls, state.held_tokens, state.held_cost) == (0, 0, 0)

    def end(self):
        pass


def within(per_minute, events):
    if per_minute is None or not events:
        return
    newest = events[-1][0]
    total = 0
    for at, amount in reversed(events):
        total += amount
        assert total <= per_minute * (1 + (newest - at) / 60) + 0.001


def clock_month(now):
    when = datetime.fromtimestamp(now, timezone.utc)
    return when.year, when.month
