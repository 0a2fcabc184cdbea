from __future__ import annotations

import pytest

from claif_cla.translate.headers import forwarded, merged_betas, to_openai

NOW = 1_795_000_000  # 2026-11-18T11:06:40Z
RESET = "anthropic-ratelimit-requests-reset"


@pytest.mark.parametrize(
    "name",
    [
        "OpenAI-Organization",
        "openai-project",
        "X-Stainless-Lang",
        "Idempotency-Key",
        "Cookie",
        "Host",
        "Content-Length",
        "Accept-Encoding",
        "User-Agent",
        "x-claif-adapted",
    ],
)
def test_what_is_not_anthropics_business_does_not_travel(name):
    assert forwarded({name: "secret"}) == {}


def test_the_callers_own_headers_travel_in_lower_case():
    given = {"X-Api-Key": "k", "Anthropic-Beta": "a", "X-Trace": "t"}
    assert forwarded(given) == {"x-api-key": "k", "anthropic-beta": "a", "x-trace": "t"}


@pytest.mark.parametrize(
    ("sources", "merged"),
    [
        ((), ""),
        ((None, ""), ""),
        (("a, b", ["b", "c"], None), "a,b,c"),
        ((["x", " "], "x"), "x"),
    ],
)
def test_betas_are_merged_in_order_and_once(sources, merged):
    assert merged_betas(*sources) == merged


def test_request_id_gets_openais_name_and_keeps_its_own():
    headers = to_openai({"request-id": "req_1"}, NOW)
    assert headers == {"request-id": "req_1", "x-request-id": "req_1"}


def test_request_id_of_aws_stands_in():
    assert to_openai({"x-amzn-requestid": "aws"}, NOW)["x-request-id"] == "aws"


def test_request_id_of_anthropic_wins_over_that_of_a_proxy():
    headers = to_openai({"request-id": "req_1", "x-request-id": "proxy"}, NOW)
    assert headers["x-request-id"] == "req_1"


def test_organization_gets_openais_name():
    headers = to_openai({"anthropic-organization-id": "org"}, NOW)
    assert headers["openai-organization"] == "org"


@pytest.mark.parametrize(
    "name", ["content-type", "content-length", "content-encoding", "transfer-encoding"]
)
def test_what_described_the_upstream_body_is_dropped(name):
    assert to_openai({name: "x"}, NOW) == {}


def test_retry_hints_pass():
    hints = {"retry-after": "3", "x-should-retry": "true"}
    assert to_openai(hints, NOW) == hints


def test_rate_limits_get_openais_names():
    headers = to_openai(
        {
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-remaining": "49",
            RESET: "2026-11-18T11:07:43Z",
            "anthropic-ratelimit-tokens-limit": "1000",
            "anthropic-ratelimit-input-tokens-limit": "900",
        },
        NOW,
    )
    assert headers["x-ratelimit-limit-requests"] == "50"
    assert headers["x-ratelimit-remaining-requests"] == "49"
    assert headers["x-ratelimit-reset-requests"] == "1m3s"
    assert headers["x-ratelimit-limit-tokens"] == "1000"
    assert headers[RESET] == "2026-11-18T11:07:43Z"


def test_input_tokens_stand_in_for_the_sum_of_both():
    headers = to_openai({"anthropic-ratelimit-input-tokens-remaining": "9"}, NOW)
    assert headers["x-ratelimit-remaining-tokens"] == "9"


@pytest.mark.parametrize(
    ("instant", "until"),
    [
        ("1970-01-01T00:00:00Z", "0ms"),
        ("1970-01-01T00:00:00.250000+00:00", "250ms"),
        ("1970-01-01T00:00:00.999900+00:00", "1s"),
        ("1970-01-01T00:00:12Z", "12s"),
        ("1970-01-01T00:01:03Z", "1m3s"),
        ("1970-01-01T00:06:00Z", "6m0s"),
        ("1970-01-01T00:00:59.700000+00:00", "1m0s"),
        ("1970-01-01T02:00:05Z", "2h0m5s"),
        ("1970-01-01T01:00:12+01:00", "12s"),
        ("1970-01-01T00:00:12", "12s"),
        ("1969-12-31T23:00:00Z", "0ms"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_the_instant_of_a_reset_becomes_the_time_until_it(instant, until):
    assert to_openai({RESET: instant}, 0)["x-ratelimit-reset-requests"] == until
