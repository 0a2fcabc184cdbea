"""Whether the API would take a request, for any subject's requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules_of_messages import violations

__all__ = ["complaints", "format_of"]

_UNCERTAIN = (" again", "the first message is the user's")
"""Ends of complaints about what the API may well take: neighbours of one role, which it joins,
and an assistant who begins, about which nothing is published."""


def complaints(body: Mapping[str, Any], headers: Mapping[str, str], *, strict: bool) -> list[str]:
    """What the API would refuse; with `strict`, also what it only might."""
    beta = "anthropic-beta" in headers
    legacy = headers.get("anthropic-version") == "2023-06-01"
    known = {key: value for key, value in body.items() if key != "output_format"}
    if body.get("output_format"):  # the beta's name for it, which the API still takes
        known["output_config"] = {**known.get("output_config", {}), "format": format_of(body)}
    found = violations(known, beta=beta, legacy=legacy)
    return [one for one in found if strict or not one.endswith(_UNCERTAIN)]


def format_of(body: Mapping[str, Any]) -> Any:
    """The schema that the answer must follow, under its name of today or of the beta."""
    return (body.get("output_config") or {}).get("format") or body.get("output_format")
