from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.gateway.keys import Key
from claif_cla.gateway.seen.access_log import AccessLog
from gateway.seen.visits import MODEL, visit_of


def line_of(visit, form="json"):
    lines = []
    AccessLog(form, lines.append).told(visit)
    (line,) = lines
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return line.decode()


def test_a_line_tells_the_listed_fields_and_no_others():
    assert json.loads(line_of(visit_of())) == {
        "time": "2026-11-18T11:06:40.250Z",
        "id": "req_0123456789abcdef01234567",
        "client": "127.0.0.1",
        "method": "POST",
        "path": "/v1/chat/completions",
        "endpoint": "chat",
        "status": 200,
        "code": None,
        "key": "key_abcdefabcdef",
        "key_name": "team a",
        "asked_model": "sonnet",
        "model": MODEL,
        "account": "default",
        "attempts": 1,
        "stream": False,
        "ms": 500.0,
        "upstream_ms": 300.0,
        "first_byte_ms": 350.0,
        "bytes_in": 0,
        "bytes_out": 0,
        "chunks": 0,
        "input_tokens": 10,
        "output_tokens": 20,
        "cache_read_tokens": 5,
        "cache_write_tokens": 7,
        "cost_usd": 0.00125,
        "adapted": None,
        "left": False,
    }


def test_a_request_that_ended_at_the_door_has_a_line_too():
    visit = visit_of(
        key=None,
        model=None,
        asked_model=None,
        account=None,
        first_byte_at=None,
        ended_at=None,
        cost=None,
        usages={},
        status=401,
        code="invalid_api_key",
    )
    told = json.loads(line_of(visit))
    assert told["code"] == "invalid_api_key"
    assert told["key"] is None
    assert told["cost_usd"] is None
    assert told["ms"] == 0


def test_seconds_are_told_anew_when_they_change():
    first, second = (json.loads(line_of(visit_of(began=began)))["time"] for began in (0.0, 61.5))
    assert (first, second) == ("1970-01-01T00:00:00.000Z", "1970-01-01T00:01:01.500Z")


def test_text_tells_the_same_and_leaves_out_what_is_not_there():
    line = line_of(visit_of(code=None, left=True), "text")
    assert line.startswith("time=2026-11-18T11:06:40.250Z id=req_")
    assert ' key_name="team a" ' in line
    assert " status=200 " in line
    assert " stream=false " in line
    assert "code=" not in line
    assert line.endswith(" left=true\n")


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_path_cannot_make_lines_or_fields_of_its_own(form):
    path = '/a\nstatus=500 key="root"\u2028\x00'
    line = line_of(visit_of(path=path), form)
    assert len(line.splitlines()) == 1
    if form == "text":
        assert ' path="/a\\\\nstatus=500 key=\\"root\\"' in line


texts = st.text(max_size=300)


@given(texts, texts, texts, texts, texts)
def test_whatever_callers_send_each_line_is_json(path, method, asked, model, client):
    visit = visit_of(path=path, method=method, asked_model=asked, model=model, client=client)
    visit.key = Key("key_abcdefabcdef", path, 0.0)
    told = json.loads(line_of(visit))
    assert all(len(told[name]) <= 200 for name in ("path", "asked_model", "model", "client"))
    assert line_of(visit, "text").isprintable() is False  # only for its end:
    assert line_of(visit, "text")[:-1].isprintable()
