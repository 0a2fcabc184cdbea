"""The kinds of values that the configuration is made of. Their complaints never show the value.

An address may hold a password and a secret is one: what is wrong with them is said in words that
are the same for every value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

__all__ = [
    "BaseUrl",
    "Count",
    "Dollars",
    "Endpoint",
    "Host",
    "HostName",
    "HttpProxy",
    "Name",
    "Origin",
    "Pattern",
    "Prefix",
    "Proxy",
    "RedisUrl",
    "Seconds",
    "Secret",
]

_HOST = re.compile(r"[A-Za-z0-9._:%-]{1,253}|\[[0-9A-Fa-f:.%]+\]")
_DAY = 86_400


def _url(schemes: tuple[str, ...], example: str, *, bare: bool) -> Callable[[str], str]:
    """A check of addresses.

    Args:
        schemes: those it may have.
        example: for the complaint.
        bare: whether user and password are refused: the address is shown in places where no
            secret may be.
    """
    wrong = f"should be an address such as {example}"

    def check(text: str) -> str:
        try:
            parts = urlsplit(text)
            usable = parts.scheme in schemes and parts.port != 0 and text.isprintable()
        except ValueError:  # a port that is no number, brackets that do not match
            usable = False
        if not usable or " " in text or not (parts.hostname or parts.scheme == "unix"):
            # No `from`: the reason of `urlsplit` quotes the address.
            raise ValueError(wrong)
        if bare and "@" in parts.netloc:
            raise ValueError("holds a user or a password, which would show in logs")
        return text

    return check


def _base_url(text: str) -> str:
    _url(("http", "https"), "https://api.anthropic.com", bare=True)(text)
    if "?" in text or "#" in text:
        raise ValueError("should end with a path, without `?` and `#`")
    return text.rstrip("/").removesuffix("/v1").rstrip("/")


def _origin(text: str) -> str:
    if text == "*":
        return text
    _url(("http", "https"), "https://app.example", bare=True)(text)
    if text != text.lower() or urlsplit(text).path or "?" in text or "#" in text:
        raise ValueError("should be as browsers send it: lower-case, with no path, or `*`")
    return text


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError("should be an address or a host name, such as 127.0.0.1, without a port")
    return text.strip("[]")


def _host_name(text: str) -> str:
    if not _HOST.fullmatch(text) or (":" in text and not text.startswith("[")):
        raise ValueError("should be a host name such as claude.example, without a port")
    return text.lower()


def _proxy(text: str) -> str:
    if text != "*":
        try:
            ip_network(text, strict=False)
        except ValueError:
            raise ValueError("should be an address or a network, such as 10.0.0.0/8") from None
    return text


def _redis_url(value: SecretStr) -> SecretStr:
    _url(("redis", "rediss", "unix"), "redis://localhost:6379/0", bare=False)(
        value.get_secret_value()
    )
    return value


def _http_proxy(value: SecretStr) -> SecretStr:
    _url(("http", "https"), "http://proxy.example:3128", bare=False)(value.get_secret_value())
    return value


def _secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if not text:
        raise ValueError("is empty")
    if not (text.isascii() and text.isprintable()) or " " in text:
        # What no HTTP header can hold would be shown by the HTTP library's own complaint.
        raise ValueError("has characters that no key has: a line break, a space, none of ASCII")
    return SecretStr(text)


Seconds = Annotated[float, Field(gt=0, le=_DAY)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Dollars = Annotated[float, Field(ge=0, le=1_000_000_000)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""What may become a label of a metric."""
Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
"""Of keys in Redis; no `{`, which would choose the cluster's slot, nor `*`, which means any."""
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""The name of a model, or what `fnmatch` matches with one."""
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Endpoint = Annotated[
    str, AfterValidator(_url(("http", "https"), "http://localhost:4318", bare=True))
]
Origin = Annotated[str, AfterValidator(_origin)]
Host = Annotated[str, AfterValidator(_host)]
HostName = Annotated[str, AfterValidator(_host_name)]
Proxy = Annotated[str, AfterValidator(_proxy)]
HttpProxy = Annotated[SecretStr, AfterValidator(_http_proxy)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
