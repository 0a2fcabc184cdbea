"""Pace: how long the engine says that things take."""

from __future__ import annotations

import json

import pytest

from claif_cla.backends.simulator.engine import Engine
from claif_cla.backends.simulator.pace import Pace
from claif_cla.backends.simulator.rejection import Rejection


def answered(*, stream, header=None, pace=""):
    payload = {
        "model": "claude-opus-4-8",
        "max_tokens": 1000,
        "stream": stream,
        "messages": [{"role": "user", "content": "write 200 words"}],
    }
    headers = {"anthropic-version": "2026-10-21"}
    if header is not None:
        headers["x-simulator-pace"] = header
    body = json.dumps(payload).encode()
    return Engine(pace=pace).handle("POST", "/v1/messages", headers, body)


@pytest.mark.parametrize(
    ("text", "pace"),
    [
        ("", Pace()),
        ("ttft=0.2", Pace(0.2)),
        ("tps=50", Pace(0.0, 50.0)),
        (" ttft=1 ; tps=2 ", Pace(1.0, 2.0)),
    ],
)
def test_the_grammar(text, pace):
    assert Pace.parse(text) == pace


@pytest.mark.parametrize(
    "text", ["fast", "ttft", "ttft=x", "tps=0", "tps=-1", "ttft=nan", "tps=inf", "ttft=1;ttft=2"]
)
def test_what_is_not_understood_is_told(text):
    with pytest.raises(Rejection, match="is not understood"):
        Pace.parse(text)


def test_the_time_to_first_token_is_bounded():
    with pytest.raises(Rejection, match="at most 600 seconds"):
        Pace.parse("ttft=601")


def test_a_whole_answer_comes_after_all_its_tokens():
    response = answered(stream=False, header="ttft=2;tps=10")
    tokens = json.loads(response.body())["usage"]["output_tokens"]
    assert response.delay == pytest.approx(2 + tokens / 10)


def test_a_stream_begins_at_once_and_takes_its_time_over_tokens():
    response = answered(stream=True, pace="ttft=2;tps=10")
    assert response.delay == 2
    frames = list(response.frames)
    assert frames[0].delay == 0
    total = sum(frame.delay for frame in frames)
    tokens = json.loads(frames[-2].data.split(b"data: ")[1])["usage"]["output_tokens"]
    assert total == pytest.approx(tokens / 10, rel=0.1)


def test_a_header_wins_over_the_engine():
    assert answered(stream=True, header="ttft=1", pace="ttft=9").delay == 1


def test_a_bad_header_is_told():
    response = answered(stream=False, header="quick")
    assert response.status == 400
    assert b"x-simulator-pace" in response.body()
