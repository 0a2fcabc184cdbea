"""The server on its socket: framing, bounds, breakages, and its end."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time

import pytest

from claif_cla.backends.simulator import Engine
from claif_cla.backends.simulator.engine import MAX_BODY_BYTES
from claif_cla.backends.simulator.server import SimulatorServer, serve

HEADERS = {"anthropic-version": "2026-10-21", "x-api-key": "any"}


def body(**fields):
    payload = {
        "model": "claude-opus-4-8",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": "Hello"}],
        **fields,
    }
    return json.dumps(payload)


@contextlib.contextmanager
def connected(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def post(connection, headers=None, **fields):
    connection.request("POST", "/v1/messages", body(**fields), {**HEADERS, **(headers or {})})
    return connection.getresponse()


def raw(server, data):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(data)
        received = b""
        while piece := client.recv(65536):
            received += piece
        return received


def test_a_connection_serves_many_requests(simulator):
    with connected(simulator) as connection:
        for _ in range(3):
            answer = post(connection)
            assert answer.status == 200
            assert json.loads(answer.read())["type"] == "message"
        streamed = post(connection, stream=True)
        assert streamed.getheader("transfer-encoding") == "chunked"
        assert streamed.read().endswith(b'data: {"type":"message_stop"}\n\n')
        assert post(connection).status == 200


def test_it_speaks_as_the_engine_does(simulator):
    with connected(simulator) as connection:
        answer = post(connection)
        own = Engine().handle("POST", "/v1/messages", HEADERS, body().encode())
        assert answer.read() == own.body()
        assert answer.getheader("request-id") == own.headers["request-id"]


def test_the_path_may_have_a_query(simulator):
    with connected(simulator) as connection:
        connection.request("POST", "/v1/messages?beta=true", body(), HEADERS)
        assert connection.getresponse().status == 200


def test_a_key_is_asked_for(simulator):
    with connected(simulator) as connection:
        connection.request("POST", "/v1/messages", body(), {"anthropic-version": "2026-10-21"})
        answer = connection.getresponse()
        assert answer.status == 401
        assert json.loads(answer.read())["error"]["type"] == "authentication_error"


def test_a_chunked_request_is_read(simulator):
    with connected(simulator) as connection:
        pieces = [body().encode()[:20], body().encode()[20:]]
        connection.request("POST", "/v1/messages", iter(pieces), HEADERS, encode_chunked=True)
        assert connection.getresponse().status == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"content-length: {MAX_BODY_BYTES + 1}", b"413"),
        ("content-length: 9999999999999999", b"413"),
        ("content-length: many", b"400"),
        ("transfer-encoding: chunked", b"400"),
    ],
)
def test_bodies_out_of_bounds_are_refused_unread(simulator, head, status):
    sent = f"POST /v1/messages HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\nzz\r\n"
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as client:
        client.sendall(sent.encode())
        client.shutdown(socket.SHUT_WR)
        assert client.recv(65536).startswith(b"HTTP/1.1 " + status)


def test_a_body_too_large_is_answered_although_it_is_still_being_sent(simulator):
    with connected(simulator) as connection:
        connection.request("POST", "/v1/messages", b" " * (MAX_BODY_BYTES + 1), HEADERS)
        answer = connection.getresponse()
        assert answer.status == 413
        assert json.loads(answer.read())["error"]["type"] == "request_too_large"


def test_chunks_beyond_the_limit_are_refused(simulator):
    size = MAX_BODY_BYTES + 1
    sent = (
        f"POST /v1/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{size:x}\r\n"
    )
    assert raw_until_closed(simulator, sent.encode()).startswith(b"HTTP/1.1 413")


def raw_until_closed(server, data):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        received = b""
        while piece := client.recv(65536):
            received += piece
        return received


def test_what_is_no_http_ends_the_connection(simulator):
    assert b"400" in raw(simulator, b"nonsense nonsense nonsense nonsense\r\n\r\n")


@pytest.mark.parametrize("fault", ["cut@0", "cut@2", "cut@2;half"])
def test_a_cut_is_no_proper_end(simulator, fault):
    broken = pytest.raises((http.client.HTTPException, ConnectionError))
    with connected(simulator) as connection, broken:
        post(connection, {"x-simulator-fault": fault}, stream=True).read()


def test_a_whole_answer_that_is_cut_looks_cut(simulator):
    broken = pytest.raises((http.client.HTTPException, ConnectionError))
    with connected(simulator) as connection, broken:
        post(connection, {"x-simulator-fault": "cut"}).read()


def test_a_client_that_goes_away_ends_its_answer(clock):
    engine = Engine(clock=clock)
    read = []
    real = engine.handle

    def counting(*args):
        response = real(*args)

        def frames():
            for frame in response.frames:
                read.append(frame)
                yield frame

        return type(response)(response.status, response.headers, frames(), response.delay)

    engine.handle = counting
    with SimulatorServer(engine) as server:
        with connected(server) as connection:
            text = [{"role": "user", "content": "write 800 words"}]
            pace = {"x-simulator-pace": "tps=5"}
            answer = post(connection, pace, stream=True, messages=text, max_tokens=9000)
            answer.read(10)
            answer.close()
        deadline = time.monotonic() + 10
        while server.connections and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.connections == 0
        assert len(read) < 50


def test_stopping_ends_what_is_under_way_at_once():
    server = serve(port=0, engine=Engine())
    outcome = []

    def ask():
        with connected(server) as connection, contextlib.suppress(Exception):
            outcome.append(post(connection, {"x-simulator-fault": "stall@2"}, stream=True).read())

    thread = threading.Thread(target=ask)
    port = server.port
    thread.start()
    while not server.connections:
        time.sleep(0.005)
    started = time.monotonic()
    server.stop()
    thread.join(10)
    assert time.monotonic() - started < 5
    assert outcome == []
    with pytest.raises(OSError, match=r"."):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_a_server_may_be_stopped_twice_and_started_again():
    server = SimulatorServer()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url
    for _ in range(2):
        with server, connected(server) as connection:
            assert server.url == f"http://127.0.0.1:{server.port}"
            assert post(connection).status == 200
    server.stop()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 on this machine")
def test_it_listens_on_ipv6_too():
    with SimulatorServer(host="::1") as server:
        assert server.url == f"http://[::1]:{server.port}"
        with socket.create_connection(("::1", server.port), timeout=5):
            pass


def test_waiting_ends_when_the_server_is_stopped():
    server = SimulatorServer().start()
    waiting = threading.Thread(target=server.wait)
    waiting.start()
    server.stop()
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_taken_port_is_an_os_error(simulator):
    with pytest.raises(OSError, match=r"."):
        serve(port=simulator.port)


def test_many_clients_at_once(simulator):
    statuses = []

    def ask():
        with connected(simulator) as connection:
            statuses.append(post(connection, stream=True).status)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert statuses == [200] * 20
