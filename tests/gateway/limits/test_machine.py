"""In any course of events the limits hold, no reservation leaks, and Redis judges alike."""

from __future__ import annotations

import hypothesis
from hypothesis.stateful import run_state_machine_as_test

from claif_cla.gateway.limits.redis_counters import RedisCounters
from gateway.limits.clocks import counters
from gateway.limits.machine import LimitsMachine

TestInProcess = LimitsMachine.TestCase


def redis_machine(url):
    class RedisMachine(LimitsMachine):
        """Two counters side by side: in process, and in Redis."""

        runs = 0

        def begun(self):
            RedisMachine.runs += 1
            self.shared = RedisCounters(
                url, counters(self.clock), ledger_id="one", monotonic=self.clock,
                redis_time=self.clock, prefix=f"run{RedisMachine.runs}", timeout=30,
            )  # fmt: skip
            self.twins = {}

        def take_one(self, tokens, cost):
            claim, verdict = super().take_one(tokens, cost)
            twin = self.claims(self.limits, tokens=tokens, cost=cost)
            assert self.wait_for(self.shared.take(twin)) == verdict
            self.twins[claim] = twin
            return claim, verdict

        def give_one(self, claim, tokens, cost):
            super().give_one(claim, tokens, cost)
            self.wait_for(self.shared.give(self.twins[claim], tokens, cost))

        def time_passed(self):
            self.wait_for(self.shared._renew())

        def end(self):
            self.wait_for(self.shared.close())

    return RedisMachine


def test_redis_judges_as_the_counters_in_process_do(redis_server):
    run_state_machine_as_test(
        redis_machine(redis_server.url),
        settings=hypothesis.settings(max_examples=40, stateful_step_count=30),
    )
