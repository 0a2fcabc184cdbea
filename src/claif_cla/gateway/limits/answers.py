"""What callers are told of their limits: headers of every answer, and refusals.

The headers have OpenAI's names and spelling, which its SDKs and many programs read. A refusal says
whose limit it is, which, how much, and what to do; it names the key, never its secret.
"""

from __future__ import annotations

import math
from datetime import datetime, timezone

from claif_cla.gateway.denial import Denial
from claif_cla.gateway.limits.counters import Claim, Limits, Refused, Standing, day_of

__all__ = ["denial", "duration", "headers", "no_price", "too_large"]

_ASK = "ask whoever runs this gateway for a higher"
_SLIP = 0.0005
"""Of a millisecond: by so little a float may be over what was meant."""


def headers(standing: Standing, limits: Limits) -> list[tuple[bytes, bytes]]:
    """`x-ratelimit-…` for what is limited by the minute."""
    told: list[tuple[bytes, bytes]] = []
    if standing.requests is not None:
        told += (
            (b"x-ratelimit-limit-requests", b"%d" % (limits.requests_per_minute or 0)),
            (b"x-ratelimit-remaining-requests", b"%d" % standing.requests),
            (b"x-ratelimit-reset-requests", duration(standing.requests_reset).encode()),
        )
    if standing.tokens is not None:
        told += (
            (b"x-ratelimit-limit-tokens", b"%d" % (limits.tokens_per_minute or 0)),
            (b"x-ratelimit-remaining-tokens", b"%d" % standing.tokens),
            (b"x-ratelimit-reset-tokens", duration(standing.tokens_reset).encode()),
        )
    return told


def duration(seconds: float) -> str:
    """As OpenAI spells it: `250ms`, `6s`, `1m3s`, `6m0s`; rounded up, as nothing is sooner."""
    milliseconds = math.ceil(seconds * 1000 - _SLIP)
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, seconds = divmod(math.ceil(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}h" if hours else "") + (
        f"{minutes}m{seconds}s" if hours or minutes else f"{seconds}s"
    )


def denial(claim: Claim, refused: Refused, whose: str, now: float) -> Denial:
    """The answer to a request that is over a limit.

    Args:
        claim: of the request.
        refused: the verdict on it.
        whose: limits they are, in words: "The key `build` (k_12)".
        now: Unix seconds.
    """
    standing = headers(refused.standing, claim.limits) if refused.standing else []
    told = {name.decode(): value.decode() for name, value in standing}
    if refused.limit == "unavailable":
        return Denial(
            503,
            "The limits can't be checked at the moment, so the request was not sent. Try again in"
            " a moment.",
            code="limits_unavailable",
            kind="server_error",
            headers=_after(refused.wait),
        )
    if refused.is_final:
        return Denial(
            429,
            _spent(claim, refused, whose, now),
            code="insufficient_quota",
            kind="insufficient_quota",
            headers={**told, "x-should-retry": "false"},
        )
    return Denial(
        429,
        _text(claim, refused, whose),
        code="rate_limit_exceeded",
        kind="tokens" if refused.limit == "tokens_per_minute" else "requests",
        headers={**told, **_after(refused.wait)},
    )


def too_large(limits: Limits, tokens: int, whose: str) -> Denial:
    """The answer to a request that alone is over the tokens of a minute: waiting won't help."""
    message = (
        f"{whose} may use {limits.tokens_per_minute:,} tokens a minute, and this request alone"
        f" holds about {tokens:,}. Send less at once, or {_ASK} `tokens_per_minute`."
    )
    return Denial(
        429,
        message,
        code="rate_limit_exceeded",
        kind="tokens",
        headers={"x-should-retry": "false"},
    )


def no_price(model: str, whose: str) -> Denial:
    """The answer to a request that might spend a budget without end: nobody knows what it costs."""
    name = model[:200]
    message = (
        f"{whose} has a budget, and what the model `{name}` costs is not known here. Ask for"
        " another model, or have whoever runs this gateway name its price: `input` and `output`"
        f' in the section [prices."{name}"] of the configuration.'
    )
    return Denial(403, message, code="model_without_price", kind="permission_error", param="model")


def _after(wait: float) -> dict[str, str]:
    # At least a millisecond: a zero would be asked again at once, for ever.
    milliseconds = max(1, math.ceil(wait * 1000 - _SLIP))
    seconds = math.ceil(milliseconds / 1000)
    return {"retry-after": str(seconds), "retry-after-ms": str(milliseconds)}


def _text(claim: Claim, refused: Refused, whose: str) -> str:
    limits, again = claim.limits, f"Try again in {duration(refused.wait)}"
    if refused.limit == "requests_per_minute":
        what = f"has reached its {limits.requests_per_minute:,} requests a minute"
    elif refused.limit == "tokens_per_minute":
        what = (
            f"has {limits.tokens_per_minute:,} tokens a minute, of which {refused.used:,} are used"
            f" or reserved for its running requests; this one needs up to {claim.tokens:,}"
        )
        return f"{whose} {what}. {again}, with a lower `max_tokens`, or {_ASK} `{refused.limit}`."
    elif refused.limit == "concurrent":
        what = f"has {refused.used:,} requests running, and may have {limits.concurrent:,}"
        again = "Try again when one has ended"
    else:
        kind, budget = _budget(limits, refused)
        what = f"has reserved the rest of its {kind} budget of {budget} for its running requests"
        again = "Try again when one has ended"
    return f"{whose} {what}. {again}, or {_ASK} `{refused.limit}`."


def _spent(claim: Claim, refused: Refused, whose: str, now: float) -> str:
    kind, budget = _budget(claim.limits, refused)
    # Both periods end at midnight; the half day is for clocks that differ by a little.
    day = day_of(now + refused.wait + 43_200)
    renews = datetime.fromtimestamp(day * 86400, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"{whose} has spent its {kind} budget of {budget} (spent: {_dollars(refused.used)}). It"
        f" renews on {renews}; until then, {_ASK} `{refused.limit}`."
    )


def _budget(limits: Limits, refused: Refused) -> tuple[str, str]:
    if refused.limit == "daily_budget":
        return "daily", _dollars(limits.daily_budget or 0)
    return "monthly", _dollars(limits.monthly_budget or 0)


def _dollars(millionths: int) -> str:
    # Cents, and more digits only where they say something.
    dollars = millionths / 1_000_000
    return f"${dollars:,.2f}" if millionths % 10_000 == 0 else f"${dollars:,.6f}".rstrip("0")
