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


async def test_some_need_more_places_than_others():
    room = Room(10, 0, FOREVER)
    await room.enter(7)
    assert not room.enter_now(4)
    assert room.enter_now(3)
    room.leave(7)
    assert room.taken == 3


async def test_who_needs_many_places_is_not_overtaken():
    room = Room(10, 2, FOREVER)
    await room.enter(5)
    large = asyncio.ensure_future(room.enter(10))
    await anyio.wait_all_tasks_blocked()
    assert not room.enter_now(1)
    small = asyncio.ensure_future(room.enter(1))
    await anyio.wait_all_tasks_blocked()
    assert not small.done()
    room.leave(5)
    await large
    assert not small.done()
    room.leave(10)
    await small
    assert (room.taken, room.waiting) == (1, 0)


@pytest.mark.parametrize("gives_up", [True, False])
async def test_who_goes_from_the_head_lets_those_behind_in(gives_up):
    room = Room(10, 2, FOREVER)
    await room.enter(5)
    if gives_up:
        room.resize(10, 2, 0.0)
    large = asyncio.ensure_future(room.enter(10))
    await asyncio.sleep(0)
    room.resize(10, 2, FOREVER)
    small = asyncio.ensure_future(room.enter(1))
    await asyncio.sleep(0)
    if not gives_up:
        large.cancel()
    with pytest.raises(Denial if gives_up else asyncio.CancelledError):
        await large
    await small
    assert (room.taken, room.waiting) == (6, 0)
