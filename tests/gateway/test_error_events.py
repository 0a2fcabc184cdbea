from __future__ import annotations

import pytest

from claif_cla.gateway.error_events import (
    MAX_HELD,
    MAX_HELD_ERROR,
    cleaned_events,
    whole_events,
)
from claif_cla.gateway.upstream.errors import UpstreamCut

KEY = b"the-key"
TEXT = b'event: content_block_delta\ndata: {"delta": "an error: the-key"}\n\n'


def redacted(data):
    return data.replace(KEY, b"***")


@pytest.mark.parametrize(
    "event",
    [
        b'event: error\ndata: {"type":"error","error":{"message":"the-key"}}\n\n',
        b"event: error\ndata: the-key\n\n",
        b"event:error\r\ndata: the-key\r\n\r\n",
        b"event: error\rdata: the-key\r\r",
        b'data: {"type": "error", "error": {"message": "the-key"}}\n\n',
        b'data: {"error": {"message": "the-key"}}\n\n',
    ],
)
def test_an_error_is_cleaned_and_what_stands_around_it_is_not(event):
    told = cleaned_events(TEXT + event + TEXT, redacted)
    assert told == TEXT + event.replace(KEY, b"***") + TEXT


def test_what_claude_writes_of_errors_stays_as_it_is():
    text = rb'data: {"type":"content_block_delta","text":"{\"type\":\"error\"} the-key error"}'
    assert cleaned_events(text + b"\n\n", redacted) == text + b"\n\n"


def test_an_event_waits_for_its_end():
    assert whole_events(TEXT + b"event: err") == (TEXT, b"event: err")


def test_a_long_event_does_not_wait():
    long = b"data: " + b"x" * MAX_HELD
    assert whole_events(TEXT + long) == (TEXT + long, b"")


def test_a_long_error_waits_and_is_not_held_for_ever():
    long = b"event: error\ndata: " + b"x" * MAX_HELD
    assert whole_events(TEXT + long) == (TEXT, long)
    with pytest.raises(UpstreamCut, match="too long"):
        whole_events(long + b"x" * MAX_HELD_ERROR)
