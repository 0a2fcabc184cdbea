"""Images and documents: data URLs, declared and real types, and Claude's sources.

Facts: the API takes jpeg, png, gif and webp, compares the declared type with the bytes (a wrong
one is a 400), and reads PDF and plain text as documents.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from claif_cla.errors import Refusal

__all__ = ["Media", "document_block", "image_block", "parse_data_url", "parse_file_data"]

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_SPELLINGS = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
_TEXT_TYPES = frozenset(
    f"application/{kind}" for kind in "json xml yaml x-yaml javascript toml sql".split()
)
_WHITE = re.compile(r"\s")
_HEAD = 64
"""Base64 characters that are enough to see a file's signature."""


@dataclass(frozen=True, slots=True)
class Media:
    """Bytes with a type, still in base64: large images are not decoded and encoded again.

    Attributes:
        declared: the type that the caller gave, in lower case; empty if none.
        data: base64 without white space.
    """

    declared: str
    data: str

    def head(self) -> bytes:
        """The first bytes; empty if `data` is no base64."""
        try:
            return base64.b64decode(self.data[:_HEAD], validate=True)
        except (binascii.Error, ValueError):
            return b""

    def content(self, param: str) -> bytes:
        """All bytes. Raises `Refusal` if `data` is no base64."""
        try:
            return base64.b64decode(self.data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _no_base64(param) from error

    @property
    def sniffed(self) -> str:
        """The type that the first bytes show; empty if they show none that we know."""
        head = self.head()
        if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            return "image/webp"
        signatures = {
            b"\xff\xd8\xff": "image/jpeg",
            b"\x89PNG\r\n\x1a\n": "image/png",
            b"GIF87a": "image/gif",
            b"GIF89a": "image/gif",
            b"%PDF-": "application/pdf",
            b"PK\x03\x04": "application/zip",  # and so docx, xlsx, epub
        }
        return next((kind for sign, kind in signatures.items() if head.startswith(sign)), "")


def _no_base64(param: str) -> Refusal:
    message = f"`{param}` holds no valid base64 data."
    return Refusal(message, param=param, code="invalid_base64")


def parse_data_url(url: str, param: str) -> Media:
    """A `data:` URL, in base64 or percent-encoded."""
    head, comma, data = url.partition(",")
    if not comma:
        message = f"`{param}` is a data URL without a comma; expected `data:<type>;base64,<data>`."
        raise Refusal(message, param=param, code="invalid_value")
    kind, *options = head[len("data:") :].split(";")
    if "base64" not in (option.strip().lower() for option in options):
        data = base64.b64encode(_unquoted(data)).decode()
    elif "%" in data:  # `+`, `/` and `=` may be escaped in a URL
        data = _unquoted(data).decode("latin-1")
    return _media(kind, data, param)


def _unquoted(data: str) -> bytes:
    # A lone surrogate must not get past here as an exception; its bytes are no image's.
    return unquote_to_bytes(data.encode("utf-8", "surrogatepass"))


def parse_file_data(data: str, filename: str, param: str) -> Media:
    """`file_data`: a data URL, or bare base64 whose type shows in the name or the bytes."""
    if data[:5].lower() == "data:":
        return parse_data_url(data, param)
    media = _media("", data, param)
    suffix = filename.rpartition(".")[2].lower()
    declared = {"pdf": "application/pdf", "png": "image/png", "gif": "image/gif"}.get(suffix, "")
    if suffix in ("txt", "md", "csv", "json", "html", "xml", "yaml", "yml", "py", "log"):
        declared = "text/plain"
    return Media(media.sniffed or declared, media.data)


def _media(kind: str, data: str, param: str) -> Media:
    if _WHITE.search(data):
        data = _WHITE.sub("", data)
    if not data:
        raise Refusal(f"`{param}` holds no data.", param=param, code="invalid_value")
    kind = kind.strip().lower()
    return Media(_SPELLINGS.get(kind, kind), data)


def image_block(media: Media, param: str) -> tuple[dict[str, Any], str | None]:
    """An image block, and a note where the declared type was not the bytes' own."""
    real = media.sniffed
    if not media.head():
        raise _no_base64(param)
    if (real or media.declared) not in IMAGE_TYPES:
        kind = real or media.declared or "unknown"
        message = f"`{param}`: Claude takes no image of type {kind!r}; convert it to PNG, JPEG,"
        message += " GIF or WebP."
        raise Refusal(message, param=param, code="invalid_image_format")
    kind = real or media.declared
    note = None
    if media.declared and kind != media.declared:
        note = f"declared as {media.declared}, but the bytes are {kind}; sent as that."
    source = {"type": "base64", "media_type": kind, "data": media.data}
    return {"type": "image", "source": source}, note


def document_block(media: Media, title: str, param: str) -> dict[str, Any]:
    """A document block of a PDF or of text."""
    kind = media.sniffed or media.declared
    if kind == "application/pdf":
        source = {"type": "base64", "media_type": "application/pdf", "data": media.data}
    elif not kind or kind.startswith("text/") or kind in _TEXT_TYPES:
        source = {"type": "text", "media_type": "text/plain", "data": _text(media, kind, param)}
    else:
        message = f"`{param}`: Claude reads no file of type {kind!r}; send a PDF or text."
        raise Refusal(message, param=param, code="unsupported_file")
    return {"type": "document", "source": source} | ({"title": title} if title else {})


def _text(media: Media, kind: str, param: str) -> str:
    try:
        text = media.content(param).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"`{param}`: the file is neither PDF nor UTF-8 text"
        message += f" (declared {kind!r})." if kind else "."
        raise Refusal(message, param=param, code="unsupported_file") from error
    if not text.strip():
        raise Refusal(f"`{param}`: the file is empty.", param=param, code="invalid_value")
    return text
