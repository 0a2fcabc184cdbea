from __future__ import annotations

import json
import threading
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")

from opentelemetry import trace as global_trace
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from claif_cla.gateway.seen import Seen, genai, otel
from claif_cla.gateway.seen.attempts import Attempts
from claif_cla.gateway.seen.tracing import Tracing
from claif_cla.gateway.upstream.errors import UpstreamTimeout
from claif_cla.gateway.upstream.exchange import Trouble
from claif_cla.gateway.visit import Usage, Visit
from gateway.seen.visits import ACCOUNT_KEY, MODEL, REDIS_PASSWORD, config_of, secretive, visit_of
from loopback import json_answer

PARENT = {"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01", "tracestate": "a=b"}
UNSAMPLED = {"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-00"}
ON = {"traces": True, "metrics": True}


@pytest.fixture(autouse=True)
def _patience_with_collectors(monkeypatch):
    monkeypatch.setattr(otel, "CLOSE_SECONDS", 60.0)


class Answer:
    """An exchange, as far as spans tell of one."""

    def __init__(self, status=200):
        self.status = status


def sent(visit, answer=None, trouble=None, *, account="default"):
    """One attempt, as the upstream makes them; what it tells upstream."""
    attempt = visit.trace.attempt(visit, "POST", account) if visit.trace else None
    visit.attempts += 1
    if attempt is None:
        return {}
    visit.trace.came(attempt, answer, trouble)
    return attempt.headers


