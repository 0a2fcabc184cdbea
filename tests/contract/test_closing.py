"""Whoever leaves an answer early ends it upstream too, at once: an answer unread is still billed.

The server stalls after its last piece, so that only a closed connection gets it further.
"""

from __future__ import annotations

import asyncio
import gc
import threading

import anyio
import openai
import pytest

from callers import HELLO
from claif_cla import AsyncClaudeClient, ClaudeClient
from loopback import (
    Ending,
    error_body,
    json_answer,
    message,
    no_answer,
    sse,
    stream_of,
    streamed,
    text_block,
)

EVENTS = stream_of([text_block("This answer is never told to its end.")], piece=4)
AT_ONCE = 2.0
"""Seconds; a stall would last until the read timeout of ten minutes."""

MOMENTS = {"before the first token": 1, "in the middle": 6}
"""Events that have come when the caller leaves."""


@pytest.fixture(params=MOMENTS.values(), ids=MOMENTS)
def stalled(request, server):
    """A server whose answer stops in the middle; the count of chunks that can be read of it."""
    server.answer_with(lambda _: streamed(sse(EVENTS[: request.param]), ending=Ending.STALL))
    return max(1, request.param - 2)  # a block's start and a ping make no chunk


def taken(iterator, count):
    return [next(iterator) for _ in range(count)]


def test_close_of_a_stream(caller, server, stalled):
    stream = caller.create(messages=HELLO, stream=True)
    taken(caller.iterate(stream), stalled)
    caller.run(stream.close())
    server.wait_until_abandoned(timeout=AT_ONCE)
    server.wait_until_closed()


def test_close_of_a_stream_that_nobody_has_read(caller, server, stalled):
    stream = caller.create(messages=HELLO, stream=True)
    caller.run(stream.close())
    caller.run(stream.close())
    server.wait_until_abandoned(timeout=AT_ONCE)


@pytest.mark.parametrize("reads", [False, True])
def test_end_of_a_with_block(caller, server, stalled, reads):
    with caller.entered(caller.create(messages=HELLO, stream=True)) as stream:
        taken(caller.iterate(stream), stalled if reads else 0)
    server.wait_until_abandoned(timeout=AT_ONCE)


def test_break_out_of_the_loop_of_a_with_block(caller, server, stalled):
    with caller.entered(caller.create(messages=HELLO, stream=True)) as stream:
        for _ in caller.iterate(stream):
            break
    server.wait_until_abandoned(timeout=AT_ONCE)


def test_exception_in_a_with_block(caller, server, stalled):
    with (
        pytest.raises(KeyError),
        caller.entered(caller.create(messages=HELLO, stream=True)) as stream,
    ):
        taken(caller.iterate(stream), 1)
        raise KeyError
    server.wait_until_abandoned(timeout=AT_ONCE)


@pytest.mark.parametrize("reads", [False, True])
def test_end_of_the_stream_helper(caller, server, stalled, reads):
    with caller.stream(messages=HELLO) as stream:
        taken(caller.iterate(stream), 1 if reads else 0)
    server.wait_until_abandoned(timeout=AT_ONCE)


def test_close_of_the_stream_helper(caller, server, stalled):
    with caller.stream(messages=HELLO) as stream:
        taken(caller.iterate(stream), 1)
        caller.run(stream.close())
        server.wait_until_abandoned(timeout=AT_ONCE)


@pytest.mark.parametrize("reads", [False, True])
def test_end_of_a_streaming_response(caller, server, stalled, reads):
    create = caller.client.chat.completions.with_streaming_response.create
    with caller.entered(create(messages=HELLO, stream=True)) as response:
        lines = caller.iterate(response.iter_lines())
        assert len(taken(lines, 1 if reads else 0)) == reads
    server.wait_until_abandoned(timeout=AT_ONCE)


def test_close_of_a_raw_response(caller, server, stalled):
    create = caller.client.chat.completions.with_raw_response.create
    raw = caller.run(create(messages=HELLO, stream=True))
    close = raw.http_response.close if caller.kind == "sync" else raw.http_response.aclose
    caller.run(close())
    server.wait_until_abandoned(timeout=AT_ONCE)


def test_a_stream_that_is_dropped_is_closed_when_it_is_collected(caller, server, stalled):
    for _ in caller.iterate(caller.create(messages=HELLO, stream=True)):
        break
    gc.collect()  # the SDK's streams refer to themselves
    if caller.kind == "async":  # the loop closes it in a task
        caller.run(in_thread(server.wait_until_abandoned, timeout=AT_ONCE))
    server.wait_until_abandoned(timeout=AT_ONCE)


def test_break_leaves_the_rest_to_be_read_on_as_with_the_stock_client(caller, server):
    server.enqueue(streamed(sse(EVENTS)))
    stream = caller.create(messages=HELLO, stream=True)
    found = []
    for chunk in caller.iterate(stream):
        found.append(chunk)
        break
    found += caller.iterate(stream)
    told = "".join(chunk.choices[0].delta.content or "" for chunk in found)
    assert told == "This answer is never told to its end."


def test_the_client_can_be_used_again_after_leaving(caller, server, stalled):
    stream = caller.create(messages=HELLO, stream=True)
    taken(caller.iterate(stream), stalled)
    caller.run(stream.close())
    server.enqueue(json_answer(message([text_block("Hi")])))
    assert caller.create(messages=HELLO).choices[0].message.content == "Hi"


