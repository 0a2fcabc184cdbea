"""Upstream fails in every way there is: what callers of both doors get, and what is left behind."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.faults.made import (
    CHAT,
    EVENTS,
    FULL_COST,
    MIDDLE,
    PROMPT_COST,
    WAYS,
    charged,
    good,
    post,
    until,
)
from gateway.faults.upstream_faults import FAULTS, SILENCES, WELL, Fault
from loopback import Gate, LoopbackServer, error_body, json_answer, streamed


class Cleanness:
    """What a gateway holds when nothing runs, and that it holds no more after a fault."""

    def __init__(self, gateway, server):
        self._gateway, self._server = gateway, server
        assert post(gateway.url, WAYS[0]).status_code == 200  # opens what stays open
        self._tasks = gateway.call(self._count)

    def _count(self):
        return len(asyncio.all_tasks(self._gateway.loop))

    def check(self):
        gateway, app = self._gateway, self._gateway.app
        self._server.wait_until_closed()
        until(lambda: app.in_flight == 0, "a request is in flight")
        until(lambda: app.parts.upstream._wire.taken == 0, "an exchange is open")
        until(lambda: gateway.call(self._count) <= self._tasks, "a task is left over")
        assert app.room.waiting == 0


def check_answer(answer, way, fault):
    """The status and shape of an answer, and how a stream ends."""
    door = way.door
    wanted = fault.chat if door is CHAT else fault.messages
    assert answer.status_code == fault.status, answer.text
    if fault.status == 200 and way.stream:
        assert door.error(door.last(answer.text)) == wanted, answer.text
        assert (door.end in answer.text) is (wanted is None)
        return
    assert door.error(answer.text) == wanted, answer.text
    if wanted is None:
        assert door.says(answer.text) == "Hi there"


def goes_through(gateway, server, tmp_path, way, fault):
    """Put a gateway through a fault, look at the answer, and at all that is left of it."""
    good(server)
    clean = Cleanness(gateway, server)
    server.enqueue(*fault.scripts)
    answer = post(gateway.url, way)
    check_answer(answer, way, fault)
    assert len(server.requests) == 1 + fault.requests
    clean.check()
    requests, cost = charged(tmp_path / "ledger.db")
    assert requests == 2
    low, high = fault.cost
    assert low <= cost - FULL_COST <= high
    good_again = post(gateway.url, way)
    check_answer(good_again, way, WELL)
    clean.check()
    assert charged(tmp_path / "ledger.db") == (3, cost + FULL_COST)


@pytest.mark.parametrize(("way", "fault"), FAULTS)
def test_a_fault_is_told_or_overcome_and_leaves_nothing(start, server, tmp_path, way, fault):
    gateway = start({"upstream.max_retries": 1}, only=server.url)
    goes_through(gateway, server, tmp_path, way, fault)


@pytest.mark.parametrize(("way", "fault"), SILENCES)
def test_silence_ends_in_its_time_and_leaves_nothing(start, server, tmp_path, way, fault):
    times = {"upstream.first_byte_seconds": 1, "upstream.idle_seconds": 1}
    gateway = start({"upstream.max_retries": 1, **times}, only=server.url)
    goes_through(gateway, server, tmp_path, way, fault)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_another_account_answers_for_one_that_is_limited(start, server, tmp_path, way):
    gateway = start({"upstream.max_retries": 1}, one=server.url, two=server.url)
    good(server)
    clean = Cleanness(gateway, server)
    first = server.last.headers["authorization"]
    server.enqueue(
        json_answer(error_body("rate_limit_error", "slow"), 429, {"retry-after": "3600"})
    )
    for asked in (3, 4, 5):  # the limited one is left alone from now on
        answer = post(gateway.url, way)
        check_answer(answer, way, WELL)
        assert len(server.requests) == asked
        assert server.last.headers["authorization"] == first
    clean.check()
    assert charged(tmp_path / "ledger.db") == (4, 4 * FULL_COST)


@pytest.fixture
def mortal():
    """An upstream that is not there before it is entered; its port is nobody else's meanwhile."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield LoopbackServer(held.getsockname()[1])


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_an_upstream_that_dies_is_told_and_used_again_once_it_is_back(start, mortal, tmp_path, way):
    gateway = start({"upstream.max_retries": 1}, only=mortal.url)
    refused = Fault(status=502, chat="upstream_unreachable", messages="api_error")
    for alive in (1, 2):
        check_answer(post(gateway.url, way), way, refused)
        with mortal:
            good(mortal)
            answer = post(gateway.url, way)
            check_answer(answer, way, WELL)
            clean = Cleanness(gateway, mortal)
            clean.check()
        assert charged(tmp_path / "ledger.db") == (3 * alive, 2 * alive * FULL_COST)


@pytest.mark.parametrize("way", WAYS[1::2], ids=str)
def test_an_upstream_that_dies_in_the_middle_ends_every_stream_with_an_error(
    start, mortal, tmp_path, way
):
    gateway = start({"upstream.max_retries": 1}, only=mortal.url)
    gate = Gate()
    with mortal, ThreadPoolExecutor(10) as pool:
        mortal.answer_with(lambda request: streamed([EVENTS[:MIDDLE], gate]))
        answers = [pool.submit(post, gateway.url, way) for _ in range(10)]
        mortal.wait_for_requests(10)
        gate.wait_until_reached()
        until(lambda: mortal.busy == 10, "a stream has not begun")
        mortal.reset()
        for answer in answers:
            fault = Fault(chat="upstream_cut", messages="api_error")
            check_answer(answer.result(), way, fault)
        good(mortal)
        Cleanness(gateway, mortal).check()
    requests, cost = charged(tmp_path / "ledger.db")
    assert requests == 11
    assert 10 * PROMPT_COST < cost - FULL_COST < 10 * FULL_COST