class Observed:
    """A `Seen` whose spans and metrics stay in memory."""

    def __init__(self, config=None, **telemetry):
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.seen = Seen(
            config or config_of(telemetry={**ON, **telemetry}, log={"access": False}),
            lambda data: None,
            lambda config, clean, labels: Tracing(
                config,
                clean,
                labels,
                processor=SimpleSpanProcessor(self.exporter),
                reader=self.reader,
            ),
        )

    def told(self, visit, headers=None, request=None, answer=None):
        """One request from its beginning to its end; what went upstream with it."""
        exchange, visit.attempts = Answer(visit.status), 0
        if isinstance(visit.usages, dict):
            visit.usages = dict(zip([exchange], visit.usages.values(), strict=False))
        self.seen.started(visit, headers or {})
        told = sent(visit, exchange)
        if request is not None:
            self.seen.content(visit, request, answer)
        self.seen.finished(visit)
        return told

    @property
    def spans(self):
        return self.exporter.get_finished_spans()

    def span(self, kind):
        (found,) = [span for span in self.spans if span.kind is kind]
        return found

    def points(self):
        """`{name: points}` of the metrics."""
        found = self.reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in (found.resource_metrics if found else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def observed():
    return Observed()


def test_a_request_is_a_span_with_one_for_upstream_inside(observed):
    observed.told(visit_of(), PARENT)
    server, client = observed.span(SpanKind.SERVER), observed.span(SpanKind.CLIENT)
    assert server.name == "POST /v1/chat/completions"
    assert format(server.context.trace_id, "032x") == "1" * 32
    assert format(server.parent.span_id, "016x") == "2" * 16
    assert client.name == f"chat {MODEL}"
    assert client.parent.span_id == server.context.span_id
    assert server.end_time - server.start_time == pytest.approx(0.5e9, abs=1e6)
    assert server.start_time == pytest.approx(1_795_000_000.25e9, abs=1e6)


def test_the_spans_tell_what_the_conventions_ask_for(observed):
    observed.told(visit_of())
    server, client = observed.span(SpanKind.SERVER), observed.span(SpanKind.CLIENT)
    assert dict(server.attributes) == {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": "/v1/chat/completions",
        "client.address": "127.0.0.1",
        "claif.request.id": "req_0123456789abcdef01234567",
        "claif.upstream.attempts": 1,
        "claif.key.id": "key_abcdefabcdef",
        "claif.cost_usd": 0.00125,
    }
    assert dict(client.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": MODEL,
        "gen_ai.response.model": MODEL,
        "gen_ai.request.stream": False,
        "gen_ai.usage.input_tokens": 22,  # what the cache served and took is counted in
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 5,
        "gen_ai.usage.cache_creation.input_tokens": 7,
        "server.address": "api.anthropic.com",
        "server.port": 443,
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "claif.upstream.account": "default",
        "claif.upstream.attempt": 1,
    }
    assert client.status.status_code is StatusCode.UNSET


def test_upstream_is_told_the_span_that_it_answers(observed):
    sent = observed.told(visit_of(), PARENT)
    client = observed.span(SpanKind.CLIENT)
    assert sent["traceparent"] == f"00-{'1' * 32}-{client.context.span_id:016x}-01"
    assert sent["tracestate"] == "a=b"


def test_a_state_of_the_trace_with_a_key_in_it_stays_here(observed):
    sent = observed.told(visit_of(), {**PARENT, "tracestate": "a=sk-planted-0123456789"})
    assert sent["traceparent"].startswith(f"00-{'1' * 32}-")
    assert "tracestate" not in sent
    assert "planted" not in "".join(span.to_json() for span in observed.spans)


BUSY = Trouble(529, again=True, elsewhere=True)
LATE = Trouble(0, again=False, elsewhere=False, failure=UpstreamTimeout("late"))


def test_each_attempt_is_a_span_of_its_own_that_upstream_is_told(observed):
    visit = visit_of(attempts=0)
    observed.seen.started(visit, PARENT)
    told = [
        sent(visit, Answer(529), BUSY),
        sent(visit, None, LATE),
        sent(visit, Answer(), account="simulator"),
    ]
    observed.seen.finished(visit)
    server = observed.span(SpanKind.SERVER)
    spans = [span for span in observed.spans if span.kind is SpanKind.CLIENT]
    assert [span.parent.span_id for span in spans] == [server.context.span_id] * 3
    assert [it["traceparent"].split("-")[2] for it in told] == [
        format(span.context.span_id, "016x") for span in spans
    ]
    names = ("claif.upstream.attempt", "http.request.resend_count", "http.response.status_code")
    names += ("claif.upstream.account", "error.type")
    assert [tuple(span.attributes.get(name) for name in names) for span in spans] == [
        (1, None, 529, "default", "529"),
        (2, 1, None, "default", "upstream_timeout"),
        (3, 2, 200, "simulator", None),
    ]
    assert [span.status.status_code for span in spans] == [
        StatusCode.ERROR,
        StatusCode.ERROR,
        StatusCode.UNSET,
    ]
    assert server.attributes["claif.upstream.attempts"] == 3


def test_of_several_answers_each_span_has_what_its_own_used(observed):
    one, other = Answer(), Answer()
    usages = {one: Usage("m1", {"output_tokens": 3}), other: Usage("m2", {"output_tokens": 5})}
    visit = visit_of(attempts=0, usages=usages)
    observed.seen.started(visit, {})
    sent(visit, one)
    sent(visit, other)
    observed.seen.finished(visit)
    spans = [span for span in observed.spans if span.kind is SpanKind.CLIENT]
    assert [span.attributes[genai.OUTPUT_TOKENS] for span in spans] == [3, 5]
    assert [span.attributes[genai.RESPONSE_MODEL] for span in spans] == ["m1", "m2"]


def test_an_attempt_that_the_caller_did_not_wait_for_ends_with_the_request(observed):
    visit = visit_of(attempts=0, status=499, left=True, usages={})
    observed.seen.started(visit, {})
    visit.trace.attempt(visit, "POST", "default")
    observed.seen.finished(visit)
    client = observed.span(SpanKind.CLIENT)
    assert client.attributes["error.type"] == "499"
    assert "http.response.status_code" not in client.attributes


def test_what_is_no_generation_is_a_plain_request(observed):
    observed.told(visit_of(endpoint="models", model=None, usages={}))
    client = observed.span(SpanKind.CLIENT)
    assert client.name == "POST"
    assert not [name for name in client.attributes if name.startswith("gen_ai.")]


def test_an_attempt_whose_span_cannot_be_made_is_made_all_the_same(observed, monkeypatch, caplog):
    monkeypatch.setattr(Attempts, "begun", lambda *given: 1 / 0)
    assert observed.told(visit_of()) == {}
    (span,) = observed.spans
    assert span.kind is SpanKind.SERVER
    assert "ZeroDivisionError" in caplog.text


def test_a_request_that_never_went_upstream_is_one_span(observed):
    visit = visit_of(status=401, code="invalid_api_key", attempts=0)
    observed.seen.started(visit, {})
    observed.seen.finished(visit)
    (span,) = observed.spans
    assert span.attributes["error.type"] == "invalid_api_key"
    assert span.status.status_code is StatusCode.UNSET  # the caller's error


def test_an_error_of_upstream_is_one_of_both_spans(observed):
    observed.told(visit_of(status=529, code="overloaded_error"))
    for kind in (SpanKind.SERVER, SpanKind.CLIENT):
        span = observed.span(kind)
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description is None
        assert span.attributes["error.type"] == "overloaded_error"


def test_a_stream_that_breaks_in_the_middle_is_an_error(observed):
    observed.told(visit_of(streamed=True, code="api_error"))
    assert observed.span(SpanKind.SERVER).status.status_code is StatusCode.ERROR


def test_a_refusal_is_an_error_of_the_client_span_alone(observed):
    observed.told(visit_of(status=400, code="invalid_request_error"))
    assert observed.span(SpanKind.SERVER).status.status_code is StatusCode.UNSET
    assert observed.span(SpanKind.CLIENT).status.status_code is StatusCode.ERROR


def test_a_stream_tells_its_first_chunk(observed):
    visit = visit_of(streamed=True)
    observed.seen.started(visit, {})
    sent(visit, Answer())
    visit.first_byte_at = visit.trace.running[0].sent_at + 1.5
    observed.seen.finished(visit)
    client = observed.span(SpanKind.CLIENT)
    assert client.attributes[genai.FIRST_CHUNK] == pytest.approx(1.5)


@pytest.mark.parametrize("endpoint", ["health", "ready", "metrics"])
def test_what_is_asked_every_few_seconds_is_not_traced(observed, endpoint):
    observed.told(visit_of(endpoint=endpoint))
    assert observed.spans == ()


def test_an_unknown_method_and_path_make_no_span_names(observed):
    visit = visit_of(method="X" * 50, endpoint="none", path="/x/y")
    observed.seen.started(visit, {})
    observed.seen.finished(visit)
    assert observed.span(SpanKind.SERVER).name == "_OTHER"


def test_the_share_is_of_those_that_no_caller_traces():
    observed = Observed(sample=0.0)
    assert observed.told(visit_of()) == {}
    assert observed.spans == ()
    observed.told(visit_of(), PARENT)
    assert len(observed.spans) == 2


def test_a_caller_who_does_not_sample_is_heeded_and_upstream_is_told_of_no_trace(observed):
    assert observed.told(visit_of(), UNSAMPLED, REQUEST) == {}
    assert observed.spans == ()
    assert genai.CLIENT_DURATION in observed.points()  # metrics count every request


def test_the_end_is_told_once(observed):
    visit = visit_of()
    observed.told(visit)
    observed.seen.finished(visit)
    assert len(observed.spans) == 2
    assert visit.trace is None


REQUEST = {"messages": [{"role": "user", "content": f"my key is sk-ant-planted and {ACCOUNT_KEY}"}]}
ANSWER = {"choices": [{"message": {"role": "assistant", "content": "hello"}}]}


def test_content_is_told_only_where_that_is_wanted(observed):
    observed.told(visit_of(), None, REQUEST, ANSWER)
    for span in observed.spans:
        assert not [name for name in span.attributes if "messages" in name or "system" in name]


def test_content_that_is_wanted_is_told_without_keys():
    observed = Observed(secretive(telemetry={**ON, "content": True}, log={"access": False}))
    observed.told(visit_of(), None, REQUEST, ANSWER)
    attributes = observed.span(SpanKind.CLIENT).attributes
    asked = json.loads(attributes[genai.INPUT_MESSAGES])
    assert asked[0]["parts"][0]["content"] == "my key is *** and ***"
    assert json.loads(attributes[genai.OUTPUT_MESSAGES])[0]["parts"][0]["content"] == "hello"


def test_planted_secrets_are_in_no_span_and_no_metric():
    observed = Observed(secretive(telemetry=ON, log={"access": False}))
    for secret in (ACCOUNT_KEY, REDIS_PASSWORD, "sk-ant-planted", "claif-planted00"):
        observed.told(
            visit_of(
                method=secret,
                path=f"/v1/{secret}",
                client=secret,
                asked_model=secret,
                model=secret,
                account=secret,
                code=secret,
                adapted=secret,
                usages={0: Usage(secret, {secret: 1, "input_tokens": 1})},
            ),
            {"authorization": f"Bearer {secret}", "traceparent": secret, "tracestate": secret},
        )
    assert len(observed.spans) == 8
    told = "".join(span.to_json() for span in observed.spans)
    told += observed.reader.get_metrics_data().to_json()
    for secret in (ACCOUNT_KEY, REDIS_PASSWORD, "planted"):
        assert secret not in told


def test_metrics_tell_durations_and_tokens(observed):
    observed.told(visit_of(streamed=True))
    points = observed.points()
    (served,) = points[genai.SERVER_DURATION]
    assert served.sum == pytest.approx(0.5)
    assert dict(served.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": MODEL,
        "gen_ai.response.model": MODEL,
        "server.address": "api.anthropic.com",
        "server.port": 443,
    }
    tokens = {
        point.attributes[genai.TOKEN_TYPE]: point.sum for point in points[genai.CLIENT_TOKENS]
    }
    assert tokens == {"input": 22, "output": 20}
    assert points[genai.SERVER_FIRST_TOKEN][0].sum == pytest.approx(0.35)
    assert points[genai.SERVER_TOKEN_TIME][0].sum == pytest.approx(0.15 / 19)
    assert set(points) == set(otel.BUCKETS)
    for name, buckets in otel.BUCKETS.items():
        assert tuple(points[name][0].explicit_bounds) == tuple(map(float, buckets))


def test_upstreams_share_begins_when_it_is_asked(observed):
    visit = visit_of(streamed=True)
    observed.seen.started(visit, {})
    sent(visit, Answer())
    visit.first_byte_at, visit.ended_at = visit.trace.sent_at + 1.0, visit.trace.sent_at + 2.0
    observed.seen.finished(visit)
    points = observed.points()
    assert points[genai.CLIENT_DURATION][0].sum == pytest.approx(2.0)
    assert points[genai.CLIENT_FIRST_CHUNK][0].sum == pytest.approx(1.0)


def test_metrics_leave_out_what_never_went_upstream(observed):
    visit = visit_of(status=429, code="rate_limit_exceeded", attempts=0, usages={})
    observed.seen.started(visit, {})
    observed.seen.finished(visit)
    points = observed.points()
    assert set(points) == {genai.SERVER_DURATION}
    assert points[genai.SERVER_DURATION][0].attributes["error.type"] == "rate_limit_exceeded"


def test_metrics_alone_make_no_spans():
    observed = Observed(traces=False)
    assert observed.told(visit_of(), PARENT) == {}
    assert observed.spans == ()
    assert genai.CLIENT_DURATION in observed.points()


def test_spans_alone_make_no_metrics():
    observed = Observed(metrics=False)
    observed.told(visit_of())
    assert len(observed.spans) == 2
    assert observed.points() == {}


def test_attributes_of_metrics_are_bounded(observed):
    for number in range(300):
        observed.told(visit_of(model=f"m{number}", code=f"c{number}", usages={}))
    assert len(observed.points()[genai.SERVER_DURATION]) == 1


def test_a_reload_with_the_same_telemetry_tells_of_the_new_upstream(observed):
    config = config_of(
        telemetry=ON, upstream={"base_url": "http://127.0.0.1:9"}, log={"access": False}
    )
    observed.seen.reload(config)
    observed.told(visit_of())
    client = observed.span(SpanKind.CLIENT)
    assert client.attributes["server.address"] == "127.0.0.1"
    assert client.attributes["server.port"] == 9
    assert observed.points()[genai.CLIENT_DURATION][0].attributes["server.port"] == 9


def test_a_reload_can_end_it(observed):
    visit = visit_of()
    observed.seen.started(visit, {})
    observed.seen.reload(config_of())
    observed.seen.finished(visit)  # it began with traces and ends without
    later = visit_of()
    observed.seen.started(later, {})
    assert later.trace is None
    assert observed.spans == ()


def test_the_simulator_is_told_by_name():
    config = config_of(telemetry=ON, upstream={"backend": "simulator"}, log={"access": False})
    observed = Observed(config)
    observed.told(visit_of())
    assert observed.span(SpanKind.CLIENT).attributes["server.address"] == "simulator"


def test_the_providers_of_the_process_stay_as_they_are(observed):
    observed.told(visit_of())
    assert not hasattr(global_trace.get_tracer_provider(), "add_span_processor")


headers = st.dictionaries(
    st.sampled_from(["traceparent", "tracestate", "baggage"]), st.text(max_size=80)
)
anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)


