"""Whatever bytes come in the place of requests: no 5xx, no trace, an end; the next is served."""

from __future__ import annotations

import logging
import re
import socket
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from claif_cla.gateway import connections

PATIENCE = 20.0
"""Seconds within which a connection must have ended whose sender has nothing more to say."""
SHORT = 0.2
"""The gateway's own patience with it, for these tests."""
BODY = b'{"model": "sonnet", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}'
HEAD = b"Host: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer any\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
WELL = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
VALID = [
    WELL,
    b"GET /v1/models/sonnet?x=%20 HTTP/1.1\r\n" + HEAD + b"\r\n",
    *(
        b"POST " + path + b" HTTP/1.1\r\n" + HEAD + body
        for path in (b"/v1/chat/completions", b"/v1/messages")
        for body in (LENGTH, CHUNKS)
    ),
]
TOKENS = [
    *(b"\r\n", b"\n", b"\r", b"\x00", b" ", b":", b"\xff\xfe", b"\t", b"%00", b"/..", b"//", b"?"),
    *(b"HTTP/1.0", b"HTTP/2.0", b"HEAD", b"CONNECT", b"OPTIONS", b"\xf0\x9f\x92\xa5", b"-1"),
    *(b"Content-Length: 0\r\n", b"Content-Length: 99999999999999999999\r\n", b"Expect: x\r\n"),
    *(b"Expect: 100-continue\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: x\r\n"),
    *(b"Connection: close\r\n", b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"ffffffff\r\n"),
    *(b"Content-Encoding: gzip\r\n", b"[" * 300, b'"', b"\\ud800", b"1e999", b"null", b"NaN"),
]


@st.composite
def mutated(draw):
    """Requests, one after another, in which something is wrong."""
    data = b"".join(draw(st.lists(st.sampled_from(VALID), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 40)))
        put = draw(st.sampled_from(TOKENS) | st.binary(max_size=4) | st.just(data[at:to] * 2))
        data = data[:at] + put + data[to:]
    return data


def opened(gateway):
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def told_to(peer):
    """All that is answered until the gateway closes the connection, which it does by itself."""
    told = b""
    with peer, suppress(ConnectionError):  # closed while bytes of ours were on their way
        while piece := peer.recv(65_536):
            told += piece
    return told


def all_told(gateway, requests):
    """What is answered to each of these, on as many connections at once."""
    peers = []
    for data in requests:
        peers.append(opened(gateway))
        with suppress(ConnectionError):  # it may refuse before it has read everything
            peers[-1].sendall(data)
    return [told_to(peer) for peer in peers]


@pytest.fixture
def impatient(start, monkeypatch, caplog, capfd):
    """A gateway that waits for nothing long, and has told of no failure when the test ends."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", SHORT)
    gateway = start({"upstream.backend": "simulator", "server.send_seconds": SHORT})
    gateway._server.config.timeout_keep_alive = SHORT
    caplog.set_level(logging.WARNING)
    yield gateway
    assert [it for it in caplog.records if it.exc_info or it.levelno >= logging.ERROR] == []
    assert "Traceback" not in capfd.readouterr().err


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=300) | mutated(), min_size=1, max_size=10))
@example([valid[:cut] for valid in VALID for cut in (1, 20, 60, len(valid) - 3)])
@example([b"".join(VALID), *(valid + b"\x00" for valid in VALID)])
def test_no_bytes_break_the_gateway(impatient, requests):
    for data, told in zip(requests, all_told(impatient, requests), strict=True):
        assert told == b"" or re.match(rb"HTTP/1\.1 [1234]\d\d ", told), data
        assert b"HTTP/1.1 5" not in told, data
    # On a busy machine one may come too late; not several.
    assert any(one.endswith(b'{"status":"ok"}') for one in all_told(impatient, [WELL] * 3))


def test_what_is_mutated_was_answered_well(impatient):
    for valid, told in zip(VALID, all_told(impatient, VALID), strict=True):
        assert told.startswith(b"HTTP/1.1 200 "), valid
