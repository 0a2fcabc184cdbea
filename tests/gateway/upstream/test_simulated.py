from __future__ import annotations

import json

import pytest

from claif_cla.backends.base import Hop
from claif_cla.drive import AsyncOpened, arun
from claif_cla.gateway.upstream import Upstream
from claif_cla.gateway.upstream.errors import UpstreamCut, UpstreamTimeout, UpstreamUnreachable
from claif_cla.translate.call import Call, Settings
from claif_cla.translate.routes import flow_for
from gateway.upstream.made import answer_of, config_of, opened, read_all, request_of, visit_of

ASK = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello"}],
}


def asking(fault=None, *, stream=False):
    body = json.dumps({**ASK, "stream": stream}).encode()
    return request_of(body, **({"x-simulator-fault": fault} if fault else {}))


@pytest.fixture
def new_simulated(clock):
    def new(**options):
        config = config_of("https://api.anthropic.com", backend="simulator", **options)
        return Upstream(config, clock=clock, pause=clock.pause, chance=lambda: 0.5)

    return new


async def test_the_simulator_answers_without_an_account(clock):
    config = config_of("https://api.anthropic.com", backend="simulator")
    upstream = Upstream(config.model_copy(update={"accounts": ()}), clock=clock)
    status, body = await answer_of(upstream, asking())
    assert (status, json.loads(body)["type"]) == (200, "message")
    assert upstream.accounts_state() == [("simulator", False)]
    assert await upstream.ready()
    await upstream.close()


async def test_a_flow_runs_over_it(new_simulated):
    upstream, visit = new_simulated(), visit_of()
    opened = AsyncOpened(lambda request: upstream.aopen(request, Hop(visit, "")))
    request = {"model": ASK["model"], "messages": ASK["messages"]}
    answer = await arun(flow_for(Call("POST", "/chat/completions", request, Settings())), opened)
    assert answer.status == 200
    assert (visit.account, visit.attempts) == ("simulator", 1)


async def test_a_stream_comes_in_its_events(new_simulated):
    status, body = await answer_of(new_simulated(), asking(stream=True))
    assert status == 200
    assert body.startswith(b"event: message_start")
    assert body.rstrip().endswith(b'{"type":"message_stop"}')


@pytest.mark.parametrize("fault", ["529;times=1", "429;retry-after=1;times=1", "cut@0;times=1"])
async def test_its_errors_are_tried_again(new_simulated, clock, fault):
    assert (await answer_of(new_simulated(), asking(fault)))[0] == 200
    assert len(clock.waits) == 1


async def test_an_error_as_the_first_event_is_tried_again(new_simulated, clock):
    request = asking("stream-error@1;times=1", stream=True)
    status, body = await answer_of(new_simulated(), request)
    assert status == 200
    assert b"event: error" not in body
    assert len(clock.waits) == 1


async def test_its_broken_connections_are_failures(new_simulated):
    with pytest.raises(UpstreamUnreachable):
        await opened(new_simulated(), asking("cut@0"))
    exchange = await opened(new_simulated(), asking("cut@3", stream=True))
    with pytest.raises(UpstreamCut):
        await read_all(exchange)


async def test_its_stalls_are_bounded_by_the_gateway_s_times(new_simulated):
    with pytest.raises(UpstreamTimeout, match="did not begin to answer"):
        await opened(new_simulated(first_byte_seconds=0.05), asking("stall@0"))
    exchange = await opened(new_simulated(idle_seconds=0.05), asking("stall@3", stream=True))
    with pytest.raises(UpstreamTimeout, match="fell silent"):
        await read_all(exchange)
    assert await exchange.read() == b""
    exchange = await opened(new_simulated(total_seconds=0.5), asking("stall@3", stream=True))
    with pytest.raises(UpstreamTimeout, match="longer than a whole one may"):
        await read_all(exchange)


async def test_a_reload_keeps_the_simulator(new_simulated):
    upstream = new_simulated()
    upstream.replace(config_of("https://api.anthropic.com", backend="simulator", max_retries=0))
    assert (await answer_of(upstream, asking("529")))[0] == 529
