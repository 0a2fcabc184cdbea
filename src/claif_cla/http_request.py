"""HTTP requests of `httpx` and `httpx2`, without the work that one call repeats for the next.

Their clients parse each address again (twice a request) and merge headers one by one, and openai
encodes a body that the translation would only decode. What is made here is what they would make.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from types import FunctionType
from typing import Any

from typing_extensions import override

from claif_cla.wire import json_text

__all__ = [
    "adds_only_headers",
    "is_unread",
    "json_of",
    "made",
    "parsed",
    "taken_outcome",
    "with_json",
]


_MAKERS = ("build_request", "_merge_url", "_merge_headers", "_merge_cookies", "_merge_queryparams")


def adds_only_headers(http: Any) -> bool:
    """Whether an HTTP client adds its headers to a request, and nothing else.

    One of the caller's may have parameters or cookies of its own, or make requests in its own way.
    """
    return not (http.cookies or http.params) and all(
        type(maker := getattr(type(http), name)) is FunctionType
        and maker.__globals__["__name__"] in ("httpx._client", "httpx2._client")
        and name not in vars(http)
        for name in _MAKERS
    )


def made(  # noqa: PLR0913 - what a request is made of
    http: Any,
    method: str,
    url: Any,
    *,
    headers: list[tuple[bytes, bytes]],
    extensions: Mapping[str, Any],
    content: bytes = b"",
) -> Any:
    """The request that `http.build_request` would make, for a client that `adds_only_headers`.

    Args:
        http: the client. Its headers give way to `headers`.
        method: in upper case.
        url: of the client's library.
        headers: with or without `content-length`.
        extensions: with the timeouts.
        content: its length is told, its type not.
    """
    library = import_module(type(url).__module__.partition(".")[0])
    named = {name.lower() for name, _ in headers}
    length = [(b"Content-Length", b"%d" % len(content))] if content else []
    host = [] if "host" in http.headers else [(b"Host", url.netloc)]
    hop = [*host, *http.headers.raw]
    merged = [item for item in hop if item[0].lower() not in named] + headers + length
    stream = library.ByteStream(content)
    # With a stream of its own, a request adds no headers of its own.
    request = library.Request(method, url, headers=merged, stream=stream, extensions=extensions)
    request._content = content  # noqa: SLF001 - as it does for bytes
    return request


@lru_cache(maxsize=256)
def parsed(kind: Any, address: str, query: str = "") -> Any:
    """An address as a URL of the library that has `kind`."""
    url = kind(address)
    return url.copy_with(query=query.encode()) if query else url


class _Unread:
    """A request with a value for a body. Once its bytes are asked for, an ordinary request."""

    body: Any

    def __getattr__(self, name: str) -> Any:
        if name not in ("_content", "stream"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._read()
        return getattr(self, name)

    def _read(self) -> None:
        library = _library_of(self)
        content = json_text.dump_text(self.body).encode()
        plain: Any = self
        plain.__class__ = library.Request
        del plain.body
        plain.headers["content-length"] = str(len(content))
        plain.stream, plain._content = library.ByteStream(content), content  # noqa: SLF001

    @override
    def __reduce_ex__(self, protocol: Any) -> Any:
        self._read()
        return object.__reduce_ex__(self, protocol)  # by now of another class


def with_json(request: Any, value: Any) -> Any:
    """A request without content, with a JSON body that is encoded only if somebody looks."""
    del request._content, request.stream  # noqa: SLF001 - see `_Unread`
    request.headers.pop("content-length", None)
    request.__class__ = _unread(_library_of(request))
    request.body = value
    return request


def with_outcome(request: Any, outcome: Any) -> Any:
    """A request that need not be sent: `outcome` has come of it already."""
    request.outcome = outcome
    return request


def taken_outcome(request: Any) -> Any:
    """What has come of a request already, told once; None if it must be sent."""
    return vars(request).pop("outcome", None)


def is_unread(request: Any) -> bool:
    """Whether a request's body is still the value that `with_json` gave it."""
    return isinstance(request, _Unread)


def json_of(request: Any) -> Any:
    """The JSON that a request brings; None without any, as in an upload."""
    if isinstance(request, _Unread):
        return request.body
    try:
        return json_text.load(request.content) if request.content else None
    except ValueError:
        return None


@lru_cache(maxsize=2)
def _unread(library: Any) -> Any:
    return type("Request", (_Unread, library.Request), {})


def _library_of(request: Any) -> Any:
    kind = next(base for base in type(request).__mro__ if base.__module__.startswith("httpx"))
    return import_module(kind.__module__.partition(".")[0])
