from __future__ import annotations

import http.client
import itertools
import socket
import threading
import time

import anthropic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopback import (
    Ending,
    Gate,
    LoopbackServer,
    cut,
    cut_every,
    error_body,
    error_event,
    json_answer,
    message,
    no_answer,
    raw,
    redacted_thinking_block,
    sse,
    stream_of,
    streamed,
    text_block,
    thinking_block,
    tool_use_block,
    usage_of,
    whole,
)


@pytest.fixture
def client(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    yield connection
    connection.close()


def get(client, path="/"):
    client.request("GET", path)
    return client.getresponse()


def test_request_is_recorded_as_it_came(server, client):
    server.enqueue(whole(b"ok"))
    client.request("POST", "/v1/messages?beta=true", b'{"a": 1}', {"X-Api-Key": "k"})
    assert client.getresponse().read() == b"ok"
    assert (server.last.method, server.last.path, server.last.query) == (
        "POST",
        "/v1/messages",
        "beta=true",
    )
    assert server.last.headers["x-api-key"] == "k"
    assert (server.last.body, server.last.json) == (b'{"a": 1}', {"a": 1})


def test_chunked_request_body_is_undone(server, client):
    server.enqueue(whole())
    client.request("POST", "/", iter([b"ab", b"c" * 70_000]), encode_chunked=True)
    client.getresponse().read()
    assert server.last.body == b"ab" + b"c" * 70_000


def test_scripts_are_used_in_order_then_the_callable(server, client):
    server.enqueue(whole(b"1"), whole(b"2"))
    server.answer_with(lambda request: json_answer({"path": request.path}, status=201))
    assert [get(client).read(), get(client).read()] == [b"1", b"2"]
    answer = get(client, "/three")
    assert (answer.status, answer.read()) == (201, b'{"path": "/three"}')
    assert server.open_connections == 1


def test_status_and_headers_are_sent(server, client):
    server.enqueue(
        json_answer(error_body("overloaded_error", "Overloaded"), 529, {"retry-after": "7"})
    )
    answer = get(client)
    assert (answer.status, answer.headers["retry-after"]) == (529, "7")
    assert answer.headers["content-type"] == "application/json"


def test_a_request_without_an_answer_is_reported(client, server):
    assert get(client, "/nobody").status == 418
    assert server.failures == ["nothing is queued for GET /nobody"]
    server.failures.clear()


def test_a_callable_that_raises_is_reported(client, server):
    server.answer_with(lambda request: 1 / 0)
    assert get(client).status == 418
    assert "ZeroDivisionError" in server.failures.pop()


def test_pieces_arrive_as_they_were_cut(server):
    pieces = cut_every(b"0123456789" * 20, 7)
    server.enqueue(streamed(pieces))
    with socket.create_connection(("127.0.0.1", server.port)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        received = b""
        while not received.endswith(b"0\r\n\r\n"):
            received += plain.recv(65536)
    body = received.partition(b"\r\n\r\n")[2]
    assert body == b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def test_gate_holds_the_answer_until_it_opens(server, client):
    before, within = Gate(), Gate()
    server.enqueue(streamed([b"one", within, b"two"], gate=before))
    client.request("GET", "/")
    before.wait_until_reached()
    assert server.busy == 1
    before.open()
    answer = client.getresponse()
    assert answer.read(3) == b"one"
    within.wait_until_reached()
    within.open()
    assert answer.read() == b"two"


def test_an_open_gate_does_not_hold(server, client):
    gate = Gate()
    gate.open()
    server.enqueue(whole(b"1", gate=gate), whole(b"2", gate=gate))
    assert get(client).read() + get(client).read() == b"12"


def test_gate_that_nobody_comes_to_times_out():
    with pytest.raises(TimeoutError, match="came to this gate"):
        Gate().wait_until_reached(timeout=0.01)


def test_closed_in_the_middle_of_a_stream(server, client):
    server.enqueue(streamed([b"some"], ending=Ending.CLOSE))
    with pytest.raises(http.client.IncompleteRead):
        get(client).read()


def test_reset_in_the_middle_of_a_stream(server, client):
    server.enqueue(streamed([b"some"], ending=Ending.RESET))
    with pytest.raises(ConnectionResetError):
        get(client).read()


def test_body_shorter_than_its_content_length(server, client):
    server.enqueue(whole(b"short", declared=50, ending=Ending.CLOSE))
    with pytest.raises(http.client.IncompleteRead):
        get(client).read()


def test_closed_before_the_status_line(server, client):
    server.enqueue(no_answer(Ending.CLOSE))
    with pytest.raises(http.client.RemoteDisconnected):
        get(client)


def test_reset_before_the_status_line(server, client):
    server.enqueue(no_answer(Ending.RESET))
    with pytest.raises(ConnectionResetError):
        get(client)


def test_bytes_that_are_no_http(server, client):
    server.enqueue(raw(b"hello\r\n\r\n"))
    with pytest.raises(http.client.BadStatusLine):
        get(client)


def test_stall_lasts_until_the_client_leaves(server, client):
    server.enqueue(streamed([b"some"], ending=Ending.STALL))
    answer = get(client)
    assert answer.read(4) == b"some"
    with pytest.raises(TimeoutError, match="1 open, 1 busy, 0 abandoned, 1 requests"):
        server.wait_until_closed(timeout=0.05)
    answer.close()
    client.close()
    server.wait_until_closed()
    server.wait_until_abandoned()
    assert (server.busy, server.abandoned) == (0, 1)


def test_endless_answer_ends_when_the_client_leaves(server, client):
    server.enqueue(streamed(itertools.repeat(b"x" * 1000)))
    answer = get(client)
    assert len(answer.read(50_000)) == 50_000
    answer.close()
    client.close()
    server.wait_until_closed()
    assert server.abandoned == 1


def test_client_that_leaves_at_a_gate_is_noticed(server, client):
    server.enqueue(whole(b"", gate=(gate := Gate())))
    client.request("GET", "/")
    gate.wait_until_reached()
    client.close()
    server.wait_until_closed()
    gate.open()
    assert server.abandoned == 1


def test_idle_connection_is_open_and_not_busy(server, client):
    server.enqueue(whole(b"ok"))
    get(client).read()
    server.wait_until_closed()
    assert (server.open_connections, server.busy, server.abandoned) == (1, 0, 0)


def test_reset_of_the_server_frees_stalled_clients(server, client):
    server.enqueue(no_answer(Ending.STALL))
    client.request("GET", "/")
    server.wait_for_requests(1)
    server.reset()
    assert (server.open_connections, server.requests) == (0, [])
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        client.getresponse()


def test_connections_are_served_side_by_side(server):
    gate = Gate()
    server.answer_with(lambda request: whole(request.path.encode(), gate=gate))
    found = []

    def ask(path):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        found.append((path, get(connection, path).read().decode()))
        connection.close()

    threads = [threading.Thread(target=ask, args=(f"/{n}",)) for n in range(20)]
    for thread in threads:
        thread.start()
    server.wait_for_requests(20)
    assert server.busy == 20
    gate.open()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted((f"/{n}", f"/{n}") for n in range(20))


def test_waiting_for_requests_times_out(server):
    with pytest.raises(TimeoutError, match="requests are missing"):
        server.wait_for_requests(1, timeout=0.01)


def test_hundreds_of_exchanges_a_second(server, client):
    server.answer_with(lambda request: whole(b"x" * 1000))
    started = time.perf_counter()
    for _ in range(200):
        get(client).read()
    assert time.perf_counter() - started < 5


def test_stopping_leaves_no_thread():
    with LoopbackServer() as server:
        socket.create_connection(("127.0.0.1", server.port)).close()
        thread = server._thread
    assert not thread.is_alive()


def test_unreadable_requests_are_reported(server):
    for request in (
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nnocolon\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            plain.sendall(request)
            assert plain.recv(10) == b""
    assert len(server.failures) == 3
    server.failures.clear()


@given(st.binary(max_size=50), st.lists(st.integers(-5, 60), max_size=8))
def test_cut_pieces_join_to_the_whole(data, offsets):
    pieces = cut(data, offsets)
    assert b"".join(pieces) == data
    assert all(pieces)


BLOCKS = [
    thinking_block("Let me see. " * 3, "sig=="),
    redacted_thinking_block(),
    text_block("Größe: 1\u2028🗽 and so on"),
    text_block(
        "quoted",
        citations=[
            {
                "type": "char_location",
                "cited_text": "q",
                "document_index": 0,
                "document_title": None,
                "file_id": None,
                "start_char_index": 0,
                "end_char_index": 1,
            }
        ],
    ),
    tool_use_block("f", {"big": 9007199254740993, "s": "ä\n", "deep": [{"x": None}]}, "toolu_1"),
    tool_use_block("no_arguments", {}, "toolu_2"),
]


@pytest.mark.parametrize("piece", [1, 8, 1000])
def test_anthropic_sdk_reads_our_stream_as_our_message(server, piece):
    usage = usage_of(20, 30, cache_read_input_tokens=5)
    server.enqueue(
        streamed(
            cut_every(sse(stream_of(BLOCKS, stop_reason="tool_use", usage=usage, piece=piece)), 11)
        ),
        json_answer(message(BLOCKS, stop_reason="tool_use", usage=usage)),
    )
    ask = {
        "model": "claude-opus-5-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "x"}],
    }
    with anthropic.Anthropic(api_key="k", base_url=server.url) as sdk:
        with sdk.messages.stream(**ask) as stream:
            folded = stream.get_final_message()
        complete = sdk.messages.create(**ask)
    assert folded.to_dict()["content"] == complete.to_dict()["content"] == BLOCKS
    assert folded.usage.output_tokens == complete.usage.output_tokens == 30
    assert folded.stop_reason == complete.stop_reason == "tool_use"


def test_anthropic_sdk_raises_on_our_error_event(server):
    events = stream_of([text_block("Hi")])[:4]
    server.enqueue(streamed(sse([*events, error_event("overloaded_error", "Overloaded")])))
    with (
        anthropic.Anthropic(api_key="k", base_url=server.url, max_retries=0) as sdk,
        pytest.raises(anthropic.APIStatusError, match="Overloaded"),
        sdk.messages.stream(
            model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}]
        ) as stream,
    ):
        stream.get_final_message()