@given(
    headers,
    st.dictionaries(
        st.sampled_from([field.name for field in fields(Visit) if field.name != "id"]),
        anything,
    ),
)
def test_nothing_that_callers_send_or_a_visit_holds_makes_it_raise(given_headers, facts):
    visit = Visit("req_1", endpoint="chat")
    for name, value in facts.items():
        setattr(visit, name, value)
    before = SHARED.exporter
    SHARED.told(visit, given_headers, facts, facts)
    before.clear()


SHARED = Observed(content=True)


def test_the_names_are_those_of_the_package():
    package = "opentelemetry.semconv._incubating"
    attributes = pytest.importorskip(f"{package}.attributes.gen_ai_attributes")
    metrics = pytest.importorskip(f"{package}.metrics.gen_ai_metrics")
    if not hasattr(attributes, "GEN_AI_REQUEST_STREAM"):
        pytest.skip("the installed conventions are older than the names")
    ours = {
        value
        for name, value in vars(genai).items()
        if name.isupper() and isinstance(value, str) and value.startswith("gen_ai.")
    }
    known = {
        value
        for module in (attributes, metrics)
        for value in vars(module).values()
        if isinstance(value, str)
    }
    assert len(ours) > 15
    assert ours <= known


def test_the_end_does_not_wait_for_a_collector_that_is_stuck(monkeypatch):
    monkeypatch.setattr(otel, "CLOSE_SECONDS", 0.05)
    go, ended = threading.Event(), threading.Event()

    def stuck():
        go.wait(60)
        ended.set()

    otel.ended(stuck)
    assert not ended.is_set()
    go.set()
    assert ended.wait(30)


