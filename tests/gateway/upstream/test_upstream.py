from __future__ import annotations

import asyncio
import socket

import pytest

from claif_cla.gateway.upstream import Upstream
from claif_cla.gateway.upstream.errors import (
    UpstreamCut,
    UpstreamFailure,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from claif_cla.gateway.visit import Visit
from gateway.upstream.made import (
    CALLERS,
    OVERLOADED,
    SECRET,
    STREAM,
    account,
    answer_of,
    config_of,
    in_thread,
    keys_of,
    opened,
    read_all,
    request_of,
    type_of,
    visit_of,
)
from loopback import (
    Ending,
    Gate,
    error_body,
    error_event,
    json_answer,
    message,
    no_answer,
    raw,
    sse,
    streamed,
    text_block,
    whole,
)

FIRST_BACKOFF = 0.4375
TWO = [account("a"), account("b")]
GOOD = json_answer(message([text_block("Hi")]))


def failed(status=529, headers=None):
    return json_answer(error_body("overloaded_error", "Overloaded"), status, headers)


async def test_an_answer_comes_as_it_was_sent(upstream, server):
    server.enqueue(whole(b"{}", 200, {"Request-Id": "req_up", "content-type": "application/json"}))
    exchange = await opened(upstream)
    assert exchange.status == 200
    assert exchange.headers["request-id"] == "req_up"
    assert await read_all(exchange) == b"{}"
    assert await exchange.read() == b""


async def test_a_stream_is_given_piece_by_piece(upstream, server):
    gate = Gate()
    server.enqueue(streamed([STREAM[:200], gate, STREAM[200:]]))
    exchange = await opened(upstream)
    first = await exchange.read()
    assert first == STREAM[:200]
    gate.open()
    assert first + await read_all(exchange) == STREAM


async def test_request_path_query_and_body_go_up_as_they_are(upstream, server):
    server.enqueue(GOOD)
    body = b'{"model":"claude" , "x":"\xc3\xa9"}'
    request = request_of(body)
    request = type(request)("POST", "/v1/messages", request.headers, body, "beta=true&x=%2F+y")
    await answer_of(upstream, request)
    assert server.last.target == "/v1/messages?beta=true&x=%2F+y"
    assert server.last.body == body
    assert server.last.headers["content-length"] == str(len(body))


async def test_an_account_s_address_may_have_a_path(new_upstream, server):
    server.enqueue(GOOD)
    upstream = new_upstream(accounts=[account("a", f"{server.url}/proxy/claude")])
    await answer_of(upstream)
    assert server.last.target == "/proxy/claude/v1/messages"


@pytest.mark.parametrize("size", [600_000, 3_000_000])
async def test_a_large_body_goes_up_whole_and_again(upstream, server, size):
    body = bytes(range(256)) * (size // 256)
    server.enqueue(failed(), GOOD)
    assert (await answer_of(upstream, request_of(body)))[0] == 200
    assert [request.body == body for request in server.requests] == [True, True]


async def test_only_our_key_and_what_is_not_of_the_hop_goes_up(upstream, server):
    private = {
        "authorization": f"Bearer {CALLERS}",
        "x-api-key": CALLERS,
        "cookie": f"session={CALLERS}",
        "proxy-authorization": CALLERS,
        "x-forwarded-for": "10.1.2.3",
        "x-real-ip": "10.1.2.3",
        "forwarded": "for=10.1.2.3",
        "via": "1.1 inner",
        "accept-encoding": "br, zstd",
        "host": "gateway.example",
    }
    server.enqueue(GOOD)
    await answer_of(upstream, request_of(**private, **{"anthropic-beta": "one"}))
    got = server.last.headers
    assert got["authorization"] == f"Bearer {SECRET}-one"
    assert got["anthropic-beta"] == "one"
    assert got["host"] == server.url.removeprefix("http://")
    assert got["user-agent"].startswith("claif-cla/")
    assert CALLERS not in str(got)
    assert "10.1.2.3" not in str(got)
    assert not {"via", "cookie", "x-api-key"} & set(got)


async def test_cookies_are_neither_kept_nor_sent(upstream, server):
    server.enqueue(whole(b"{}", headers={"set-cookie": "session=1; Path=/"}), GOOD)
    await answer_of(upstream)
    await answer_of(upstream)
    assert "cookie" not in server.last.headers


async def test_a_redirect_is_an_answer_and_the_key_stays(upstream, server):
    server.enqueue(whole(b"", 307, {"location": f"{server.url}/elsewhere"}))
    assert (await answer_of(upstream))[0] == 307
    assert len(server.requests) == 1


async def test_a_connection_is_used_again(upstream, server):
    server.enqueue(*[GOOD] * 5)
    for _ in range(5):
        await answer_of(upstream)
    assert server.open_connections == 1


async def test_an_answer_that_is_given_up_when_all_of_it_is_there_keeps_its_connection(
    upstream, server
):
    server.enqueue(GOOD, GOOD)
    exchange = await opened(upstream)
    await exchange.close()
    assert await exchange.read() == b""
    await answer_of(upstream)
    assert server.open_connections == 1


async def test_the_visit_is_told_of_account_attempts_and_time(new_upstream, server):
    server.enqueue(failed(), GOOD)
    visit = visit_of()
    await answer_of(new_upstream(accounts=TWO), visit=visit)
    assert (visit.account, visit.attempts) == ("b", 2)
    assert visit.upstream_seconds > 0


async def test_weights_share_the_requests(new_upstream, server):
    server.answer_with(lambda request: GOOD)
    upstream = new_upstream(accounts=[account("a", weight=3), account("b")])
    for _ in range(8):
        await answer_of(upstream)
    assert "".join(keys_of(server)) == "aabaaaba"


async def test_further_requests_of_one_visit_go_to_the_same_account(new_upstream, server):
    server.answer_with(lambda request: GOOD)
    upstream, visit = new_upstream(accounts=TWO), visit_of()
    for _ in range(4):
        await answer_of(upstream, visit=visit)
    assert keys_of(server) == ["a"] * 4


# Attempts


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_a_passing_error_is_tried_again_after_a_while(upstream, server, clock, status):
    server.enqueue(failed(status), failed(status), GOOD)
    assert (await answer_of(upstream))[0] == 200
    assert clock.waits == [FIRST_BACKOFF, 2 * FIRST_BACKOFF]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
async def test_an_error_that_stays_is_the_answer(upstream, server, clock, status):
    server.enqueue(json_answer(error_body("some_error", "no"), status))
    got, body = await answer_of(upstream)
    assert (got, type_of(body), clock.waits) == (status, "some_error", [])


async def test_when_attempts_are_used_up_the_last_answer_is_given(upstream, server):
    server.enqueue(failed(500), failed(503), failed(529))
    status, body = await answer_of(upstream)
    assert (status, type_of(body)) == (529, "overloaded_error")


async def test_no_attempt_more_than_configured(new_upstream, server):
    server.enqueue(failed(529))
    assert (await answer_of(new_upstream(max_retries=0)))[0] == 529
    assert len(server.requests) == 1


async def test_retry_after_is_waited_for(upstream, server, clock):
    server.enqueue(failed(429, {"retry-after": "3"}), GOOD)
    assert (await answer_of(upstream))[0] == 200
    assert clock.waits == [3.0]


async def test_a_long_retry_after_is_the_caller_s_to_wait_for(upstream, server, clock):
    server.enqueue(failed(429, {"retry-after": "30"}))
    exchange = await opened(upstream)
    assert (exchange.status, exchange.headers["retry-after"]) == (429, "30")
    await exchange.close()
    assert clock.waits == []


async def test_nothing_is_waited_for_beyond_the_whole_request_s_time(new_upstream, server, clock):
    server.enqueue(failed(429, {"retry-after": "9"}))
    assert (await answer_of(new_upstream(total_seconds=5)))[0] == 429
    assert clock.waits == []


async def test_what_the_visit_has_taken_already_counts(new_upstream, server, clock):
    server.enqueue(failed(429, {"retry-after": "9"}))
    visit = Visit("req_1")
    visit.started_at -= 55.0
    assert (await answer_of(new_upstream(total_seconds=60), visit=visit))[0] == 429
    assert clock.waits == []


@pytest.mark.parametrize("status", [401, 402, 403, 429, 500, 529])
async def test_another_account_is_asked_at_once(new_upstream, server, clock, status):
    server.enqueue(failed(status, {"retry-after": "60"}), GOOD, GOOD, GOOD)
    upstream = new_upstream(accounts=TWO)
    assert (await answer_of(upstream))[0] == 200
    assert clock.waits == []
    assert upstream.accounts_state() == [("a", True), ("b", False)]
    for _ in range(2):
        await answer_of(upstream)
    assert keys_of(server) == ["a", "b", "b", "b"]


async def test_an_account_is_asked_again_when_its_time_is_over(new_upstream, server, clock):
    server.enqueue(failed(429, {"retry-after": "60"}), GOOD, GOOD, GOOD)
    upstream = new_upstream(accounts=TWO)
    await answer_of(upstream)
    clock.now += 61
    await answer_of(upstream)
    await answer_of(upstream)
    assert sorted(keys_of(server)[2:]) == ["a", "b"]


async def test_when_every_key_is_refused_the_caller_is_told_of_the_last(new_upstream, server):
    server.enqueue(*[json_answer(error_body("authentication_error", "no"), 401)] * 2)
    assert (await answer_of(new_upstream(accounts=TWO)))[0] == 401
    assert keys_of(server) == ["a", "b"]


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
async def test_a_connection_that_breaks_before_the_status_is_tried_again(
    upstream, server, clock, ending
):
    server.enqueue(no_answer(ending), GOOD)
    assert (await answer_of(upstream))[0] == 200
    assert upstream.accounts_state() == [("one", False)]


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
async def test_connections_that_keep_breaking_are_a_failure(upstream, server, ending):
    server.enqueue(*[no_answer(ending)] * 3)
    with pytest.raises(UpstreamUnreachable, match="hung up before it answered") as raised:
        await opened(upstream)
    assert (raised.value.status, raised.value.account) == (502, "one")
    assert len(server.requests) == 3


async def test_what_speaks_no_http_is_a_failure(upstream, server):
    server.enqueue(*[raw(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")] * 3)
    with pytest.raises(UpstreamUnreachable, match="does not speak HTTP"):
        await opened(upstream)


async def test_a_refused_connection_is_a_failure_after_all_attempts(
    new_upstream, refused_url, clock
):
    visit = visit_of()
    with pytest.raises(UpstreamUnreachable, match="takes no connection"):
        await opened(new_upstream(refused_url), visit=visit)
    assert (visit.attempts, len(clock.waits)) == (3, 2)


async def test_another_account_answers_for_one_that_cannot_be_reached(
    new_upstream, server, refused_url, clock
):
    server.enqueue(GOOD)
    upstream = new_upstream(accounts=[account("a", refused_url), account("b")])
    assert (await answer_of(upstream))[0] == 200
    assert clock.waits == []


async def test_html_is_handed_on_as_it_is(upstream, server):
    page = whole(b"<html>Bad gateway</html>", 502, {"content-type": "text/html"})
    server.enqueue(page, page, page)
    assert await answer_of(upstream) == (502, b"<html>Bad gateway</html>")


async def test_an_error_as_a_stream_s_first_event_is_tried_again(upstream, server, clock):
    server.enqueue(streamed(OVERLOADED), streamed(STREAM))
    assert await answer_of(upstream) == (200, STREAM)
    assert clock.waits == [FIRST_BACKOFF]


async def test_an_overloaded_stream_goes_to_another_account(new_upstream, server, clock):
    server.enqueue(streamed(OVERLOADED), streamed(STREAM))
    upstream = new_upstream(accounts=TWO)
    assert await answer_of(upstream) == (200, STREAM)
    assert upstream.accounts_state() == [("a", True), ("b", False)]


async def test_the_last_stream_that_begins_with_an_error_is_given_whole(new_upstream, server):
    server.enqueue(streamed(OVERLOADED))
    assert await answer_of(new_upstream(max_retries=0)) == (200, OVERLOADED)


async def test_an_error_in_the_middle_of_a_stream_is_the_caller_s_to_see(upstream, server):
    body = STREAM[:300] + sse([error_event("overloaded_error", "Overloaded")])
    server.enqueue(streamed(body))
    assert await answer_of(upstream) == (200, body)
    assert len(server.requests) == 1


async def test_a_stream_that_breaks_before_its_first_event_is_tried_again(upstream, server):
    server.enqueue(streamed(b"event: mess", ending=Ending.RESET), streamed(STREAM))
    assert await answer_of(upstream) == (200, STREAM)


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
async def test_a_cut_stream_is_a_failure_and_no_end(upstream, server, ending):
    gate = Gate()
    server.enqueue(streamed([STREAM[:300], gate], ending=ending))
    exchange = await opened(upstream)
    assert await exchange.read() == STREAM[:300]
    gate.open()
    for _ in range(2):  # it stays one, however often it is asked
        with pytest.raises(UpstreamCut) as raised:
            await exchange.read()
    assert (raised.value.status, raised.value.account) == (502, "one")
    assert len(server.requests) == 1


async def test_a_body_that_is_shorter_than_declared_is_a_failure(upstream, server):
    server.enqueue(whole(b"{}", declared=100, ending=Ending.CLOSE))
    exchange = await opened(upstream)
    with pytest.raises(UpstreamCut):
        await read_all(exchange)


# Times


async def test_no_status_in_time_is_a_failure_and_not_tried_again(new_upstream, server):
    server.enqueue(no_answer(Ending.STALL))
    with pytest.raises(UpstreamTimeout, match="did not begin to answer") as raised:
        await opened(new_upstream(first_byte_seconds=0.05))
    assert (raised.value.status, raised.value.code) == (504, "upstream_timeout")
    await in_thread(server.wait_until_abandoned)
    assert len(server.requests) == 1


async def test_no_first_event_in_time_is_a_failure(new_upstream, server):
    server.enqueue(streamed(b"event: ping\ndata: {}\n\n", ending=Ending.STALL))
    with pytest.raises(UpstreamTimeout, match="did not begin to answer"):
        await opened(new_upstream(first_byte_seconds=0.1))
    await in_thread(server.wait_until_abandoned)


async def test_silence_in_the_middle_is_a_failure(new_upstream, server):
    server.enqueue(streamed(STREAM[:300], ending=Ending.STALL))
    exchange = await opened(new_upstream(idle_seconds=0.05))
    with pytest.raises(UpstreamTimeout, match="fell silent"):
        await read_all(exchange)
    await in_thread(server.wait_until_abandoned)


async def test_silence_before_the_answer_is_no_silence_in_the_middle(new_upstream, server):
    gate = Gate()
    server.enqueue(whole(b"{}", gate=gate))
    task = asyncio.ensure_future(answer_of(new_upstream(idle_seconds=0.01)))
    await in_thread(gate.wait_until_reached)
    asyncio.get_running_loop().call_later(0.05, gate.open)
    assert await task == (200, b"{}")


async def test_a_whole_answer_has_an_end_while_it_is_read(new_upstream, server):
    server.enqueue(streamed(STREAM[:300], ending=Ending.STALL))
    exchange = await opened(new_upstream(total_seconds=0.5))
    with pytest.raises(UpstreamTimeout, match="longer than a whole one may"):
        await read_all(exchange)
    await in_thread(server.wait_until_abandoned)


async def test_a_whole_answer_has_an_end_while_nobody_reads_it(new_upstream, server):
    server.enqueue(streamed(STREAM[:300], ending=Ending.STALL))
    exchange = await opened(new_upstream(total_seconds=0.5))
    await in_thread(server.wait_until_abandoned)
    assert await exchange.read() == STREAM[:300]
    with pytest.raises(UpstreamTimeout, match="longer than a whole one may"):
        await exchange.read()


async def test_a_whole_request_has_an_end_before_its_answer(new_upstream, server):
    server.enqueue(no_answer(Ending.STALL))
    with pytest.raises(UpstreamTimeout):
        await opened(new_upstream(total_seconds=0.05))


async def test_a_connection_that_never_stands_is_a_failure_after_all_attempts(new_upstream):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes no part in the handshake
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        visit = visit_of()
        with pytest.raises(UpstreamTimeout, match="too long to connect") as raised:
            await opened(new_upstream(url, connect_seconds=0.05), visit=visit)
    assert (raised.value.status, visit.attempts) == (504, 3)


async def test_all_connections_taken_is_a_failure_of_its_own(new_upstream, server):
    server.enqueue(streamed(STREAM[:300], ending=Ending.STALL))
    upstream = new_upstream(max_connections=1, connect_seconds=0.3)
    first = await opened(upstream)
    with pytest.raises(UpstreamFailure) as raised:
        await opened(upstream)
    assert (raised.value.status, raised.value.code) == (503, "gateway_busy")
    assert upstream.accounts_state() == [("one", False)]
    await first.close()


async def test_a_request_waits_for_a_connection_to_be_free(new_upstream, server):
    server.enqueue(streamed(STREAM[:300], ending=Ending.STALL), GOOD)
    upstream = new_upstream(max_connections=1)
    first = await opened(upstream)
    second = asyncio.ensure_future(answer_of(upstream))
    await asyncio.sleep(0)
    await first.close()
    assert (await second)[0] == 200


# Leaving nothing open


async def test_closing_in_the_middle_is_seen_upstream_at_once(upstream, server):
    server.enqueue(streamed(STREAM[:300], ending=Ending.STALL))
    exchange = await opened(upstream)
    await exchange.close()
    await exchange.close()
    await in_thread(server.wait_until_abandoned)


async def test_closing_wakes_the_task_that_reads(upstream, server):
    server.enqueue(streamed(STREAM[:300], ending=Ending.STALL))
    exchange = await opened(upstream)
    await exchange.read()
    reading = asyncio.ensure_future(exchange.read())
    await asyncio.sleep(0)
    await exchange.close()
    assert await reading == b""


async def test_an_endless_answer_that_nobody_reads_is_not_taken_in(upstream, server):
    class Endless:
        sent = 0

        def __iter__(self):
            while True:
                self.sent += 1
                yield STREAM[:200] + b": filler\n" * 10_000

    pieces = Endless()
    server.enqueue(streamed(pieces))
    exchange = await opened(upstream)
    before = -1
    while pieces.sent != before:  # until the sockets between are full
        before = pieces.sent
        await asyncio.sleep(0.1)
    assert exchange._content._size < 1024 * 1024
    await exchange.close()
    await in_thread(server.wait_until_abandoned)


async def test_a_stopped_gateway_cuts_what_is_open_and_opens_nothing(upstream, server):
    server.enqueue(streamed(STREAM[:300], ending=Ending.STALL))
    exchange = await opened(upstream)
    await exchange.read()
    reading = asyncio.ensure_future(exchange.read())
    await asyncio.sleep(0)
    await upstream.close()
    with pytest.raises(UpstreamCut):
        await reading
    with pytest.raises(UpstreamUnreachable):
        await opened(upstream)
    await upstream.close()


# Reload


async def test_a_reload_changes_accounts_and_times_for_what_comes(upstream, server):
    server.enqueue(streamed([STREAM[:300]], ending=Ending.STALL), failed(), GOOD)
    running = await opened(upstream)
    upstream.replace(config_of(server.url, accounts=[account("new")], max_retries=0))
    assert upstream.accounts_state() == [("new", False)]
    assert (await answer_of(upstream))[0] == 529
    assert keys_of(server)[-1] == "new"
    assert await running.read() == STREAM[:300]
    await running.close()


async def test_a_reload_keeps_connections_and_cool_downs(new_upstream, server):
    server.enqueue(failed(429, {"retry-after": "60"}), GOOD, GOOD)
    upstream = new_upstream(accounts=TWO)
    await answer_of(upstream)
    upstream.replace(config_of(server.url, accounts=TWO))
    assert upstream.accounts_state() == [("a", True), ("b", False)]
    await answer_of(upstream)
    assert server.open_connections == 1


async def test_a_reload_that_cannot_be_changes_nothing(upstream, server):
    with pytest.raises(ValueError, match="restart"):
        upstream.replace(config_of(server.url, backend="simulator"))
    assert upstream.accounts_state() == [("one", False)]


def test_without_an_account_there_is_no_upstream(server):
    config = config_of(server.url).model_copy(update={"accounts": ()})
    with pytest.raises(ValueError, match="no account for upstream"):
        Upstream(config)
