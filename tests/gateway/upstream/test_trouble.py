from __future__ import annotations

import pytest

from claif_cla.gateway.upstream.trouble import (
    BEGINS_WELL,
    MAX_PEEK,
    first_event_trouble,
    status_trouble,
)
from gateway.upstream.made import OVERLOADED, STREAM
from loopback import cut_every, error_event, sse

PING = b'event: ping\ndata: {"type": "ping"}\n\n'
NOW = 1_700_000_000.0


class Pieces:
    """An exchange that gives these pieces."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)

    async def read(self):
        return self.pieces.pop(0) if self.pieces else b""

    def put_back(self, piece):
        self.pieces.insert(0, piece)


@pytest.mark.parametrize("status", [200, 201, 302, 400, 404, 405, 413, 422, 428])
def test_what_is_an_answer(status):
    assert status_trouble(status, {}, NOW) is None


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 520, 529])
def test_what_is_tried_again_here_or_elsewhere(status):
    trouble = status_trouble(status, {}, NOW)
    assert (trouble.status, trouble.again, trouble.elsewhere) == (status, True, True)


@pytest.mark.parametrize("status", [401, 402, 403])
def test_what_only_another_account_may_answer(status):
    trouble = status_trouble(status, {}, NOW)
    assert (trouble.again, trouble.elsewhere) == (False, True)


def test_upstream_may_ask_for_another_attempt():
    assert status_trouble(418, {"x-should-retry": "true"}, NOW).again


@pytest.mark.parametrize("status", [408, 500, 529])
def test_upstream_may_forbid_another_attempt(status):
    assert status_trouble(status, {"x-should-retry": "false"}, NOW) is None


def test_a_quota_that_is_used_up_is_one_account_s_own():
    trouble = status_trouble(429, {"x-should-retry": "false"}, NOW)
    assert (trouble.again, trouble.elsewhere) == (False, True)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_how_long_upstream_wants_to_be_left_alone(headers, wait):
    assert status_trouble(429, headers, NOW).wait == wait


@pytest.mark.parametrize("size", [1, 7, len(BEGINS_WELL), 10_000])
@pytest.mark.parametrize("before", [b"", PING, b": hello\n\n" + PING, b"\r\n"])
@pytest.mark.parametrize(("stream", "status"), [(STREAM, None), (OVERLOADED, 529)])
async def test_the_first_event_tells_however_it_comes(stream, status, before, size):
    exchange = Pieces(*cut_every(before + stream, size))
    trouble = await first_event_trouble(exchange)
    assert (trouble and trouble.status) == status
    assert b"".join(exchange.pieces) == before + stream


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("api_error", 500),
        ("rate_limit_error", 429),
        ("timeout_error", 504),
        ("authentication_error", 401),
        ("invalid_request_error", None),
        ("unheard_of_error", None),
    ],
)
async def test_which_errors_are_worth_another_attempt(kind, status):
    trouble = await first_event_trouble(Pieces(sse([error_event(kind, "no")])))
    assert (trouble and trouble.status) == status


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"event: error\ndata: {\n\n",
        b"event: error\ndata: []\n\n",
        b'event: error\ndata: {"error": {"type": []}}\n\n',
        b"no events at all",
        PING,
        b"event: error\ndata: " + b"x" * (MAX_PEEK + 1) + b"\n\n",
    ],
)
async def test_what_is_not_understood_is_let_through_untouched(stream):
    exchange = Pieces(*cut_every(stream, 5000))
    assert await first_event_trouble(exchange) is None
    assert b"".join(exchange.pieces) == stream


async def test_an_endless_beginning_is_read_only_so_far():
    exchange = Pieces(*[b"x" * 4096] * 1000)
    assert await first_event_trouble(exchange) is None
    assert len(exchange.pieces[0]) <= MAX_PEEK + 2 * 4096
