from __future__ import annotations

import json
import logging
import subprocess
import sys
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.gateway.keys import Key
from claif_cla.gateway.seen import Seen
from claif_cla.gateway.seen import seen as module
from claif_cla.gateway.visit import Usage, Visit
from gateway.seen.visits import ACCOUNT_KEY, REDIS_PASSWORD, config_of, secretive, visit_of


class Sink:
    def __init__(self):
        self.text = b""

    def __call__(self, data):
        self.text += data

    @property
    def lines(self):
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def sink():
    return Sink()


def test_a_request_is_in_the_log_and_on_the_page(sink):
    seen = Seen(config_of(), sink)
    visit = visit_of()
    seen.started(visit, {"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"})
    assert visit.trace is None  # so that the upstream tells nobody of its attempts
    seen.content(visit, {}, {})
    seen.finished(visit)
    seen.close()
    assert [line["id"] for line in sink.lines] == [visit.id]
    assert b'claif_requests_total{endpoint="chat"' in seen.metrics_page()[0]


def test_what_is_switched_off_is_not_told(sink):
    seen = Seen(config_of(log={"access": False}, metrics={"enabled": False}), sink)
    seen.finished(visit_of())
    seen.close()
    assert sink.text == b""
    assert b"claif_requests_total{" not in seen.metrics_page()[0]


def test_a_reload_keeps_counts_and_lines_and_takes_the_new_form(sink):
    seen = Seen(config_of(), sink)
    seen.finished(visit_of())
    seen.reload(config_of(log={"format": "text"}))
    seen.finished(visit_of())
    seen.reload(config_of(log={"access": False}))
    seen.finished(visit_of())
    seen.close()
    first, second = sink.text.splitlines()
    assert json.loads(first)["status"] == 200
    assert b" status=200 " in second
    assert b'stream="false"} 3.0' in seen.metrics_page()[0]


def test_after_a_reload_new_secrets_are_blotted_out(sink):
    seen = Seen(config_of(), sink)
    seen.reload(secretive())
    seen.finished(visit_of(path=f"/{ACCOUNT_KEY}"))
    seen.close()
    assert sink.lines[0]["path"] == "/***"


def test_lines_that_are_dropped_are_on_the_page(sink):
    seen = Seen(config_of(), sink)
    seen.close()
    seen.finished(visit_of())
    assert b"\nclaif_log_lines_dropped 1.0\n" in seen.metrics_page()[0]


def test_planted_secrets_are_neither_in_the_log_nor_on_the_page(sink, caplog):
    seen = Seen(secretive(), sink)
    for secret in (ACCOUNT_KEY, REDIS_PASSWORD, "sk-ant-planted", "claif-planted00"):
        visit = visit_of(
            method=secret,
            path=f"/v1/{secret}",
            endpoint=secret,
            client=secret,
            asked_model=secret,
            model=secret,
            account=secret,
            code=secret,
            adapted=secret,
            key=Key("key_abcdefabcdef", secret, 0.0),
            usages={0: Usage(secret, {secret: 1, "input_tokens": secret})},
        )
        visit.endpoint = "chat"
        seen.finished(visit)
        seen.finished(visit_of(path=f"/v1/{secret}", asked_model={secret: secret}))
    seen.close()
    assert len(sink.lines) == 8
    for text in (sink.text.decode(), seen.metrics_page()[0].decode(), caplog.text):
        for secret in (ACCOUNT_KEY, REDIS_PASSWORD, "planted"):
            assert secret not in text


def test_a_failure_is_told_once_without_what_the_caller_sent(sink, caplog):
    seen = Seen(config_of(), sink)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            seen.finished(visit_of(usages={0: Usage("sk-ant-planted", {"input_tokens": 1})}, key=7))
    seen.close()
    (record,) = [record for record in caplog.records if "could not be told" in record.message]
    assert "AttributeError (access_log.py:" in record.message
    assert "planted" not in caplog.text


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.binary(max_size=10),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.integers(), st.none() | st.builds(Usage, st.text(), st.none()), max_size=2),
)
NAMES = [field.name for field in fields(Visit) if field.name != "id"]


@given(st.dictionaries(st.sampled_from(NAMES), anything))
def test_nothing_that_a_visit_holds_makes_it_raise(facts):
    visit = Visit("req_1")
    for name, value in facts.items():
        setattr(visit, name, value)
    SHARED.started(visit, {})
    SHARED.content(visit, facts, facts)
    SHARED.finished(visit)
    assert SHARED.metrics_page()[0]


SHARED = Seen(config_of(), lambda data: None)


def without_telemetry(*_):
    raise ImportError("telemetry needs a library")


def test_telemetry_that_is_asked_for_and_not_there_is_an_error_at_the_start():
    with pytest.raises(ImportError, match="needs a library"):
        Seen(config_of(telemetry={"traces": True}), tracing_of=without_telemetry)


def test_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "claif_cla.gateway.seen.tracing", None)
    with pytest.raises(ImportError, match=r"pip install 'claif_cla\[otel\]'"):
        module._tracing(config_of(), None, None)


def test_a_reload_without_the_library_is_told_and_all_goes_on(sink, caplog):
    seen = Seen(config_of(), sink, tracing_of=without_telemetry)
    seen.reload(config_of(telemetry={"metrics": True}))
    seen.finished(visit_of())
    seen.close()
    assert len(sink.lines) == 1
    assert "telemetry stays as it was" in caplog.text


def test_without_telemetry_nothing_of_opentelemetry_is_imported():
    code = """
import sys
from claif_cla.gateway.config import Config
from claif_cla.gateway.seen import Seen
from claif_cla.gateway.visit import Visit
seen = Seen(Config(), lambda data: None)
visit = Visit("req_1")
seen.started(visit, {})
seen.finished(visit)
seen.close()
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
