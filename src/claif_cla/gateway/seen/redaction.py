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
_BEYOND = MAX_TEXT
"""Characters that are looked at beyond the cut: a secret may begin before it and end behind."""
_SHORTEST = 6
"""Characters of a configured secret below which it is no secret, and may stand in any word."""
_CLEAN = 1_024
"""Bound of the texts that are remembered as clean: paths and models, of which there are few."""
_KEY = (
    # No key begins in the middle of a word (`task-management`), but one may follow an escape (%20).
    r"(?:(?<![a-z0-9])|(?<=%[0-9a-f]{2}))(?:"
    r"(?:sk|pk|rk)[-_][\w.~+/=%-]{6,}|AIza[\w-]{35}|AKIA[0-9A-Z]{16})"
    r"|(?:sk-ant-|claif-|bearer(?:\s|%20|\+)+)[\w.~+/=%-]{6,}"
)
"""Keys as the companies write them."""
_ANY_KEY = re.compile(_KEY, re.IGNORECASE)
_SECRET = re.compile(_KEY + r"|[\w-]{40,}", re.IGNORECASE)
"""And anything long enough to be one."""
_BLOT = "***"


class Redactor:
    """Blots out what looks like a secret, and what is one.

    Args:
        secrets: of the configuration; found wherever they stand.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({text for text in secrets if len(text) >= _SHORTEST}, key=len, reverse=True)
        self._beyond = max(_BEYOND, len(known[0]) if known else 0)
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
        shown = _printable(self.blotted(text[: MAX_TEXT + self._beyond]))[:MAX_TEXT]
        if shown == text:
            if len(self._clean) >= _CLEAN:
                self._clean.clear()
            self._clean.add(text)
        return shown

    def cut(self, text: str, most: int) -> str:
        """The first characters of a text, as they are but for the secrets.

        Args:
            text: of any length; what lies far behind the cut is not looked at.
            most: characters that are kept.
        """
        return self.blotted(text[: most + self._beyond])[:most]

    def blotted(self, text: str) -> str:
        """The whole text, as it is but for the secrets."""
        if self._known is not None:
            text = self._known.sub(_BLOT, text)
        return _SECRET.sub(_BLOT, text)

    def finds_key(self, text: str) -> bool:
        """Whether there is a secret, or what is written as a key is; not for being long alone."""
        if self._known is not None and self._known.search(text):
            return True
        return _ANY_KEY.search(text) is not None


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
    """Each secret that a configuration holds: of the accounts, of Redis and of a proxy."""
    found = [
        secret.get_secret_value()
        for account in config.accounts
        for secret in (account.api_key, account.auth_token)
        if secret is not None
    ]
    for address in (config.cluster.redis_url, config.upstream.proxy):
        if address is not None:
            url = address.get_secret_value()
            password = urlsplit(url).password or ""
            found += [url, password, unquote(password)]
    return found
