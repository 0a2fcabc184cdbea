"""The values that labels may have. Each is of a bounded set: callers can invent none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from claif_cla.catalog.model_info import lookup
from claif_cla.gateway.endpoints import ENDPOINTS
from claif_cla.gateway.visit import Visit

if TYPE_CHECKING:
    from claif_cla.gateway.config import Config

__all__ = ["NONE", "OTHER", "Labels", "outcome_of", "status_of"]

NONE, OTHER = "none", "other"
_ENDPOINTS = frozenset(endpoint.name for endpoint in ENDPOINTS)
_STATUSES = {status: str(status) for status in [*map(int, HTTPStatus), 499, 529]}
"""499: the caller left before an answer. 529: Anthropic's `overloaded_error`."""
_CODE = re.compile(r"[a-z_]{1,48}")
"""An error's code as both APIs spell it. No digits: there are none, and keys have some."""
_LONGEST_MODEL = 200
MAX_CODES = 64
"""Codes that get a label; the gateway's and the upstream's own are three dozen."""
MAX_KEYS = 100
"""Keys that get a label, where they are wanted at all."""
_OPERATORS = 200
"""Names of models that the operator gives; of more, the rest is `other`."""
_UPSTREAM_OUTCOMES = {429: "rate_limited", 503: "overloaded", 504: "timeout", 529: "overloaded"}


class Labels:
    """Maps what a visit tells to labels.

    Args:
        config: its accounts and models may be labels too: they are the operator's own.
    """

    def __init__(self, config: Config) -> None:
        self._codes: set[str] = set()
        self._keys: set[str] = set()
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Take another configuration. Codes and keys that have labels keep them."""
        self._accounts = {"default", "simulator", *(account.name for account in config.accounts)}
        self._models = frozenset(sorted(_named_models(config))[:_OPERATORS])

    def endpoint(self, name: Any) -> str:
        """Of the table of endpoints."""
        return name if name in _ENDPOINTS else NONE

    def account(self, name: str | None) -> str:
        """Of the configuration."""
        if not name:
            return NONE
        return name if name in self._accounts else OTHER

    def model(self, name: str | None) -> str:
        """Of the catalogue, in whatever spelling, or of the configuration."""
        if not name:
            return NONE
        if name in self._models:
            return name
        return _catalogued(name) if len(name) <= _LONGEST_MODEL else OTHER

    def code(self, code: str | None) -> str:
        """Of the errors that have come; of the first `MAX_CODES`, to be exact."""
        if not code:
            return NONE
        if code not in self._codes:
            if len(self._codes) >= MAX_CODES or not _CODE.fullmatch(code):
                return OTHER
            self._codes.add(code)
        return code

    def error(self, visit: Visit) -> str | None:
        """OpenTelemetry's `error.type`: the code, or else the status; None where all went well."""
        if visit.status < 400 and visit.code is None:
            return None
        code = self.code(visit.code)
        return code if code not in (NONE, OTHER) else status_of(visit.status)

    def key(self, visit: Visit) -> str:
        """The id of the key; of the first `MAX_KEYS` that came."""
        if visit.key is None:
            return NONE
        name = visit.key.id
        if name not in self._keys:
            if len(self._keys) >= MAX_KEYS:
                return OTHER
            self._keys.add(name)
        return name


def _named_models(config: Config) -> Iterable[str]:
    models = config.models
    given = [models.default or "", *models.aliases.values(), *config.prices]
    for names in models.fallbacks.values():
        given += names
    return {name for name in given if name and not any(letter in name for letter in "*?[")}


@lru_cache(maxsize=512)
def _catalogued(model: str) -> str:
    info = lookup(model)
    return info.id if info.known else OTHER


def status_of(status: Any) -> str:
    """A status as it is; of one that nobody has heard of, its class."""
    if not status:
        return NONE
    known = _STATUSES.get(status)
    if known is not None:
        return known
    return f"{status // 100}xx" if isinstance(status, int) and 100 <= status < 600 else OTHER


def outcome_of(visit: Visit) -> str:
    """How the last of a request's upstream attempts ended, as far as its answer tells.

    `ok`, `left` (the caller went), `broken` (in the middle of a stream), `rate_limited`,
    `overloaded`, `timeout`, `refused` (another 4xx), or `error`.
    """
    status = visit.status
    if visit.left:
        return "left"
    if status in _UPSTREAM_OUTCOMES:
        return _UPSTREAM_OUTCOMES[status]
    if 200 <= status < 400:
        return "ok" if visit.code is None else "broken"
    return "refused" if 400 <= status < 500 else "error"
