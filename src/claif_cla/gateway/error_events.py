"""Errors that upstream tells in the middle of a stream, found in its bytes."""

from __future__ import annotations

import re
from collections.abc import Callable

from claif_cla.gateway.upstream.errors import UpstreamCut

__all__ = ["cleaned_events", "whole_events"]

MAX_HELD = 64 * 1024
"""Bytes of an event that wait for its end; a longer one is passed on as it comes."""
MAX_HELD_ERROR = 256 * 1024
"""The same of an error, in which keys are looked for."""
_ERROR = re.compile(
    rb"(?:^|[\r\n])event: ?error[ \t]*[\r\n]"
    rb'|"type"\s*:\s*"error"'  # in a text that Claude writes, its quotes are escaped
    rb'|(?:^|[\r\n])data: ?\{\s*"error"\s*:'  # as proxies with OpenAI's errors tell one
)
_BEGINS = re.compile(rb'event: ?error[ \t]*[\r\n]|data: ?\{\s*"(?:type"\s*:\s*"error"|error"\s*:)')
_END = re.compile(rb"((?:\r\n|\n|\r(?!\n)){2})")


def whole_events(data: bytes) -> tuple[bytes, bytes]:
    """Whole events, and the beginning of the next: a comment or an error must not get into it.

    Raises:
        UpstreamCut: the next is an error, and too long to be looked through.
    """
    if data.endswith(b"\n\n"):
        return data, b""
    ends = [at + len(mark) for mark in (b"\n\n", b"\r\n\r\n") if (at := data.rfind(mark)) >= 0]
    end = max(ends, default=0)
    if len(data) - end > MAX_HELD:
        if _BEGINS.match(data, end) is None:
            return data, b""
        if len(data) - end > MAX_HELD_ERROR:
            raise UpstreamCut("Upstream told an error that is too long to be passed on.")
    return data[:end], data[end:]


def cleaned_events(data: bytes, redacted: Callable[[bytes], bytes]) -> bytes:
    """Events as they are, but for what is blotted out of errors among them.

    Args:
        data: whole events.
        redacted: blots out keys.
    """
    if b"error" not in data:
        return data
    pieces = _END.split(data)
    return b"".join([redacted(one) if _ERROR.search(one) else one for one in pieces])
