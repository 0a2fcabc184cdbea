"""Faults on demand, as the engine gives them."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.backends.simulator.engine import Engine
from claif_cla.backends.simulator.faults import FaultSchedule, parse_faults
from claif_cla.backends.simulator.rejection import Rejection
from claif_cla.backends.simulator.reply import STALL_SECONDS

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def fault(text):
    return {"x-simulator-fault": text}


def frames(fields, text):
    payload = {
        "model": "claude-opus-5-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello"}],
        **fields,
    }
    sent = {"anthropic-version": "2026-10-21", **fault(text)}
    body = json.dumps(payload).encode()
    return list(Engine().handle("POST", "/v1/messages", sent, body).frames)


@pytest.mark.parametrize("status", TYPES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_status_is_answered_with_its_error_type(ask, status, stream):
    answer = ask(stream=stream, headers=fault(str(status)))
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["type"] == "error"
    assert answer.json["error"]["type"] == TYPES[status]
    assert answer.json["request_id"] == answer.headers["request-id"]


def test_a_413_has_the_shape_of_the_edge(ask):
    answer = ask(headers=fault("413"))
    assert set(answer.json) == {"error"}
    assert answer.json["error"]["type"] == "request_too_large"


def test_options_of_a_status(ask):
    answer = ask(headers=fault("429;retry-after=2.5;message=Slow down"))
    assert answer.headers["retry-after"] == "2.5"
    assert answer.message == "Slow down"
    assert "retry-after" not in ask(headers=fault("429")).headers


@pytest.mark.parametrize(
    ("text", "status", "content_type"),
    [
        ("502;body=html", 502, "text/html"),
        ("500;body=empty", 500, "application/json"),
        ("200;body=invalid-json", 200, "application/json"),
        ("200;body=html", 200, "text/html"),
    ],
)
def test_bodies_that_are_no_messages(ask, text, status, content_type):
    answer = ask(headers=fault(text))
    assert (answer.status, answer.headers["content-type"]) == (status, content_type)
    with pytest.raises(ValueError, match=r"."):
        json.loads(answer.raw)


def test_faults_strike_before_the_request_is_read(ask):
    assert ask.send("POST", "/v1/messages", b"no json", fault("529")).status == 529
    assert ask.send("GET", "/v1/models", b"", fault("500")).status == 500


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_a_stream_error_comes_before_its_event(ask, number):
    whole = ask(stream=True).events
    broken = ask(stream=True, headers=fault(f"stream-error@{number}")).events
    assert broken[:-1] == whole[: number - 1]
    assert broken[-1]["type"] == "error"
    assert broken[-1]["error"] == {
        "details": None,
        "type": "overloaded_error",
        "message": "Overloaded",
    }


def test_a_stream_error_may_have_another_type(ask):
    events = ask(stream=True, headers=fault("stream-error;type=api_error")).events
    assert events[-1]["error"]["message"] == "Internal server error"


def test_a_stream_error_without_a_stream_is_a_status(ask):
    assert ask(headers=fault("stream-error@2")).status == 529
    assert ask(headers=fault("stream-error;type=api_error")).status == 500


def test_a_number_beyond_the_end_means_the_last_event(ask):
    broken = ask(stream=True, headers=fault("stream-error@999999")).events
    assert broken[-2]["type"] == "message_delta"
    assert broken[-1]["type"] == "error"


@pytest.mark.parametrize(("kind", "delay"), [("cut", 0.0), ("stall", STALL_SECONDS)])
def test_cut_and_stall_end_a_stream_before_its_event(kind, delay):
    found = frames({"stream": True}, f"{kind}@3")
    assert len(found) == 3
    assert not any(frame.cut for frame in found[:2])
    assert found[2].cut
    assert (found[2].data, found[2].delay) == (b"", delay)


def test_half_sends_half_of_the_event():
    found = frames({"stream": True}, "cut@2;half")
    assert found[1].data.startswith(b"event: ")
    assert not found[1].data.endswith(b"\n\n")
    assert found[2].cut


@pytest.mark.parametrize("kind", ["cut", "stall"])
def test_cut_and_stall_meet_a_whole_answer_in_its_middle(kind):
    start, end = frames({}, kind)
    with pytest.raises(ValueError, match=r"."):
        json.loads(start.data)
    assert end.cut


@pytest.mark.parametrize(("kind", "delay"), [("cut", 0.0), ("stall", STALL_SECONDS)])
def test_number_zero_is_before_the_status(ask, kind, delay):
    sent = {"anthropic-version": "2026-10-21", **fault(f"{kind}@0")}
    response = ask.engine.handle("POST", "/v1/messages", sent, b"{}")
    assert (response.cut, response.delay) == (True, delay)


def test_times_count_the_requests_that_carry_the_header(ask):
    statuses = [ask(headers=fault("529;times=2")).status for _ in range(4)]
    assert statuses == [529, 529, 200, 200]


def test_a_list_is_taken_in_order(ask):
    text = "none;times=1, 429;times=1, 500;times=1"
    assert [ask(headers=fault(text)).status for _ in range(4)] == [200, 429, 500, 200]


def test_the_engine_has_faults_of_its_own_and_a_header_wins(ask_with):
    ask = ask_with(faults="529;times=1")
    assert ask(headers=fault("400")).status == 400
    assert ask(headers=fault("none")).status == 200
    assert [ask().status, ask().status] == [529, 200]


@pytest.mark.parametrize(
    "text",
    [
        "boom",
        "99",
        "600",
        "200",
        "429;retry-after=soon",
        "429;times=-1",
        "429;times",
        "stall@x",
        "cut@1;half=1",
        "500;body=xml",
        "500;what=1",
        "stream-error;type=Bad Type",
    ],
)
def test_what_is_not_understood_is_told(ask, text):
    answer = ask(headers=fault(text))
    assert answer.status == 400
    assert "x-simulator-fault" in answer.message
    assert "is not understood; expected" in answer.message


def test_a_list_is_bounded(ask):
    assert ask(headers=fault(",".join(["500"] * 33))).status == 400


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_told(text):
    with contextlib.suppress(Rejection):
        assert isinstance(parse_faults(text), tuple)


def test_the_schedule_remembers_a_bounded_number_of_texts():
    schedule = FaultSchedule()
    for number in range(1000):
        schedule.next(f"500;message=m{number}")
    assert len(schedule._used) <= 256
