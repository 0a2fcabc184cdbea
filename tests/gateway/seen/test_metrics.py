from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as open_families,
)
from prometheus_client.parser import text_string_to_metric_families

from claif_cla.gateway.keys import Key
from claif_cla.gateway.seen.metrics import Metrics
from claif_cla.gateway.visit import Usage
from gateway.seen.visits import MODEL, config_of, secretive, visit_of


def samples_of(metrics):
    """`{(name, labels): value}` of our own metrics on the page."""
    page, _ = metrics.page()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if sample.name.startswith("claif_")
    }


def told(metrics, name, **labels):
    return samples_of(metrics).get((f"claif_{name}", tuple(sorted(labels.items()))))


def metrics_of(*visits, config=None, **options):
    metrics = Metrics(config or config_of(), **options)
    for visit in visits:
        metrics.finished(visit)
    return metrics


def test_a_request_is_counted_by_endpoint_status_and_stream():
    metrics = metrics_of(visit_of(), visit_of(), visit_of(streamed=True))
    assert told(metrics, "requests_total", endpoint="chat", status="200", stream="false") == 2
    assert told(metrics, "requests_total", endpoint="chat", status="200", stream="true") == 1


def test_durations_are_those_of_the_visit():
    metrics = metrics_of(visit_of())
    assert told(metrics, "request_seconds_sum", endpoint="chat") == 0.5
    assert told(metrics, "first_byte_seconds_sum", endpoint="chat") == pytest.approx(0.35)
    assert told(metrics, "upstream_seconds_sum", account="default") == 0.3
    assert told(metrics, "overhead_seconds_sum", endpoint="chat") == pytest.approx(0.2)


def test_the_gateways_share_is_told_of_whole_answers_only():
    metrics = metrics_of(visit_of(streamed=True, chunks=7))
    assert told(metrics, "overhead_seconds_count", endpoint="chat") is None
    assert told(metrics, "chunks_total", endpoint="chat") == 7


def test_tokens_are_counted_by_model_and_kind_and_costs_by_model():
    metrics = metrics_of(visit_of(), visit_of())
    for kind, count in (("input", 20), ("output", 40), ("cache_read", 10), ("cache_write", 14)):
        assert told(metrics, "tokens_total", model=MODEL, kind=kind) == count
    assert told(metrics, "cost_usd_total", model=MODEL) == pytest.approx(0.0025)


@pytest.mark.parametrize("count", [-1, 1.5, "3", None, True, 10**30, float("nan")])
def test_a_count_that_is_none_is_not_counted(count):
    metrics = metrics_of(visit_of(usages={0: Usage(MODEL, {"input_tokens": count})}))
    assert told(metrics, "tokens_total", model=MODEL, kind="input") is None


def test_upstream_attempts_are_told_by_account_and_outcome_and_retries_apart():
    metrics = metrics_of(visit_of(attempts=3), visit_of(status=429))
    assert told(metrics, "upstream_answers_total", account="default", outcome="ok") == 1
    assert told(metrics, "upstream_answers_total", account="default", outcome="rate_limited") == 1
    assert told(metrics, "upstream_retries_total") == 2


def test_errors_tell_who_found_them():
    denied = visit_of(status=401, code="invalid_api_key", attempts=0)
    failed = visit_of(status=529, code="overloaded_error")
    metrics = metrics_of(denied, failed)
    by_us = {"endpoint": "chat", "code": "invalid_api_key", "by": "gateway"}
    assert told(metrics, "errors_total", **by_us) == 1
    by_them = {"endpoint": "chat", "code": "overloaded_error", "by": "upstream"}
    assert told(metrics, "errors_total", **by_them) == 1


@pytest.mark.parametrize("endpoint", ["chat", "messages"])
def test_spent_budgets_are_counted_from_nought(endpoint):
    """A counter that comes with its first event has no rate, and who is refused does not return."""
    told_of = {"endpoint": endpoint, "code": "insufficient_quota", "by": "gateway"}
    assert told(metrics_of(), "errors_total", **told_of) == 0
    spent = visit_of(endpoint=endpoint, status=429, code="insufficient_quota", attempts=0)
    assert told(metrics_of(spent), "errors_total", **told_of) == 1


