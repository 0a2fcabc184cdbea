"""A fault at every position of an answer: a typed error or the complete answer, and no loose end.

The positions are those between two events, from before the first to behind `message_stop`. Some
1,700 answers break here, each in its own way; none may hang, say `stop`, or keep a connection.
"""

from __future__ import annotations

import importlib
import itertools
import json

import openai
import pytest

from callers import HELLO
from claif_cla.translate import body
from loopback import (
    Ending,
    Script,
    error_body,
    error_event,
    json_answer,
    message,
    no_answer,
    raw,
    sse,
    stream_of,
    streamed,
    text_block,
    thinking_block,
    tool_use_block,
    whole,
)

TEXT = "Grüße, 漢字 und 👩‍👩‍👧 – all of it."
BLOCKS = [
    thinking_block("What is asked?", "c2ln"),
    text_block(TEXT),
    tool_use_block("add", {"städte": ["Kraków", "京都"], "n": 12345678901234567890}),
]
EVENTS = stream_of(BLOCKS, stop_reason="tool_use", piece=4)
POSITIONS = range(len(EVENTS) + 1)
END = len(EVENTS)
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]
SHORT = 0.15
"""Seconds of read timeout where the server stalls."""
AFTER_THE_END = "a complete answer"

pytestmark = pytest.mark.timeout(60)


# The faults: what follows the events that came whole, and what the caller's loop then raises.


def error_follows(events: bytes) -> Script:
    return streamed(events + sse([error_event("overloaded_error", "Overloaded")]))


def end_follows(events: bytes) -> Script:
    return streamed(events)


def cut_follows(events: bytes) -> Script:
    return streamed(events, ending=Ending.CLOSE)


def reset_follows(events: bytes) -> Script:
    return streamed(events, ending=Ending.RESET)


def stall_follows(events: bytes) -> Script:
    return streamed(events, ending=Ending.STALL)


def no_json_follows(events: bytes) -> Script:
    return streamed(events + b"event: content_block_delta\ndata: {oops\n\n")


def no_object_follows(events: bytes) -> Script:
    return streamed(events + b'event: content_block_delta\ndata: ["oops"]\n\n')


def fieldless_event_follows(events: bytes) -> Script:
    return streamed(events + b'event: content_block_start\ndata: {"index": 9}\n\n')


def cut_inside_a_character(events: bytes) -> Script:
    half = b'event: content_block_delta\ndata: {"type": "content_block_delta", "x": "\xe6\xbc'
    return streamed(events + half, ending=Ending.CLOSE)


def cut_inside_a_chunk_header(events: bytes) -> Script:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    chunk = b"%x\r\n%b\r\n" % (len(events), events) if events else b""
    return raw(head + b"transfer-encoding: chunked\r\n\r\n" + chunk + b"1f")


def broken_chunk_header_follows(events: bytes) -> Script:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    chunk = b"%x\r\n%b\r\n" % (len(events), events) if events else b""
    return raw(head + b"transfer-encoding: chunked\r\n\r\n" + chunk + b"zz\r\noops\r\n")


FAULTS = {
    error_follows: openai.APIError,
    end_follows: openai.APIConnectionError,
    cut_follows: openai.APIConnectionError,
    reset_follows: openai.APIConnectionError,
    stall_follows: openai.APITimeoutError,
    no_json_follows: openai.APIError,
    no_object_follows: openai.APIError,
    fieldless_event_follows: openai.APIError,
    cut_inside_a_character: openai.APIConnectionError,
    cut_inside_a_chunk_header: openai.APIConnectionError,
    broken_chunk_header_follows: openai.APIConnectionError,
}
IN_PLACE_OF_THE_ANSWER = {
    error_follows: (openai.InternalServerError, 503),
    no_json_follows: (openai.InternalServerError, 502),
    no_object_follows: (openai.InternalServerError, 502),
    fieldless_event_follows: (openai.InternalServerError, 502),
}
"""What is raised where a fault comes before any event: a status can still be given."""

each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)


