"""A key: everything about it but its secret."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["SCOPED", "Key", "KeyLimits", "Scopes"]

SCOPED = ("chat", "messages", "count_tokens", "models", "metrics")
"""What a key can be for; one without scopes is for all of it but the metrics, which tell of other
keys' use."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a key is for.

    Attributes:
        models: patterns of `fnmatch`, for ids or the operator's names; empty: all models.
        endpoints: of `SCOPED`; empty: all but the metrics.
    """

    models: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """How much a key may use; None is the configuration's own limit.

    Attributes:
        requests_per_minute, tokens_per_minute, concurrent: numbers.
        daily_budget, monthly_budget: in millionths of a US dollar, by UTC.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None
    daily_budget: int | None = None
    monthly_budget: int | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """One key. Times are Unix seconds.

    Attributes:
        id: `key_` and 12 characters; public, and for good.
        name: the operator's, for people.
        created: when.
        expires: when it stops, or None.
        revoked: when it was stopped, or None.
        scopes: what it is for.
        limits: how much it may use.
        hint: the beginning of its secret, to tell keys apart.
    """

    id: str
    name: str
    created: float
    expires: float | None = None
    revoked: float | None = None
    scopes: Scopes = field(default_factory=Scopes)
    limits: KeyLimits = field(default_factory=KeyLimits)
    hint: str = ""

    def is_valid(self, now: float) -> bool:
        """Whether it opens anything.

        Args:
            now: Unix seconds.
        """
        return self.revoked is None and (self.expires is None or now < self.expires)
