"""HTTP headers between the two APIs.

Upstream goes what the caller set and nothing that belongs to OpenAI or to the hop between
caller and us. Back comes everything but what described the bytes of the upstream body, with
OpenAI's names beside Anthropic's for what both have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone

__all__ = ["forwarded", "merged_betas", "to_openai"]

_HOP = frozenset(
    "connection content-encoding content-length content-type cookie expect host idempotency-key"
    " keep-alive proxy-authenticate proxy-authorization set-cookie te trailer transfer-encoding"
    " upgrade accept accept-encoding user-agent".split()
)
_OPENAI_PREFIXES = ("openai-", "x-stainless-", "x-claif-")


def _named(kind: str, source: str) -> list[tuple[str, str]]:
    return [
        (f"anthropic-ratelimit-{source}-{what}", f"x-ratelimit-{what}-{kind}")
        for what in ("limit", "remaining", "reset")
    ]


_REQUESTS, _TOKENS = _named("requests", "requests"), _named("tokens", "tokens")
_INPUT_TOKENS = _named("tokens", "input-tokens")
"""Anthropic's names of limits, with OpenAI's."""


def forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """The caller's headers that travel upstream, lower-case names.

    OpenAI's organization and project are a secret of another company, and `Idempotency-Key`
    and `X-Stainless-*` mean nothing to Anthropic.
    """
    if not headers:  # as those of most calls through the gateway
        return {}
    lowered = {name.lower(): value for name, value in headers.items()}
    return {
        name: value
        for name, value in lowered.items()
        if name not in _HOP and not name.startswith(_OPENAI_PREFIXES)
    }


def merged_betas(*sources: str | Iterable[str] | None) -> str:
    """One `anthropic-beta` value of all sources in order, each beta once."""
    names: dict[str, None] = {}
    for source in sources:
        parts = source.split(",") if isinstance(source, str) else source or ()
        names.update(dict.fromkeys(part.strip() for part in parts if part.strip()))
    return ",".join(names)


def to_openai(headers: Mapping[str, str], now: float) -> dict[str, str]:
    """Response headers in OpenAI's vocabulary, Anthropic's own kept.

    Args:
        headers: of the upstream answer, lower-case names.
        now: Unix seconds; Anthropic gives the instant of a reset, OpenAI the time until it.
    """
    result = {name: value for name, value in headers.items() if name not in _HOP}
    request_id = headers.get("request-id") or headers.get("x-amzn-requestid")
    if request_id:
        result["x-request-id"] = request_id
    organization = headers.get("anthropic-organization-id")
    if organization:
        result["openai-organization"] = organization
    # Where the sum of both is not told, the input side is the one that runs out first.
    tokens = _TOKENS if _TOKENS[0][0] in headers else _INPUT_TOKENS
    for theirs, ours in (*_REQUESTS, *tokens):
        value = headers.get(theirs)
        if value is not None:
            result[ours] = _until(value, now) if theirs.endswith("-reset") else value
    return result


def _until(instant: str, now: float) -> str:
    """An RFC 3339 instant as the duration until then: `1m3s`, `250ms`; as given if it is none."""
    try:
        # Python 3.10 knows no `Z`.
        when = datetime.fromisoformat(instant.replace("Z", "+00:00"))
    except ValueError:
        return instant
    if when.tzinfo is None:  # else the machine's own zone would be assumed
        when = when.replace(tzinfo=timezone.utc)
    milliseconds = max(0, round((when.timestamp() - now) * 1000))
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    # The largest unit that is needed, and all below it, as OpenAI spells it: `6m0s`.
    return (f"{hours}h" if hours else "") + (
        f"{minutes}m{seconds}s" if hours or minutes else f"{seconds}s"
    )
