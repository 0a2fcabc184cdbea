from __future__ import annotations

import asyncio

import anyio
import pytest

from claif_cla.gateway.denial import Denial
from claif_cla.gateway.room import Room

FOREVER = 3600.0
pytestmark = pytest.mark.anyio


async def waiting(room, number):
    """Tasks that wait for a place."""
    tasks = [asyncio.ensure_future(room.enter()) for _ in range(number)]
    await anyio.wait_all_tasks_blocked()
    return tasks


async def test_there_is_room_for_so_many():
    room = Room(2, 0, FOREVER)
    await room.enter()
    await room.enter()
    assert room.taken == 2


async def test_beyond_the_queue_one_is_turned_away_at_once():
    room = Room(1, 0, FOREVER)
    await room.enter()
    with pytest.raises(Denial) as caught:
        await room.enter()
    assert caught.value.status == 503
    assert caught.value.headers["retry-after"] == "1"


async def test_places_are_handed_on_in_order():
    room = Room(1, 2, FOREVER)
    await room.enter()
    first, second = await waiting(room, 2)
    assert room.waiting == 2
    room.leave()
    await first
    assert not second.done()
    room.leave()
    await second
    room.leave()
    assert (room.taken, room.waiting) == (0, 0)


async def test_who_waits_too_long_is_turned_away():
    room = Room(1, 1, 0.0)
    await room.enter()
    with pytest.raises(Denial):
        await room.enter()
    assert (room.taken, room.waiting) == (1, 0)


async def test_who_leaves_the_queue_takes_no_place():
    room = Room(1, 2, FOREVER)
    await room.enter()
    first, second = await waiting(room, 2)
    first.cancel()
    await anyio.wait_all_tasks_blocked()
    room.leave()
    await second
    assert (room.taken, room.waiting) == (1, 0)


async def test_a_place_that_comes_with_a_cancellation_is_given_back():
    room = Room(1, 1, FOREVER)
    await room.enter()
    (task,) = await waiting(room, 1)
    room.leave()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (room.taken, room.waiting) == (0, 0)


async def test_more_places_let_the_queue_in():
    room = Room(1, 2, FOREVER)
    await room.enter()
    tasks = await waiting(room, 2)
    room.resize(3, 2, FOREVER)
    await asyncio.gather(*tasks)
    assert room.taken == 3
