"""The engine in process: exchanges, delays, timeouts, breakages."""

from __future__ import annotations

import importlib
import importlib.util
import json
import threading
import time

import anyio
import pytest

from claif_cla.backends.base import Backend, Hop
from claif_cla.backends.simulator import Engine, SimulatorBackend
from claif_cla.backends.simulator.wire_errors import http_library
from claif_cla.wire.http import UpstreamRequest

LIBRARIES = [name for name in ("httpx", "httpx2") if importlib.util.find_spec(name)]


def request(fault="", pace="", **fields):
    payload = {
        "model": "claude-opus-4-8",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello"}],
        **fields,
    }
    headers = {"anthropic-version": "2026-10-21"}
    if fault:
        headers["x-simulator-fault"] = fault
    if pace:
        headers["x-simulator-pace"] = pace
    return UpstreamRequest("POST", "/v1/messages", headers, json.dumps(payload).encode())


def hop(client=None, read=None):
    return Hop(
        http=client, root="https://api.anthropic.com", extensions={"timeout": {"read": read}}
    )


def drained(exchange):
    pieces = []
    while piece := exchange.read():
        pieces.append(piece)
    return b"".join(pieces)


@pytest.fixture(params=LIBRARIES)
def library(request):
    return importlib.import_module(request.param)


def test_it_is_a_backend_that_needs_no_key():
    backend = SimulatorBackend()
    assert isinstance(backend, Backend)
    assert (backend.name, backend.needs_key) == ("simulator", False)
    assert backend.is_official("https://anywhere.example")


def test_an_exchange_gives_the_answer():
    exchange = SimulatorBackend().open(request(), hop())
    assert exchange.status == 200
    assert exchange.headers["content-type"] == "application/json"
    assert json.loads(drained(exchange))["type"] == "message"
    assert exchange.read() == b""
    exchange.close()
    exchange.close()


def test_a_stream_is_read_event_by_event():
    exchange = SimulatorBackend().open(request(stream=True), hop())
    assert exchange.read().startswith(b"event: message_start\n")
    assert exchange.read().startswith(b"event: content_block_start\n")


def test_a_closed_exchange_gives_no_more():
    exchange = SimulatorBackend().open(request(stream=True), hop())
    exchange.read()
    exchange.close()
    assert exchange.read() == b""


def test_the_async_exchange_gives_the_same_bytes():
    async def read():
        exchange = await SimulatorBackend().aopen(request(stream=True), hop())
        pieces = []
        while piece := await exchange.read():
            pieces.append(piece)
        await exchange.close()
        return b"".join(pieces)

    assert anyio.run(read) == drained(SimulatorBackend().open(request(stream=True), hop()))


def test_a_stall_ends_with_the_read_timeout_of_the_callers_library(library):
    with library.Client() as client:
        exchange = SimulatorBackend().open(request("stall@2", stream=True), hop(client, read=0.01))
        exchange.read()
        with pytest.raises(library.ReadTimeout):
            exchange.read()


def test_a_closed_client_is_refused_as_without_the_simulator(library):
    client = library.Client()
    client.close()
    with pytest.raises(RuntimeError, match="has been closed"):
        SimulatorBackend().open(request(), hop(client))


def test_a_stall_before_the_answer_ends_with_the_read_timeout(library):
    with library.Client() as client, pytest.raises(library.ReadTimeout):
        SimulatorBackend().open(request("stall@0"), hop(client, read=0.01))


def test_a_slow_answer_ends_with_the_read_timeout(library):
    with library.Client() as client, pytest.raises(library.ReadTimeout):
        SimulatorBackend().open(request(pace="ttft=9"), hop(client, read=0.01))


@pytest.mark.parametrize("fields", [{}, {"stream": True}])
def test_a_cut_is_a_protocol_error_of_the_callers_library(library, fields):
    with library.Client() as client:
        exchange = SimulatorBackend().open(request("cut@2", **fields), hop(client))
        exchange.read()
        with pytest.raises(library.RemoteProtocolError):
            exchange.read()


def test_a_cut_before_the_answer_is_a_protocol_error(library):
    with library.Client() as client, pytest.raises(library.RemoteProtocolError):
        SimulatorBackend().open(request("cut@0"), hop(client))


def test_the_async_exchange_breaks_alike(library):
    async def broken(fault, read):
        async with library.AsyncClient() as client:
            exchange = await SimulatorBackend().aopen(
                request(fault, stream=True), hop(client, read)
            )
            while await exchange.read():
                pass

    with pytest.raises(library.ReadTimeout):
        anyio.run(broken, "stall@2", 0.01)
    with pytest.raises(library.ReadTimeout):
        anyio.run(broken, "stall@0", 0.01)
    with pytest.raises(library.RemoteProtocolError):
        anyio.run(broken, "cut@2", None)
    with pytest.raises(library.RemoteProtocolError):
        anyio.run(broken, "cut@0", None)


def test_closing_ends_a_wait_at_once():
    exchange = SimulatorBackend().open(request("stall@2", stream=True), hop())
    exchange.read()
    started = time.monotonic()
    threading.Timer(0.05, exchange.close).start()
    assert exchange.read() == b""
    assert time.monotonic() - started < 5


def test_closing_ends_an_async_wait_at_once():
    async def read():
        exchange = await SimulatorBackend().aopen(request("stall@2", stream=True), hop())
        await exchange.read()
        async with anyio.create_task_group() as tasks:
            with anyio.fail_after(5):
                tasks.start_soon(close_soon, exchange)
                return await exchange.read()

    async def close_soon(exchange):
        await anyio.sleep(0.05)
        await exchange.close()

    assert anyio.run(read) == b""


def test_cancelling_ends_an_async_wait():
    async def read():
        exchange = await SimulatorBackend().aopen(request("stall@2", stream=True), hop())
        await exchange.read()
        with anyio.move_on_after(0.02) as scope:
            await exchange.read()
        return scope.cancelled_caught

    assert anyio.run(read)


def test_the_pace_is_kept():
    started = time.monotonic()
    drained(SimulatorBackend(pace="ttft=0.05;tps=400").open(request(stream=True), hop()))
    assert 0.05 < time.monotonic() - started < 5


def test_options_make_an_engine_and_an_engine_takes_no_options():
    assert SimulatorBackend(faults="529").open(request(), hop()).status == 529
    engine = Engine(faults="500")
    assert SimulatorBackend(engine).open(request(), hop()).status == 500
    with pytest.raises(ValueError, match="leave `engine` out"):
        SimulatorBackend(engine, faults="500")


def test_without_a_client_the_loaded_library_is_taken():
    assert http_library(None).__name__ in ("httpx", "httpx2")