def test_disconnects_and_adaptations_are_counted():
    metrics = metrics_of(visit_of(left=True, adapted="seed"))
    assert told(metrics, "disconnects_total", endpoint="chat") == 1
    assert told(metrics, "adapted_requests_total") == 1


def test_keys_are_no_label_unless_that_is_wanted():
    assert b"key_abcdefabcdef" not in metrics_of(visit_of()).page()[0]
    metrics = metrics_of(visit_of(), per_key=True)
    assert told(metrics, "key_requests_total", key="key_abcdefabcdef") == 1
    assert told(metrics, "key_cost_usd_total", key="key_abcdefabcdef") == 0.00125


def test_a_gauge_is_asked_when_the_page_is_and_may_fail():
    metrics = metrics_of()
    value = 1.0
    metrics.gauge("fine", "Fine.", lambda: value)
    metrics.gauge("bad", "Bad.", lambda: 1 / 0)
    value = 2.0
    assert told(metrics, "fine") == 2.0
    assert math.isnan(told(metrics, "bad"))


def test_gauges_tell_one_figure_for_each():
    metrics = metrics_of()
    metrics.gauges("cooling", "Cooling.", "account", lambda: [("eu", True), ("us", False)])
    metrics.gauges("bad", "Bad.", "account", lambda: [1 / 0])
    assert told(metrics, "cooling", account="eu") == 1
    assert told(metrics, "cooling", account="us") == 0
    assert not [name for name, _ in samples_of(metrics) if name == "claif_bad"]


def test_a_counter_without_labels_is_there_from_the_beginning():
    assert told(metrics_of(), "upstream_retries_total") == 0


def test_a_bucket_holds_what_is_not_longer_than_its_bound():
    metrics = metrics_of(*(visit_of(started_at=0.0, ended_at=end) for end in (0.1, 0.25, 9999.0)))
    buckets = {"0.1": 1, "0.25": 2, "600.0": 2, "+Inf": 3}
    for bound, count in buckets.items():
        assert told(metrics, "request_seconds_bucket", endpoint="chat", le=bound) == count
    assert told(metrics, "request_seconds_count", endpoint="chat") == 3
    assert told(metrics, "request_seconds_sum", endpoint="chat") == pytest.approx(9999.35)


def test_the_page_tells_of_the_process_too():
    assert b"\npython_info{" in metrics_of().page()[0]


def test_a_scraper_that_takes_openmetrics_gets_it():
    metrics = metrics_of(visit_of())
    page, kind = metrics.page("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2")
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert page.endswith(b"# EOF\n")
    names = {family.name for family in open_families(page.decode())}
    assert {"claif_requests", "claif_request_seconds", "claif_tokens"} <= names


@pytest.mark.parametrize(
    "accept", ["", "*/*", "text/plain", "application/openmetrics-textual", "text/html; version=x"]
)
def test_any_other_gets_plain_text(accept):
    page, kind = metrics_of(visit_of()).page(accept)
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    assert list(text_string_to_metric_families(page.decode()))


words = st.text(max_size=80)
visits = st.builds(
    visit_of,
    path=words,
    method=words,
    endpoint=words,
    model=words,
    asked_model=words,
    account=words,
    code=st.none() | words,
    status=st.integers(-1, 2_000),
    key=st.builds(Key, words, words, st.just(0.0)),
    usages=st.dictionaries(
        st.integers(), st.builds(Usage, words, st.dictionaries(words, st.integers())), max_size=2
    ),
)
BOUNDED = {
    "endpoint": 10,
    "status": 80,
    "stream": 2,
    "account": 5,
    "model": 60,
    "kind": 4,
    "outcome": 8,
    "code": 66,
    "by": 2,
}


@given(st.lists(visits, max_size=20))
def test_whatever_callers_send_labels_stay_bounded(found):
    metrics = SHARED
    for visit in found:
        metrics.finished(visit)
    values = {}
    for _, labels in samples_of(metrics):
        for name, value in labels:
            if name != "le":
                values.setdefault(name, set()).add(value)
    assert set(values) <= set(BOUNDED)
    for name, there in values.items():
        assert len(there) <= BOUNDED[name], name


SHARED = Metrics(secretive())
