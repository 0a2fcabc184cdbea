from __future__ import annotations

import json
from contextlib import contextmanager
from typing import NamedTuple

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from claif_cla.gateway.seen import genai
from gateway.conftest import UPSTREAM_KEY
from gateway.running import RunningGateway
from loopback import error_body, json_answer, message, sse, stream_of, streamed, text_block

PROMPT, ANSWER = "What is the password of the day?", "It is swordfish."
PARENT = {"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"}
TELEMETRY = ("/v1/traces", "/v1/metrics")


class Told(NamedTuple):
    """A span as the collector got it."""

    span: Span

    @property
    def attributes(self):
        return {it.key: it.value.string_value for it in self.span.attributes}


class Place:
    """A gateway whose upstream and collector are one server."""

    def __init__(self, server, config_of):
        self._server, self._config_of = server, config_of
        self.busy = 0
        server.answer_with(self._answer)

    def _answer(self, request):
        if request.path in TELEMETRY:
            return json_answer({})
        if self.busy > 0:
            self.busy -= 1
            return json_answer(error_body("overloaded_error", "busy"), 529, {"retry-after": "0"})
        if json.loads(request.body).get("stream"):
            return streamed(sse(stream_of([text_block(ANSWER)])))
        return json_answer(message([text_block(ANSWER)]))

    @contextmanager
    def running(self, **changes):
        """What has waited for the collector is there afterwards."""
        telemetry = {"telemetry.traces": True, "telemetry.endpoint": self._server.url}
        config = self._config_of({**telemetry, **changes}, only=self._server.url)
        with RunningGateway(config) as gateway, httpx2.Client(base_url=gateway.url) as http:
            yield http

    @property
    def upstream(self):
        return [it for it in self._server.requests if it.path not in TELEMETRY]

    @property
    def exported(self):
        return b"".join(it.body for it in self._server.requests if it.path in TELEMETRY)

    def span(self, kind):
        (found,) = self.spans(kind)
        return found

    def spans(self, kind):
        found = [
            Told(span)
            for it in self._server.requests
            if it.path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(it.body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
            if span.kind == kind
        ]
        return sorted(found, key=lambda told: told.span.start_time_unix_nano)


@pytest.fixture
def place(server, config_of):
    return Place(server, config_of)


def body_of(**more):
    messages = [{"role": "user", "content": PROMPT}]
    return {"model": "claude-sonnet-4-6", "max_tokens": 50, "messages": messages, **more}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_callers_trace_leads_through_the_gateway_to_upstream(place, path, stream):
    with place.running() as http:
        assert http.post(path, json=body_of(stream=stream), headers=PARENT).status_code == 200
    server, client = place.span(Span.SPAN_KIND_SERVER), place.span(Span.SPAN_KIND_CLIENT)
    assert server.span.trace_id.hex() == client.span.trace_id.hex() == "1" * 32
    assert server.span.parent_span_id.hex() == "2" * 16
    assert client.span.parent_span_id == server.span.span_id
    (sent,) = place.upstream
    assert sent.headers["traceparent"] == f"00-{'1' * 32}-{client.span.span_id.hex()}-01"
    assert client.attributes[genai.REQUEST_MODEL] == "claude-sonnet-4-6"
    assert client.attributes[genai.RESPONSE_MODEL] == "claude-opus-5-5"  # it answers as that


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_retry_is_a_span_of_its_own_that_upstream_is_told(place, path):
    place.busy = 1
    with place.running() as http:
        assert http.post(path, json=body_of(), headers=PARENT).status_code == 200
    server, (first, second) = place.span(Span.SPAN_KIND_SERVER), place.spans(Span.SPAN_KIND_CLIENT)
    assert {first.span.parent_span_id, second.span.parent_span_id} == {server.span.span_id}
    assert (first.attributes["error.type"], second.attributes.get("error.type")) == ("529", None)
    assert [it.headers["traceparent"].split("-")[2] for it in place.upstream] == [
        first.span.span_id.hex(),
        second.span.span_id.hex(),
    ]
    assert genai.RESPONSE_MODEL not in first.attributes
    assert second.attributes[genai.RESPONSE_MODEL] == "claude-opus-5-5"


@pytest.mark.parametrize("stream", [False, True])
def test_answers_side_by_side_have_each_their_span(place, stream):
    with place.running() as http:
        assert http.post("/v1/chat/completions", json=body_of(n=2, stream=stream)).is_success
    spans = place.spans(Span.SPAN_KIND_CLIENT)
    assert [span.attributes[genai.RESPONSE_MODEL] for span in spans] == ["claude-opus-5-5"] * 2
    sent = {it.headers["traceparent"].split("-")[2] for it in place.upstream}
    assert sent == {span.span.span_id.hex() for span in spans}


def test_without_traces_a_callers_trace_ends_at_the_gateway(place):
    with place.running(**{"telemetry.traces": False}) as http:
        http.post("/v1/chat/completions", json=body_of(), headers=PARENT)
    (sent,) = place.upstream
    assert "traceparent" not in sent.headers
    assert place.exported == b""


def test_content_leaves_the_gateway_only_where_that_is_wanted(place):
    with place.running() as http:
        http.post("/v1/chat/completions", json=body_of())
    assert place.exported
    assert PROMPT.encode() not in place.exported
    assert b"swordfish" not in place.exported


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_content_that_is_wanted_is_prompt_and_whole_answer(place, path):
    with place.running(**{"telemetry.content": True}) as http:
        http.post(path, json=body_of())
    told = place.span(Span.SPAN_KIND_CLIENT).attributes
    assert PROMPT in told[genai.INPUT_MESSAGES]
    assert ANSWER in told[genai.OUTPUT_MESSAGES]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_of_a_stream_the_prompt_alone_is_told(place, path):
    with place.running(**{"telemetry.content": True}) as http:
        http.post(path, json=body_of(stream=True))
    told = place.span(Span.SPAN_KIND_CLIENT).attributes
    assert PROMPT in told[genai.INPUT_MESSAGES]
    assert genai.OUTPUT_MESSAGES not in told


def test_no_secret_and_no_content_is_in_metrics_log_and_traces(place, keys, capfd):
    _, secret = keys.create("alice")
    bearer = {"authorization": f"Bearer {secret}"}
    changes = {"telemetry.metrics": True, "log.access": True, "metrics.public": True}
    with place.running(**changes) as http:
        assert http.post("/v1/chat/completions", json=body_of(), headers=bearer).is_success
        for where in ("/v1/chat/completions", f"/v1/{secret}", f"/v1/models/{secret}?key={secret}"):
            http.post(where, json=body_of(model=secret), headers=bearer)
            http.post(where, json=body_of(model=secret), headers={"x-api-key": "sk-ant-planted"})
        page = http.get("/metrics").text
    log = capfd.readouterr().err
    assert log.count('"endpoint":"chat"') == 3
    names = {family.name for family in text_string_to_metric_families(page)}
    assert {"claif_requests", "claif_tokens", "claif_cost_usd"} <= names
    assert genai.CLIENT_DURATION.encode() in place.exported
    for told in (page, log, place.exported.decode("latin-1")):
        for hidden in (secret, secret[:20], UPSTREAM_KEY, "planted", PROMPT, "swordfish"):
            assert hidden not in told