def timeout_for(fault, position):
    """Short where the client has to run into it; else more than a busy machine needs."""
    if fault is stall_follows:
        return SHORT if position < END else 1.0
    return 10.0


def outcome(read):
    """The exception that `read` raises, or that the answer is complete."""
    try:
        read()
    except openai.OpenAIError as error:
        return error
    return AFTER_THE_END


def assert_fits(found, fault, position, seen):
    where = f"{fault.__name__} at position {position}: {found!r}"
    if found is AFTER_THE_END:
        # A reset may overtake what was sent before it.
        assert position == END, where
        return
    assert position < END or fault is reset_follows, where
    assert isinstance(found, FAULTS[fault]), where
    if position == 0 and fault in IN_PLACE_OF_THE_ANSWER:
        kind, status = IN_PLACE_OF_THE_ANSWER[fault]
        assert isinstance(found, kind), where
        assert getattr(found, "status_code", None) == status, where
    elif FAULTS[fault] is openai.APIError:
        assert type(found) is openai.APIError, where
    assert str(found), where
    assert [reason for reason in seen if reason] == [], where


def told_reasons(chunk, seen):
    seen.extend(choice.finish_reason for choice in chunk.choices)


@each_fault
def test_fault_in_a_stream(caller, server, fault):
    for position in POSITIONS:
        server.enqueue(fault(sse(EVENTS[:position])))
        seen = []

        def read(position=position, seen=seen):
            timeout = timeout_for(fault, position)
            stream = caller.create(messages=HELLO, tools=TOOLS, stream=True, timeout=timeout)
            for chunk in caller.iterate(stream):
                told_reasons(chunk, seen)
            assert seen[-1] == "tool_calls"

        assert_fits(outcome(read), fault, position, seen)
        server.wait_until_closed()


@each_fault
def test_fault_under_the_stream_helper(caller, server, fault):
    for position in POSITIONS[::2]:
        server.enqueue(fault(sse(EVENTS[:position])))
        seen = []

        def read(position=position, seen=seen):
            timeout = timeout_for(fault, position)
            with caller.stream(messages=HELLO, timeout=timeout) as stream:
                for event in caller.iterate(stream):
                    if event.type == "chunk":
                        told_reasons(event.chunk, seen)
            assert seen[-1] == "tool_calls"

        assert_fits(outcome(read), fault, position, seen)
        server.wait_until_closed()


@each_fault
def test_fault_in_a_whole_answer_that_is_streamed_upstream(caller, server, fault):
    status_of = {error_follows: 503, no_json_follows: 502, no_object_follows: 502}
    status_of[fieldless_event_follows] = 502
    for position in POSITIONS[::2]:
        server.enqueue(fault(sse(EVENTS[:position])))

        def read(position=position):
            timeout = timeout_for(fault, position)
            answer = caller.create(
                messages=HELLO, tools=TOOLS, max_completion_tokens=64_000, timeout=timeout
            )
            choice = answer.choices[0]
            assert (choice.message.content, choice.finish_reason) == (TEXT, "tool_calls")
            called = json.loads(choice.message.tool_calls[0].function.arguments)
            assert called == BLOCKS[2]["input"]

        found = outcome(read)
        where = f"{fault.__name__} at position {position}: {found!r}"
        if position < END and fault in status_of:
            assert isinstance(found, openai.InternalServerError), where
            assert found.status_code == status_of[fault], where
        elif position < END:
            assert isinstance(found, FAULTS[fault]), where
        else:
            assert found is AFTER_THE_END or fault is reset_follows, where
        server.wait_until_closed()
    assert all(request.json["stream"] for request in server.requests)


def test_an_error_event_keeps_what_came_before_it(caller, server):
    server.enqueue(error_follows(sse(EVENTS[:12])))
    stream = caller.create(messages=HELLO, stream=True)
    chunks = []
    with pytest.raises(openai.APIError, match="Overloaded") as caught:
        chunks.extend(caller.iterate(stream))  # `extend` keeps what came
    assert (caught.value.code, caught.value.body["anthropic"]["type"]) == (
        "overloaded",
        "overloaded_error",
    )
    assert chunks[0].choices[0].delta.role == "assistant"


