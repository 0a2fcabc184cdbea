"""Files and pipes as OpenAI content parts.

Images become `image_url` parts with a data URL, PDFs and texts become `file` parts. The kind
shows in the bytes; names and endings are not believed. The bound is the API's: 32 MB for a
request, in which media travels as base64, a third larger than it is.
"""

from __future__ import annotations

import base64
import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from claif_cla.cli.console import UsageError
from claif_cla.translate.chat.media import Media

__all__ = ["MAX_REQUEST_BYTES", "Part", "decoded", "media_type", "parts_of"]

Part: TypeAlias = dict[str, Any]

MAX_REQUEST_BYTES = 32 * 1024 * 1024
"""Largest request that the Messages API takes (413 beyond it)."""

_SIGNATURE_BYTES = 48
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def parts_of(paths: Sequence[str], piped: bytes = b"") -> list[Part]:
    """The content parts of files, and of what was piped in, named `stdin`, after them.

    Raises:
        UsageError: naming the file that cannot be read, is empty, is of no kind that Claude
            reads, or with which the request would be too large.
    """
    room = MAX_REQUEST_BYTES
    parts = []
    for path in paths:
        data = _read(path, room)
        part, size = _part(data, path, Path(path).name)
        parts.append(part)
        room = _left(room, size, path)
    if piped.strip():
        part, size = _part(piped, "stdin", "stdin")
        parts.append(part)
        _left(room, size, "stdin")
    return parts


def _read(path: str, room: int) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(room + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        reason = error.strerror if isinstance(error, OSError) else None
        raise UsageError(f"cannot read {path}: {reason or error}") from error
    _left(room, len(data), path)
    if not data.strip():
        raise UsageError(f"{path} is empty")
    return data


def _left(room: int, size: int, name: str) -> int:
    if size > room:
        message = f"{name} is too large: a request may have {MAX_REQUEST_BYTES >> 20} MB in all"
        raise UsageError(f"{message}, and images and PDFs take a third more than their size")
    return room - size


def _part(data: bytes, name: str, title: str) -> tuple[Part, int]:
    """The part, and how many bytes of the request it takes."""
    kind = media_type(data)
    if not kind:
        text = decoded(data, name).encode()
        file = {"filename": title, "file_data": _data_url("text/plain", text)}
        return {"type": "file", "file": file}, len(text)
    url = _data_url(kind, data)
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}, len(url)
    return {"type": "file", "file": {"filename": title, "file_data": url}}, len(url)


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def media_type(data: bytes) -> str:
    """The type of an image or a PDF by its first bytes; empty for anything else."""
    return Media("", base64.b64encode(data[:_SIGNATURE_BYTES]).decode()).sniffed


def decoded(data: bytes, name: str) -> str:
    """The text of `data`: UTF-8, or UTF-16 with its mark, as PowerShell's `>` writes it.

    Raises:
        UsageError: naming `name`, if it is neither.
    """
    try:
        text = data.decode("utf-16" if data.startswith(_WIDE) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unknown(name) from error
    if "\0" in text:
        raise _unknown(name)
    return text


def _unknown(name: str) -> UsageError:
    return UsageError(
        f"{name} is nothing that Claude reads: expected an image (JPEG, PNG, GIF, WebP), a PDF,"
        " or text in UTF-8"
    )
