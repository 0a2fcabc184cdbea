"""Whether the API would take a request, for any subject's requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules_of_messages import violations

__all__ = ["complaints"]


def complaints(body: Mapping[str, Any], headers: Mapping[str, str]) -> list[str]:
    """What the API would refuse. Neighbours of one role are no complaint: it joins them."""
    beta = "anthropic-beta" in headers
    legacy = headers.get("anthropic-version") == "2023-06-01"
    found = violations(dict(body), beta=beta, legacy=legacy)
    return [complaint for complaint in found if not complaint.endswith(" again")]
