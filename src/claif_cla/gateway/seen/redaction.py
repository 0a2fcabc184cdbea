"""Secrets in text that comes from outside: a path, a model's name, a client's address."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from claif_cla.gateway.config import Config

__all__ = ["MAX_TEXT", "Redactor", "redacted", "secrets_of"]

MAX_TEXT = 200
"""Characters of such a text that are kept."""
_LOOKED_AT = 2 * MAX_TEXT
"""Characters that are looked at: a secret may begin inside of what is kept and end outside."""
_SHORTEST = 6
"""Characters of a configured secret below which it is no secret, and may stand in any word."""
_CLEAN = 1_024
"""Bound of the texts that are remembered as clean: paths and models, of which there are few."""
_SECRET = re.compile(
    r"(?:(?:sk|pk|rk)[-_]|claif-|bearer(?:\s|%20|\+)+)[\w.~+/=%-]{6,}|[\w-]{40,}", re.IGNORECASE
)
"""Keys as the companies write them, and anything long enough to be one."""
_BLOT = "***"


class Redactor:
    """Blots out what looks like a secret, and what is one.

    Args:
        secrets: of the configuration; found wherever they stand.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({text for text in secrets if len(text) >= _SHORTEST}, key=len, reverse=True)
        self._looked_at = max(_LOOKED_AT, MAX_TEXT + len(known[0]) if known else 0)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None
        self._clean: set[str] = set()

    def __call__(self, text: Any) -> str:
        """One line of at most `MAX_TEXT` characters, fit to be shown.

        Args:
            text: anything; of what is no text only the type is told.
        """
        if not isinstance(text, str):
            return f"({type(text).__name__})"
        if text in self._clean:
            return text
        shown = _printable(self.blotted(text[: self._looked_at]))[:MAX_TEXT]
        if shown == text:
            if len(self._clean) >= _CLEAN:
                self._clean.clear()
            self._clean.add(text)
        return shown

    def blotted(self, text: str) -> str:
        """The whole text, as it is but for the secrets."""
        if self._known is not None:
            text = self._known.sub(_BLOT, text)
        return _SECRET.sub(_BLOT, text)


def _printable(text: str) -> str:
    """Without what moves a terminal's cursor, ends a line, or turns the direction of reading."""
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable()
        else letter.encode("unicode_escape", "surrogatepass").decode("ascii")
        for letter in text
    )


redacted = Redactor()
"""What looks like a secret is blotted out; no configured one is known."""


def secrets_of(config: Config) -> list[str]:
    """Each secret that a configuration holds: the accounts', and Redis's password."""
    found = [
        secret.get_secret_value()
        for account in config.accounts
        for secret in (account.api_key, account.auth_token)
        if secret is not None
    ]
    if config.cluster.redis_url is not None:
        url = config.cluster.redis_url.get_secret_value()
        password = urlsplit(url).password or ""
        found += [url, password, unquote(password)]
    return found
