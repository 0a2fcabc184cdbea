from __future__ import annotations

import re

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")

from claif_cla.gateway.seen import otel
from claif_cla.gateway.seen.access_log import fields
from claif_cla.gateway.seen.metrics import Metrics
from claif_cla.gateway.seen.reference import (
    ATTRIBUTES,
    LOG_FIELDS,
    log_reference,
    metrics_reference,
    otel_metrics_reference,
    spans_reference,
)
from gateway.seen.visits import config_of, visit_of


def names(table):
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def test_the_log_s_fields_are_all_told_and_no_others():
    assert names(log_reference()) == list(fields(visit_of())) == list(LOG_FIELDS)


def test_the_attributes_that_have_a_meaning_are_those_of_the_spans():
    assert sorted(names(spans_reference())) == sorted(ATTRIBUTES)


def test_the_metrics_of_opentelemetry_are_all_told():
    assert sorted(names(otel_metrics_reference())) == sorted(otel.BUCKETS)


def test_each_metric_of_the_page_is_told_with_its_labels():
    metrics = Metrics(config_of(), per_key=True)
    table = metrics_reference(metrics)
    page = metrics.page()[0].decode()
    assert sorted(names(table)) == sorted(re.findall(r"^# TYPE (claif_\w+) ", page, re.MULTILINE))
    for name in names(table):
        row = next(line for line in table.splitlines() if f"`{name}`" in line)
        shown = re.findall(rf"^{name}(?:_sum)?\{{(.*)\}} ", page, re.MULTILINE)
        told = {label for labels in shown for label in re.findall(r'(\w+)="', labels)}
        assert all(f"`{label}`" in row for label in told)
