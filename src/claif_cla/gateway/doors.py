"""What is settled of a request before anything is read of its body: host, headers, credential.

Whoever can make a browser call the gateway on its own machine must get nowhere: a page of another
origin cannot send `application/json` without asking first (the answer is no unless it is
configured), and one that has its own name point to 127.0.0.1 fails at the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address

from claif_cla.gateway.denial import Denial, no_key

__all__ = [
    "check_host",
    "check_json",
    "cors_headers",
    "credential",
    "is_loopback",
    "one_of_each",
]

_ALONE = frozenset({"authorization", "x-api-key", "host", "content-length", "content-type"})
"""Headers of which two would mean that somebody on the way reads the other one."""
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_PORT = re.compile(r":\d{1,5}$")
_JSON = "application/json"
_LONGEST_HOST = 300
"""A name of DNS has at most 253 characters."""


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether an address, or a name, is the machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def one_of_each(raw: Iterable[tuple[bytes, bytes]], limit: int) -> dict[str, str]:
    """The headers by lower-case name; several of one are joined.

    Args:
        raw: as ASGI gives them.
        limit: of their size together, in bytes.

    Raises:
        Denial: 431 beyond the limit, 400 for two of what may come but once.
    """
    # In one piece: a client sends two dozen, and NUL is in none of them.
    pieces = [piece for pair in raw for piece in pair]
    texts = b"\0".join(pieces).decode("latin-1").split("\0") if pieces else []
    if len(texts) != len(pieces):
        raise Denial(400, "A header holds the character NUL.", code="invalid_header")
    if sum(map(len, pieces)) > limit:
        raise Denial(431, f"The headers are larger than {limit:,} bytes.", code="invalid_header")
    headers = dict(zip(texts[::2], texts[1::2], strict=True))
    return headers if 2 * len(headers) == len(texts) else _joined(texts)


def _joined(texts: Sequence[str]) -> dict[str, str]:
    """Names and values by turns, of which some names come more than once."""
    headers: dict[str, str] = {}
    for name, value in zip(texts[::2], texts[1::2], strict=True):
        if name not in headers:
            headers[name] = value
        elif name in _ALONE:
            raise Denial(400, f"The header `{name}` comes more than once.", code="invalid_header")
        else:
            headers[name] += f", {value}"
    return headers


def check_host(headers: Mapping[str, str], allowed: Sequence[str], bound: str) -> None:
    """Raise unless the request is meant for this gateway.

    Args:
        headers: with `host`.
        allowed: host names, without ports; none means: any, but only the machine's own while the
            gateway is bound to it.
        bound: the address that is listened on.

    Raises:
        Denial: 400 without a host, 403 for another one.
    """
    names = allowed or (_LOOPBACK_NAMES if is_loopback(bound) else ())
    if not names:
        return
    host = _without_port(headers.get("host", "")[:_LONGEST_HOST])
    if not host:
        raise Denial(400, "The header `host` is missing.", code="invalid_header")
    if host not in names and not (not allowed and host == bound):
        message = (
            f"This gateway does not answer to the host `{host[:100]}`. Use one that it answers to,"
            " or have whoever runs it add this one to `server.allowed_hosts`."
        )
        raise Denial(403, message, code="host_not_allowed", kind="permission_error")


@lru_cache(maxsize=256)
def _without_port(host: str) -> str:
    return _PORT.sub("", host.lower())


def credential(headers: Mapping[str, str]) -> str | None:
    """The key that the caller shows, as OpenAI's SDKs do or as Anthropic's.

    Raises:
        Denial: 401 for two that differ.
    """
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    shown = bearer.strip() if scheme.lower() == "bearer" else ""
    other = headers.get("x-api-key", "").strip()
    if shown and other and shown != other:
        message = "`authorization` and `x-api-key` show two different keys; send one."
        raise no_key(message, shown=True)
    return shown or other or None


def check_json(headers: Mapping[str, str]) -> None:
    """Raise unless the body is announced as plain JSON.

    Raises:
        Denial: 415.
    """
    given = headers.get("content-type", "")
    is_json = given == _JSON or given.partition(";")[0].strip().lower() == _JSON
    if not is_json:
        message = "The request needs the header `content-type: application/json`."
        raise Denial(415, message, code="unsupported_content_type")
    if headers.get("content-encoding", "identity").lower() != "identity":
        message = "A compressed body is not taken; leave `content-encoding` out."
        raise Denial(415, message, code="unsupported_content_encoding")


def cors_headers(headers: Mapping[str, str], origins: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """What lets a page of a configured origin read the answer; nothing for any other.

    Args:
        headers: of the request.
        origins: such as `https://app.example`, or `*`.
    """
    origin = headers.get("origin")
    if not origin or not origins or not ("*" in origins or origin in origins):
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-headers", b"authorization, content-type, x-api-key, *"),
        (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
        (b"access-control-expose-headers", b"*"),
        (b"access-control-max-age", b"600"),
        (b"vary", b"origin"),
    ]