# Threads


def test_close_from_another_thread_lets_the_server_go(server):
    server.enqueue(streamed(sse(EVENTS[:6]), ending=Ending.STALL))
    met = []
    with ClaudeClient(api_key="k", base_url=server.url, max_retries=0, timeout=3) as client:
        stream = client.chat.completions.create(messages=HELLO, stream=True)
        waits = threading.Event()

        def read():
            try:
                for chunk in stream:
                    if chunk.choices[0].delta.content == "wer ":
                        waits.set()
            except openai.APIError as error:
                met.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        waits.wait(5)
        stream.close()
        reader.join(10)
    assert not reader.is_alive()
    assert [isinstance(error, openai.APIConnectionError) for error in met] == [True]
    server.wait_until_closed()


# Tasks


async def read_all(client, seen):
    stream = await client.chat.completions.create(messages=HELLO, stream=True)
    async for _ in stream:
        seen.set()


async def read_all_of_helper(client, seen):
    async with client.chat.completions.stream(messages=HELLO) as stream:
        async for _ in stream:
            seen.set()


async def read_all_of_streaming_response(client, seen):
    create = client.chat.completions.with_streaming_response.create
    async with create(messages=HELLO, stream=True) as response:
        async for _ in response.iter_lines():
            seen.set()


READERS = [read_all, read_all_of_helper, read_all_of_streaming_response]
each_reader = pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)


@pytest.fixture
async def async_client(server):
    async with AsyncClaudeClient(api_key="k", base_url=server.url, max_retries=0) as client:
        yield client


async def in_thread(wait, *args, **options):
    await anyio.to_thread.run_sync(lambda: wait(*args, **options))


@pytest.mark.anyio
@each_reader
async def test_cancelled_task(async_client, server, stalled, read):
    seen = asyncio.Event()
    task = asyncio.create_task(read(async_client, seen))
    await seen.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await in_thread(server.wait_until_abandoned, timeout=AT_ONCE)


@pytest.mark.anyio
@each_reader
async def test_cancelled_scope(async_client, server, stalled, read):
    seen = asyncio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(read, async_client, seen)
        await seen.wait()
        group.cancel_scope.cancel()
    await in_thread(server.wait_until_abandoned, timeout=AT_ONCE)


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_cancelled_before_the_status(async_client, server, stream):
    server.enqueue(no_answer(Ending.STALL))
    call = async_client.chat.completions.create(messages=HELLO, stream=stream)
    task = asyncio.create_task(call)
    await in_thread(server.wait_for_requests, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await in_thread(server.wait_until_abandoned, timeout=AT_ONCE)


@pytest.mark.anyio
async def test_cancelled_in_the_middle_of_a_whole_answer(async_client, server):
    server.enqueue(streamed(b'{"id": ', ending=Ending.STALL))
    with anyio.move_on_after(0.2) as scope:
        await async_client.chat.completions.create(messages=HELLO)
    assert scope.cancelled_caught
    await in_thread(server.wait_until_abandoned, timeout=AT_ONCE)


@pytest.mark.anyio
async def test_close_from_another_task(async_client, server):
    server.enqueue(streamed(sse(EVENTS[:6]), ending=Ending.STALL))
    stream = await async_client.chat.completions.create(messages=HELLO, stream=True)

    last = asyncio.Event()

    async def read():
        async for chunk in stream:
            if chunk.choices[0].delta.content == "wer ":
                last.set()

    task = asyncio.create_task(read())
    await last.wait()
    await stream.close()
    await in_thread(server.wait_until_abandoned, timeout=AT_ONCE)
    with pytest.raises(openai.APIConnectionError):
        await task


@pytest.mark.anyio
async def test_a_server_that_does_not_hang_up_after_the_answer_is_not_waited_for(
    async_client, server
):
    server.enqueue(streamed(sse(EVENTS), ending=Ending.STALL))
    stream = await async_client.chat.completions.create(messages=HELLO, stream=True)
    with anyio.fail_after(AT_ONCE):
        chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices[0].finish_reason == "stop"
    await in_thread(server.wait_until_abandoned, timeout=AT_ONCE)


def test_a_server_that_talks_on_after_the_answer_is_cut_off(caller, server):
    def endless():
        yield sse(EVENTS)
        while True:
            yield b": still here\n" * 1000

    server.enqueue(streamed(endless(), ending=Ending.STALL))
    stream = caller.create(messages=HELLO, stream=True)
    assert list(caller.iterate(stream))[-1].choices[0].finish_reason == "stop"
    server.wait_until_abandoned(timeout=AT_ONCE)


# Several answers at once


def test_close_of_a_stream_of_several_answers_ends_them_all(caller, server, stalled):
    stream = caller.create(messages=HELLO, stream=True, n=3)
    taken(caller.iterate(stream), 1)
    caller.run(stream.close())
    server.wait_until_abandoned(3, timeout=AT_ONCE)
    server.wait_until_closed()


def test_one_refusal_among_several_answers_ends_the_others(caller, server):
    limited = json_answer(error_body("rate_limit_error", "slow down"), 429)
    server.enqueue(
        *[streamed(sse(EVENTS[:6]), ending=Ending.STALL)] * 2,
        limited,
    )
    with pytest.raises(openai.RateLimitError):
        caller.create(messages=HELLO, stream=True, n=3)
    server.wait_until_closed()
