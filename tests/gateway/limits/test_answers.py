"""What callers are told of their limits."""

from __future__ import annotations

import pytest

from claif_cla.gateway.limits import Claim, Limits, Refused, Standing
from claif_cla.gateway.limits.answers import denial, duration, headers, too_large
from gateway.limits.clocks import NOON

LIMITS = Limits(60, 1000, 5, 5_000_000, 100_500_000)
STANDING = Standing(0, 12.0, 300, 42.0)


def told(limit, wait=1.0, used=0, *, is_final=False, standing=STANDING):
    claim = Claim("visit", "k_1", LIMITS, 700, 0)
    refused = Refused(limit, wait, used, is_final, standing)
    return denial(claim, refused, "The key `build` (k_1)", NOON)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.0001, "1ms"), (0.25, "250ms"), (0.9999, "1s"), (1, "1s"), (59.2, "1m0s"),
     (63, "1m3s"), (360, "6m0s"), (3661, "1h1m1s")],
)  # fmt: skip
def test_durations_are_spelled_as_openai_does(seconds, text):
    assert duration(seconds) == text


def test_headers_have_openais_names():
    told = headers(STANDING, LIMITS)
    assert {name.decode(): value.decode() for name, value in told} == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "12s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "300",
        "x-ratelimit-reset-tokens": "42s",
    }


def test_what_is_not_limited_has_no_headers():
    assert headers(Standing(None, 0, None, 0), Limits(concurrent=1)) == []


def test_too_many_requests_say_when_to_come_again():
    answer = told("requests_per_minute", wait=1.2001, used=60)
    assert (answer.status, answer.code, answer.kind) == (429, "rate_limit_exceeded", "requests")
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["retry-after-ms"] == "1201"
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    assert answer.message == (
        "The key `build` (k_1) has reached its 60 requests a minute. Try again in 2s, or ask"
        " whoever runs this gateway for a higher `requests_per_minute`."
    )


def test_a_wait_is_never_nothing():
    answer = told("requests_per_minute", wait=0.0)
    assert (answer.headers["retry-after"], answer.headers["retry-after-ms"]) == ("1", "1")


def test_too_many_tokens_say_how_many_are_needed():
    answer = told("tokens_per_minute", wait=24, used=700)
    assert answer.kind == "tokens"
    assert answer.message == (
        "The key `build` (k_1) has 1,000 tokens a minute, of which 700 are used or reserved for its"
        " running requests; this one needs up to 700. Try again in 24s, with a lower `max_tokens`,"
        " or ask whoever runs this gateway for a higher `tokens_per_minute`."
    )


def test_too_many_at_once_may_come_again_soon():
    answer = told("concurrent", used=5)
    assert answer.headers["retry-after"] == "1"
    assert answer.message == (
        "The key `build` (k_1) has 5 requests running, and may have 5. Try again when one has"
        " ended, or ask whoever runs this gateway for a higher `concurrent`."
    )


def test_a_spent_budget_is_not_tried_again_and_says_when_it_renews():
    answer = told("daily_budget", wait=12 * 3600, used=5_012_345, is_final=True)
    assert (answer.status, answer.code) == (429, "insufficient_quota")
    assert answer.headers["x-should-retry"] == "false"
    assert "retry-after" not in answer.headers
    assert answer.message == (
        "The key `build` (k_1) has spent its daily budget of $5.00 (spent: $5.012345). It renews"
        " on 2026-11-24 00:00 UTC; until then, ask whoever runs this gateway for a higher"
        " `daily_budget`."
    )


def test_a_spent_month_names_the_next_one():
    answer = told("monthly_budget", wait=7.5 * 86_400, used=100_500_000, is_final=True)
    assert "its monthly budget of $100.50 (spent: $100.50). It renews on 2026-12-01" in (
        answer.message
    )


def test_a_budget_that_is_only_reserved_may_be_tried_again():
    answer = told("monthly_budget")
    assert (answer.code, answer.headers["retry-after"]) == ("rate_limit_exceeded", "1")
    assert "has reserved the rest of its monthly budget of $100.50" in answer.message


def test_limits_that_cannot_be_checked_are_our_fault():
    answer = told("unavailable", standing=None)
    assert (answer.status, answer.code) == (503, "limits_unavailable")
    assert answer.headers == {"retry-after": "1", "retry-after-ms": "1000"}


def test_a_request_that_is_too_large_is_not_tried_again():
    answer = too_large(LIMITS, 1500, "The key `build` (k_1)")
    assert (answer.status, answer.headers) == (429, {"x-should-retry": "false"})
    assert "1,000 tokens a minute, and this request alone holds about 1,500" in answer.message
