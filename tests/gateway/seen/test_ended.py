from __future__ import annotations

import asyncio

from claif_cla.gateway.seen import ended as module
from claif_cla.gateway.seen.ended import AT_ONCE, Ended
from gateway.seen.visits import visit_of


def test_visits_are_told_of_together_and_in_their_order():
    told = []

    async def scenario():
        ended = Ended(told.append)
        visits = [visit_of() for _ in range(AT_ONCE)]
        for visit in visits[:-1]:
            ended.add(visit)
        assert told == []
        ended.add(visits[-1])
        assert told == visits

    asyncio.run(scenario())


def test_a_single_visit_waits_for_no_other(monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.0)

    async def scenario():
        told: asyncio.Queue[object] = asyncio.Queue()
        ended = Ended(told.put_nowait)
        for _ in range(2):  # the timer is set anew
            visit = visit_of()
            ended.add(visit)
            assert await asyncio.wait_for(told.get(), 10) is visit

    asyncio.run(scenario())


def test_a_flush_tells_of_all_and_ends_the_waiting(monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.0)
    told = []

    async def scenario():
        ended = Ended(told.append)
        visit = visit_of()
        ended.add(visit)
        ended.flush()
        assert told == [visit]
        loop = asyncio.get_running_loop()
        later = loop.create_future()
        loop.call_later(0.0, later.set_result, None)  # runs after the timer, had that been left
        await later
        assert told == [visit]

    asyncio.run(scenario())


def test_where_no_loop_runs_a_visit_is_told_of_at_once():
    told = []
    visit = visit_of()
    Ended(told.append).add(visit)
    assert told == [visit]