# Whole answers

WHOLE = json.dumps(message([text_block(TEXT)])).encode()
JSON = {"content-type": "application/json"}
GZIP = {**JSON, "content-encoding": "gzip"}

BROKEN_ANSWERS = {
    "empty": (whole(b"", 200, JSON), openai.InternalServerError),
    "html": (whole(b"<html>Welcome</html>", 200), openai.InternalServerError),
    "no json": (whole(b"{oops", 200, JSON), openai.InternalServerError),
    "array": (json_answer([]), openai.InternalServerError),
    "string": (json_answer("hello"), openai.InternalServerError),
    "null": (json_answer(None), openai.InternalServerError),
    "empty object": (json_answer({}), openai.InternalServerError),
    "content is text": (json_answer(message([]) | {"content": "x"}), openai.InternalServerError),
    "block is text": (json_answer(message(["x"])), openai.InternalServerError),
    "block without type": (json_answer(message([{}])), openai.InternalServerError),
    "cut": (whole(WHOLE, 200, JSON, declared=9999, ending=Ending.CLOSE), openai.APIConnectionError),
    "cut in a character": (
        whole(WHOLE[:150], 200, JSON, declared=9999, ending=Ending.CLOSE),
        openai.APIConnectionError,
    ),
    "reset": (
        whole(WHOLE, 200, JSON, declared=9999, ending=Ending.RESET),
        openai.APIConnectionError,
    ),
    "stall": (
        whole(WHOLE, 200, JSON, declared=9999, ending=Ending.STALL),
        openai.APITimeoutError,
    ),
    "no answer": (no_answer(Ending.CLOSE), openai.APIConnectionError),
    "no answer, reset": (no_answer(Ending.RESET), openai.APIConnectionError),
    "silence": (no_answer(Ending.STALL), openai.APITimeoutError),
    "no http": (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), openai.APIConnectionError),
    "false encoding": (whole(WHOLE, 200, GZIP), openai.APIConnectionError),
    "html 502": (whole(b"<html><h1>Bad gateway</h1></html>", 502), openai.InternalServerError),
    "empty 504": (whole(b"", 504), openai.InternalServerError),
    "array 400": (json_answer([], 400), openai.BadRequestError),
    "string 401": (json_answer("no", 401), openai.AuthenticationError),
    "error is text 403": (json_answer({"error": "no"}, 403), openai.PermissionDeniedError),
    "message is no text 422": (
        json_answer({"error": {"message": {"a": 1}, "type": 5}}, 422),
        openai.UnprocessableEntityError,
    ),
    "not UTF-8 500": (whole(b"\xff\xfe\x00", 500), openai.InternalServerError),
    "cut 500": (
        whole(b'{"error"', 500, JSON, declared=99, ending=Ending.CLOSE),
        openai.APIConnectionError,
    ),
    "unknown 418": (
        json_answer(error_body("teapot", "short and stout"), 418),
        openai.APIStatusError,
    ),
    "redirect to nowhere": (whole(b"", 304), openai.APIStatusError),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", BROKEN_ANSWERS)
def test_broken_answer(caller, server, name, stream):
    script, expected = BROKEN_ANSWERS[name]
    server.enqueue(script)
    timeout = SHORT if expected is openai.APITimeoutError else 5
    with pytest.raises(expected) as caught:
        caller.create(messages=HELLO, stream=stream, timeout=timeout)
    error = caught.value
    assert error.message
    if isinstance(error, openai.APIStatusError):
        described = error.body
        assert isinstance(described["message"], str)
        assert isinstance(described["type"], str)
        assert described["param"] is None or isinstance(described["param"], str)
        assert described["code"] is None or isinstance(described["code"], str)
    server.wait_until_closed()


def test_html_is_shown_as_text(caller, server):
    server.enqueue(whole(b"<html><style>h1 {}</style><h1>Bad   gateway</h1></html>", 502))
    with pytest.raises(openai.InternalServerError) as caught:
        caller.create(messages=HELLO)
    assert caught.value.body["message"] == "Bad gateway"


