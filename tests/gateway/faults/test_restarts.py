"""The gateway ends, dies, or is told another configuration, all of it under load."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import httpx2
import pytest

from claif_cla.gateway.keys import KeyLimits, KeyStore
from gateway.faults.load import Load, entries
from gateway.faults.made import (
    EVENTS,
    FULL_COST,
    HELLO,
    MESSAGES,
    MIDDLE,
    PATIENCE,
    WAYS,
    WHOLE,
    charged,
    good,
    post,
    until,
)
from gateway.faults.serving import Serving
from loopback import Gate, json_answer, streamed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals")

CALLERS = 8
STREAMS = [way for way in WAYS if way.stream]


def settled(ledger, answered):
    """All that a ledger knows, each request once; it has all that was answered, at its price."""
    known = entries(ledger)
    assert charged(ledger) == (len(known), sum(known.values()))
    assert {known.get(got.id) for got in answered} == {FULL_COST}
    assert len({got.id for got in answered}) == len(answered)
    return known


def test_sudden_death_loses_nothing_that_was_answered_and_charges_nothing_twice(server, tmp_path):
    good(server)
    gateway, answered = Serving(tmp_path, server.url), []
    lives = 3
    for _ in range(lives):
        with gateway, Load(gateway.url, callers=CALLERS) as load:
            load.wait_for(40)
            gateway.kill()
        assert {got.status for got in load.got} == {0, 200}
        answered += load.full
    with gateway:  # takes over what its forerunners have left
        assert post(gateway.url, WAYS[0]).status_code == 200
        gateway.stop()
        assert gateway.ended() == 0
    known = settled(gateway.ledger, answered)
    assert len(answered) + 1 <= len(known) <= len(answered) + 1 + lives * CALLERS


@pytest.fixture
def held(server):
    """A gate in the middle of streams, and what starts some and gives their answers."""
    gate = Gate()

    def start(pool, gateway, count):
        server.answer_with(lambda request: streamed([EVENTS[:MIDDLE], gate, EVENTS[MIDDLE:]]))
        ways = [STREAMS[at % 2] for at in range(count)]
        before = len(server.requests)
        answers = [pool.submit(post, gateway.url, way) for way in ways]
        server.wait_for_requests(before + count)
        gate.wait_until_reached()
        good(server)
        return [(way, answer) for way, answer in zip(ways, answers, strict=True)]

    start.gate = gate
    yield start
    gate.open()


def complete(streams):
    for way, answer in streams:
        told = answer.result()
        assert told.status_code == 200
        assert way.door.end in told.text
    return len(streams)


def test_sigterm_lets_all_that_runs_end_well_and_refuses_the_rest(server, tmp_path, held):
    with Serving(tmp_path, server.url) as gateway, ThreadPoolExecutor(10) as pool:
        streams = held(pool, gateway, 10)
        with Load(gateway.url, callers=CALLERS) as load:
            load.wait_for(40)
            gateway.stop()
            load.join()  # each is refused in the end
        held.gate.open()
        whole = complete(streams)
        assert gateway.ended() == 0
    assert {got.status for got in load.got} <= {0, 200, 503}
    assert all(got.full for got in load.got if got.status == 200)
    known = settled(gateway.ledger, load.full)
    assert len(known) == len(load.full) + whole


def test_a_drain_that_takes_too_long_is_cut_and_still_in_the_ledger(server, tmp_path, held):
    settings = "[server]\ndrain_seconds = 1\n"
    with Serving(tmp_path, server.url, settings) as gateway, ThreadPoolExecutor(4) as pool:
        streams = held(pool, gateway, 4)
        gateway.stop()
        assert gateway.ended() == 0
        server.wait_until_abandoned(4)
    for way, answer in streams:
        error = answer.exception()
        assert error is not None or way.door.end not in answer.result().text
    known = entries(gateway.ledger)
    assert len(known) == 4
    assert all(0 < cost < FULL_COST for cost in known.values())


@pytest.mark.parametrize("way", [way for way in WAYS if not way.stream], ids=str)
def test_who_waits_longer_than_the_drain_is_told_to_come_again(server, tmp_path, way):
    gate = Gate()
    server.enqueue(json_answer(WHOLE, gate=gate))
    with (
        Serving(tmp_path, server.url, "[server]\ndrain_seconds = 0\n") as gateway,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(post, gateway.url, way)
        gate.wait_until_reached()
        gateway.stop()
        answer = waiting.result()
        assert gateway.ended() == 0
    gate.open()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    expected = "overloaded_error" if way.door is MESSAGES else "gateway_stopping"
    assert way.door.error(answer.text) == expected


def heard(url, way, begun):
    """All that a caller hears of a stream that is cut; the event is set at its first words."""
    text = ""
    with (
        httpx2.Client(timeout=PATIENCE) as client,
        client.stream("POST", url + way.door.path, json={**HELLO, "stream": True}) as answer,
        suppress(httpx2.RemoteProtocolError),
    ):
        for piece in answer.iter_text():
            text += piece
            begun.set()
    return text


@pytest.mark.parametrize("way", STREAMS, ids=str)
def test_a_stream_that_outlives_the_drain_is_told_so_before_it_is_cut(server, tmp_path, way):
    gate, begun = Gate(), Event()
    server.enqueue(streamed([EVENTS[:MIDDLE], gate, EVENTS[MIDDLE:]]))
    with (
        Serving(tmp_path, server.url, "[server]\ndrain_seconds = 0\n") as gateway,
        ThreadPoolExecutor(1) as pool,
    ):
        hearing = pool.submit(heard, gateway.url, way, begun)
        assert begun.wait(PATIENCE)
        gateway.stop()
        text = hearing.result()
        assert gateway.ended() == 0
    gate.open()
    expected = "overloaded_error" if way.door is MESSAGES else "gateway_stopping"
    assert way.door.error(way.door.last(text)) == expected
    assert way.door.end not in text


def test_sighup_fails_no_request(server, tmp_path, held):
    changes = [
        '[models.aliases]\nmine = "claude-opus-5-5"\n',
        '[models]\ndeny = ["claude-haiku-*"]\n[limits]\nconcurrent = 1000\n',
        "[limits]\nrequests_per_minute = 1000000\ndaily_budget = 1000000.0\n",
        "[server]\nmax_in_flight = 500\n[upstream]\nmax_connections = 500\nidle_seconds = 30\n",
        '[chat]\nthinking_memory = false\n[prices."*"]\ninput = 4\noutput = 20\n',
        '[models.aliases]\nmine = "claude-opus-5-5"\n',
    ]
    with Serving(tmp_path, server.url) as gateway, ThreadPoolExecutor(10) as pool:
        streams = held(pool, gateway, 10)
        with Load(gateway.url, callers=CALLERS) as load:
            for change in changes:
                load.wait_for(10)
                gateway.configure(change)
                gateway.reload()
            load.wait_for(10)
        assert post(gateway.url, WAYS[0], model="mine").status_code == 200
        assert server.last.json["model"] == "claude-opus-5-5"
        held.gate.open()
        whole = complete(streams)
        gateway.stop()
        assert gateway.ended() == 0
    assert all(got.full for got in load.got), load.got
    assert len(settled(gateway.ledger, load.full)) == len(load.full) + whole + 1


def test_a_broken_configuration_changes_nothing(server, tmp_path):
    good(server)
    with Serving(tmp_path, server.url) as gateway, Load(gateway.url, callers=4) as load:
        load.wait_for(5)
        gateway.configure("[server]\nmax_in_flght = 1\n")
        gateway.hang_up()
        until(lambda: "the old one stays" in gateway.log, "no word of it")
        load.wait_for(10)
    assert "max_in_flight" in gateway.log
    assert all(got.full for got in load.got), load.got


@pytest.mark.parametrize("restarts", [0, 2])
def test_a_budget_is_exceeded_by_no_more_than_the_calls_in_flight(server, tmp_path, restarts):
    good(server)
    gateway = Serving(tmp_path, server.url)
    budget = 100 * FULL_COST
    store = KeyStore(gateway.keys)
    _, secret = store.create("poor", limits=KeyLimits(daily_budget=budget))
    store.close()
    headers = {"authorization": f"Bearer {secret}"}
    answered = []

    def spent(got):
        return got.status == 0 or got.final

    for life in range(restarts + 1):
        with gateway:
            with Load(gateway.url, callers=CALLERS, headers=headers, stop_at=spent) as load:
                if life < restarts:
                    load.wait_for(20)
                    gateway.kill()
                load.join()
            answered += load.full
    assert {got.status for got in load.got} == {200, 429}
    with gateway:
        gateway.stop()
        assert gateway.ended() == 0
    known = settled(gateway.ledger, answered)
    assert budget <= sum(known.values()) <= budget + CALLERS * FULL_COST
