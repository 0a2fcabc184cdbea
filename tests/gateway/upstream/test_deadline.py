from __future__ import annotations

import asyncio
import sys

import pytest

from claif_cla.gateway.upstream.deadline import Deadline

pytestmark = pytest.mark.anyio
FOREVER = 3600.0


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.01])
async def test_what_takes_too_long_is_left_in_silence(seconds):
    with Deadline(seconds) as deadline:
        await asyncio.sleep(FOREVER)
    assert deadline.passed
    await asyncio.sleep(0)  # nothing of the cancellation is left over


async def test_what_ends_in_time_is_not_cancelled_later():
    with Deadline(0.0) as deadline:
        pass
    await asyncio.sleep(0.01)
    assert not deadline.passed


async def test_errors_go_on_their_way():
    with pytest.raises(ValueError, match="mine"), Deadline(FOREVER):
        raise ValueError("mine")


async def test_a_cancellation_from_elsewhere_goes_on_its_way():
    async def work():
        with Deadline(FOREVER):
            await asyncio.sleep(FOREVER)

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.skipif(sys.version_info < (3, 11), reason="cancellations are not counted")
async def test_a_cancellation_at_the_same_time_goes_on_its_way():
    async def work():
        with Deadline(FOREVER) as deadline:
            waiting.append(deadline)
            await asyncio.sleep(FOREVER)

    waiting = []
    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    waiting[0]._end()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.skipif(sys.version_info < (3, 11), reason="cancellations are not counted")
async def test_the_task_counts_no_cancellation_afterwards():
    with Deadline(0.0):
        await asyncio.sleep(FOREVER)
    assert asyncio.current_task().cancelling() == 0