@pytest.mark.parametrize("max_tokens", [100, 64_000], ids=["whole", "folded"])
def test_a_malformed_answer_is_not_asked_for_again(new_caller, server, max_tokens):
    server.answer_with(lambda _: whole(b"{oops", 200, JSON))
    with pytest.raises(openai.InternalServerError) as caught:
        new_caller(max_retries=2).create(messages=HELLO, max_completion_tokens=max_tokens)
    assert (caught.value.status_code, caught.value.code) == (502, "malformed_answer")
    assert len(server.requests) == 1


# Bounds


def endless(piece):
    while True:
        yield piece


@pytest.mark.parametrize("status", [400, 500])
def test_of_an_endless_error_only_the_beginning_is_read(caller, server, status):
    server.enqueue(streamed(endless(b"x" * 65536), status, {"content-type": "text/plain"}))
    with pytest.raises(openai.APIStatusError) as caught:
        caller.create(messages=HELLO)
    assert caught.value.status_code == status
    assert len(caught.value.message) < 5000
    server.wait_until_abandoned()


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_too_large_is_given_up(monkeypatch, caller, server, stream):
    monkeypatch.setattr(body, "MAX_ANSWER_BYTES", 100_000)
    server.enqueue(streamed(endless(b" " * 65536), headers=JSON))
    with pytest.raises(openai.InternalServerError) as caught:
        caller.create(messages=HELLO, stream=stream)
    assert (caught.value.status_code, caught.value.code) == (502, "oversized_answer")
    server.wait_until_abandoned()


@pytest.mark.parametrize("started", [False, True], ids=["first event", "later event"])
def test_a_stream_that_is_too_large_is_given_up(monkeypatch, caller, server, started):
    monkeypatch.setattr(body, "MAX_ANSWER_BYTES", 100_000)
    begun = [sse(EVENTS[:5])] if started else []
    server.enqueue(streamed(itertools.chain(begun, endless(b"data: " + b"x" * 65536))))
    with pytest.raises(openai.APIError) as caught:
        list(caller.iterate(caller.create(messages=HELLO, stream=True)))
    assert caught.value.code == "oversized_answer"
    server.wait_until_abandoned()


# The wire


@pytest.mark.parametrize("stream", [False, True])
def test_connection_refused(new_caller, refused_url, stream):
    caller = new_caller(base_url=refused_url)
    with pytest.raises(openai.APIConnectionError):
        caller.create(messages=HELLO, stream=stream)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ConnectError", openai.APIConnectionError),
        ("ConnectTimeout", openai.APITimeoutError),
        ("PoolTimeout", openai.APITimeoutError),
        ("ProxyError", openai.APIConnectionError),
        ("WriteError", openai.APIConnectionError),
        ("WriteTimeout", openai.APITimeoutError),
        ("ReadError", openai.APIConnectionError),
        ("ReadTimeout", openai.APITimeoutError),
        ("CloseError", openai.APIConnectionError),
        ("LocalProtocolError", openai.APIConnectionError),
        ("RemoteProtocolError", openai.APIConnectionError),
        ("TooManyRedirects", openai.APIConnectionError),
        ("DecodingError", openai.APIConnectionError),
    ],
)
def test_what_the_transport_raises(new_caller, name, expected, stream):
    caller = new_caller()
    kinds = type(caller.client._client).__mro__
    names = {kind.__module__.partition(".")[0] for kind in kinds} & {"httpx", "httpx2"}
    library = importlib.import_module(names.pop())

    def fail(request):
        raise getattr(library, name)("the wire is down", request=request)

    http = {"sync": library.Client, "async": library.AsyncClient}[caller.kind]
    caller = new_caller(http_client=http(transport=library.MockTransport(fail)))
    with pytest.raises(expected) as caught:
        caller.create(messages=HELLO, stream=stream)
    assert isinstance(caught.value.__cause__, getattr(library, name))
