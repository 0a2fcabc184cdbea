from __future__ import annotations

import asyncio

import pytest

from claif_cla.gateway.upstream.readiness import UNREADY_SECONDS, Readiness
from gateway.upstream.made import Clock, account, config_of, in_thread, keys_of
from loopback import Ending, Gate, error_body, json_answer, no_answer

MODELS = json_answer({"data": [], "has_more": False})


async def test_upstream_that_lists_its_models_is_ready(upstream, server):
    server.enqueue(MODELS)
    assert await upstream.ready()
    assert (server.last.method, server.last.target) == ("GET", "/v1/models?limit=1")
    assert keys_of(server) == ["one"]


@pytest.mark.parametrize(("status", "is_ready"), [(404, True), (429, True), (400, True)])
async def test_an_error_of_the_request_is_an_answer(upstream, server, status, is_ready):
    server.enqueue(json_answer(error_body("some_error", "no"), status))
    assert await upstream.ready() is is_ready


@pytest.mark.parametrize("status", [401, 403, 500, 503, 529])
async def test_a_refused_key_and_a_broken_upstream_are_not_ready(upstream, server, status):
    server.enqueue(json_answer(error_body("some_error", "no"), status))
    assert not await upstream.ready()


async def test_nobody_there_is_not_ready(new_upstream, refused_url):
    assert not await new_upstream(refused_url).ready()


async def test_one_account_that_works_is_enough(new_upstream, server):
    server.enqueue(json_answer(error_body("authentication_error", "no"), 401), MODELS)
    assert await new_upstream(accounts=[account("a"), account("b")]).ready()


async def test_only_so_many_accounts_are_tried(new_upstream, server):
    server.answer_with(lambda request: json_answer({}, 401))
    assert not await new_upstream(accounts=[account(name) for name in "abcdef"]).ready()
    assert keys_of(server) == ["a", "b", "c"]


async def test_the_answer_holds_for_a_while(new_upstream, server, clock):
    server.answer_with(lambda request: MODELS)
    upstream = new_upstream(ready_seconds=10)
    for _ in range(3):
        assert await upstream.ready()
    assert len(server.requests) == 1
    clock.now += 10
    assert await upstream.ready()
    assert len(server.requests) == 2


async def test_a_no_holds_shorter(new_upstream, server, clock):
    server.enqueue(json_answer({}, 500), MODELS)
    upstream = new_upstream(ready_seconds=10)
    assert not await upstream.ready()
    assert not await upstream.ready()
    clock.now += UNREADY_SECONDS
    assert await upstream.ready()


async def test_a_reload_asks_anew(upstream, server):
    server.enqueue(MODELS, json_answer({}, 401))
    assert await upstream.ready()
    upstream.replace(config_of(server.url, accounts=[account("new")]))
    assert not await upstream.ready()


async def test_all_who_ask_at_once_share_one_check_and_may_leave(upstream, server):
    gate = Gate()
    server.enqueue(json_answer({}, gate=gate))
    asking = [asyncio.ensure_future(upstream.ready()) for _ in range(20)]
    await in_thread(gate.wait_until_reached)
    for one in asking[:10]:
        one.cancel()
    gate.open()
    assert await asyncio.gather(*asking[10:]) == [True] * 10
    assert len(server.requests) == 1


async def test_a_check_takes_no_longer_than_it_may(upstream, server):
    upstream._ready._seconds = 0.05
    server.enqueue(no_answer(Ending.STALL))
    assert not await upstream.ready()
    await in_thread(server.wait_until_abandoned)


async def test_a_check_that_runs_ends_with_the_gateway(upstream, server):
    gate = Gate()
    server.enqueue(json_answer({}, gate=gate))
    asking = asyncio.ensure_future(upstream.ready())
    await in_thread(gate.wait_until_reached)
    await upstream.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await in_thread(server.wait_until_abandoned)


async def test_closing_twice_or_unused_is_no_matter():
    async def check():
        return True

    readiness = Readiness(check, 10, Clock())
    await readiness.close()
    assert await readiness.ready()
    await readiness.close()