def test_a_collector_that_is_stuck_does_not_keep_the_other_waiting(monkeypatch):
    monkeypatch.setattr(otel, "CLOSE_SECONDS", 0.05)
    go, told = threading.Event(), threading.Event()
    otel.ended(lambda: go.wait(60), told.set)
    assert told.wait(30)
    go.set()


@pytest.mark.parametrize(
    ("content", "spans"),
    [(False, otel.MAX_WAITING_SPANS), (True, otel.MAX_WAITING_CONTENT)],
)
def test_spans_with_content_wait_in_smaller_numbers(content, spans, monkeypatch):
    found = []

    def batches(exporter, max_queue_size, max_export_batch_size=512):
        found.append((max_queue_size, max_export_batch_size))
        return SimpleSpanProcessor(InMemorySpanExporter())

    monkeypatch.setattr(otel, "BatchSpanProcessor", batches)
    telemetry = {"traces": True, "content": content, "endpoint": "http://127.0.0.1:9"}
    otel.tracers(config_of(telemetry=telemetry)).shutdown()
    ((waiting, batch),) = found
    assert waiting == spans
    assert batch <= waiting


@pytest.mark.parametrize("signal", ["traces", "metrics"])
def test_what_waits_goes_to_the_collector_at_the_end(server, signal):
    config = config_of(
        telemetry={signal: True, "endpoint": server.url}, log={"access": False}, upstream={}
    )
    server.answer_with(lambda request: json_answer({}))
    seen = Seen(config, lambda data: None)
    visit = visit_of()
    seen.started(visit, {})
    sent(visit, Answer())
    seen.finished(visit)
    seen.close()
    assert [request.path for request in server.requests] == [f"/v1/{signal}"]
    assert b"claif-gateway" in server.requests[0].body
    assert MODEL.encode() in server.requests[0].body


def test_the_environment_names_the_service(monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    observed = Observed()
    observed.told(visit_of())
    assert observed.spans[0].resource.attributes["service.name"] == "mine"
