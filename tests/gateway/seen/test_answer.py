from __future__ import annotations

import pytest

from claif_cla.gateway.seen import answer_headers
from claif_cla.gateway.visit import Visit
from gateway.seen.visits import MODEL, visit_of


def test_a_settled_answer_tells_its_id_times_model_and_cost():
    told = dict(answer_headers(visit_of(settled=True)))
    assert told[b"x-claif-request-id"] == b"req_0123456789abcdef01234567"
    assert told[b"x-claif-upstream-ms"] == b"300.0"
    assert told[b"x-claif-model"] == MODEL.encode()
    assert told[b"x-claif-cost-usd"] == b"0.001250"
    assert float(told[b"x-claif-overhead-ms"]) >= 0


def test_a_stream_that_begins_has_no_cost_yet():
    assert b"x-claif-cost-usd" not in dict(answer_headers(visit_of()))


def test_the_account_is_not_told():
    assert not any(b"account" in name for name, _ in answer_headers(visit_of()))


def test_a_request_that_has_just_come_tells_what_there_is():
    names = [name for name, _ in answer_headers(Visit("req_1"))]
    assert names == [b"x-claif-request-id", b"x-claif-upstream-ms", b"x-claif-overhead-ms"]


@pytest.mark.parametrize("model", ["a\r\nset-cookie: b", "naïve", "a b", "", "x" * 201, {"a": 1}])
def test_a_model_that_does_not_fit_into_a_header_is_not_told(model):
    assert b"x-claif-model" not in dict(answer_headers(visit_of(model=model)))
