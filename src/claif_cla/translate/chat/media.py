"""Images and documents: data URLs, declared and real types, sizes, and Claude's sources.

Facts: the API takes jpeg, png, gif and webp, compares the declared type with the bytes (a wrong
one is a 400), takes 10 MB of base64 and 8000 pixels a side, and reads PDF and plain text as
documents.
"""

from __future__ import annotations

import base64
import codecs
import re
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from claif_cla.errors import Refusal, Unsendable
from claif_cla.wire.image_size import image_size, image_type

__all__ = [
    "Media",
    "check_size",
    "document_block",
    "image_block",
    "parse_data_url",
    "parse_file_data",
    "type_of_name",
]

MAX_IMAGE_BASE64 = 10 * 1024 * 1024
MAX_PIXELS = 8000
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_SPELLINGS = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
_SPELLINGS |= {"application/octet-stream": "", "application/x-pdf": "application/pdf"}
_TEXT_TYPES = frozenset(
    f"application/{kind}" for kind in "json xml yaml javascript toml sql graphql".split()
)
_NAMED = {"pdf": "application/pdf", "jpg": "image/jpeg", "jpeg": "image/jpeg"}
_NAMED |= {kind: f"image/{kind}" for kind in ("png", "gif", "webp")}
_NAMED |= dict.fromkeys("txt md csv json html xml yaml yml py log".split(), "text/plain")
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WHITE = re.compile(r"\s")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_URL_SAFE = str.maketrans("-_", "+/")
_HEAD = 64
"""Base64 characters that are enough to see a file's signature."""
_EDGE = 64 * 1024
_HEADER = 4 * 32 * 1024
"""Base64 characters in which an image tells its size; after long metadata it may come later."""


class Media(NamedTuple):
    """Bytes with a type, still in base64: large images are not decoded and encoded again.

    Attributes:
        declared: the type that the caller gave, in lower case; empty if none.
        data: valid base64, padded, without white space.
        charset: of a text, as the caller declared it; empty if not.
    """

    declared: str
    data: str
    charset: str = ""

    @property
    def content(self) -> bytes:
        """All bytes."""
        return base64.b64decode(self.data)

    @property
    def sniffed(self) -> str:
        """The type that the first bytes show; empty if they show none that we know."""
        head = base64.b64decode(self.data[:_HEAD])
        if head[:2] == b"\0\0" and head[4:8] == b"ftyp":
            return _in_container(head[8:12])
        if head[:2] == b"BM" and head[6:10] == bytes(4):
            return "image/bmp"
        signatures = {
            b"%PDF-": "application/pdf",
            b"PK\x03\x04": "application/zip",  # and so docx, xlsx, epub
            b"II*\x00": "image/tiff",
            b"MM\x00*": "image/tiff",
        }
        known = (kind for sign, kind in signatures.items() if head.startswith(sign))
        return image_type(head) or next(known, "")

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of an image in pixels, where its first bytes tell them."""
        return image_size(base64.b64decode(self.data[:_HEADER]))


def _in_container(brand: bytes) -> str:
    """What is in the container that photographs of phones and films share."""
    if brand.startswith(b"avi"):
        return "image/avif"
    return "image/heic" if brand.startswith((b"he", b"mi", b"ms")) else "video/mp4"


def parse_data_url(url: str, param: str) -> Media:
    """A `data:` URL, in base64 or percent-encoded."""
    head, comma, data = url.partition(",")
    if not comma:
        message = f"`{param}` is a data URL without a comma; expected `data:<type>;base64,<data>`."
        raise Refusal(message, param=param, code="invalid_value")
    kind, *options = (piece.strip().lower() for piece in head[len("data:") :].split(";"))
    if "base64" not in options:
        data = base64.b64encode(_unquoted(data)).decode()
    elif "%" in data:  # `+`, `/` and `=` may be escaped in a URL
        data = _unquoted(data).decode("latin-1")
    charsets = [option.removeprefix("charset=") for option in options if "charset=" in option]
    return _media(kind, data, param, *charsets[:1])


def _unquoted(data: str) -> bytes:
    # A lone surrogate must not get past here as an exception; its bytes are no image's.
    return unquote_to_bytes(data.encode("utf-8", "surrogatepass"))


def type_of_name(filename: str) -> str:
    """The type that the ending of a file's name tells; empty if it tells none."""
    return _NAMED.get(filename.rpartition(".")[2].lower(), "")


def parse_file_data(data: str, filename: str, param: str, declared: str = "") -> Media:
    """`file_data`: a data URL, or bare base64 whose type shows in the bytes, or else is told.

    Args:
        data: as the caller sent it.
        filename: may be empty; its ending tells a type.
        param: the place of `data`, for refusals.
        declared: the type that the caller told beside it; may be empty.
    """
    if data[:5].lower() == "data:":
        return parse_data_url(data, param)
    media = _media(declared, data, param)
    return Media(media.sniffed or media.declared or type_of_name(filename), media.data)


def _media(kind: str, data: str, param: str, charset: str = "") -> Media:
    kind = kind.strip().lower()
    return Media(_SPELLINGS.get(kind, kind), _base64(data, param), charset)


def _base64(data: str, param: str) -> str:
    """The data as the API takes it, copied only where it must change."""
    if _is_sound(data):
        return data
    if not _BASE64.fullmatch(data):
        data = _WHITE.sub("", data).translate(_URL_SAFE)
    if not data:
        raise Refusal(f"`{param}` holds no data.", param=param, code="invalid_value")
    if len(data) % 4:
        data = data.rstrip("=")
        data += "=" * (-len(data) % 4)
    if not _BASE64.fullmatch(data):
        message = f"`{param}` holds no valid base64 data."
        raise Refusal(message, param=param, code="invalid_base64")
    return data


def _is_sound(data: str) -> bool:
    """Whether nothing speaks against large data.

    To match every character takes longer than all else that is done with an image. Another
    alphabet, line ends and escapes would show; anything else wrong within is left to the API.
    """
    if len(data) < 2 * _EDGE or len(data) % 4 or not data.isascii():
        return False
    edges = _BASE64.fullmatch(data[:_EDGE]) and _BASE64.fullmatch(data[-_EDGE:])
    return edges is not None and not any(mark in data for mark in "-_ \n\r\t")


def image_block(media: Media, param: str) -> tuple[dict[str, Any], str | None]:
    """An image block, and a note where the declared type was not the bytes' own."""
    kind = media.sniffed or media.declared
    if kind not in IMAGE_TYPES:
        message = f"Claude takes no image of type {kind or 'unknown'!r}; convert it to PNG, JPEG,"
        message += " GIF or WebP."
        raise Unsendable(message, param=param, code="invalid_image_format")
    note = None
    if media.declared and kind != media.declared:
        note = f"Declared as {media.declared}, but the bytes are {kind}; sent as that."
    source = {"type": "base64", "media_type": kind, "data": media.data}
    return {"type": "image", "source": source}, note


def check_size(media: Media, param: str) -> None:
    """Refuse an image that is too large for the API, before it is uploaded.

    Raises:
        Unsendable: naming the size and the limit.
    """
    if len(media.data) > MAX_IMAGE_BASE64:
        detail = f"{len(media.data):,} bytes of base64; Claude takes {MAX_IMAGE_BASE64:,}"
    elif max(media.size or (0,)) > MAX_PIXELS:
        width, height = media.size or (0, 0)
        detail = f"{width} x {height} pixels; Claude takes {MAX_PIXELS} a side"
    else:
        return
    message = f"The image has {detail}. Scale it down."
    raise Unsendable(message, param=param, code="image_too_large")


def document_block(media: Media, title: str, param: str) -> dict[str, Any]:
    """A document block of a PDF or of text."""
    kind = media.sniffed or media.declared
    if kind == "application/pdf":
        source = {"type": "base64", "media_type": "application/pdf", "data": media.data}
    elif _is_text(kind):
        source = {"type": "text", "media_type": "text/plain", "data": _text(media, param)}
    else:
        message = f"Claude reads no file of type {media.declared or kind!r}; send a PDF or text."
        raise Unsendable(message, param=param, code="unsupported_file")
    return {"type": "document", "source": source} | ({"title": title} if title else {})


def _is_text(kind: str) -> bool:
    """Whether a file of this type may be text; its bytes tell in the end."""
    return (
        not kind
        or kind in _TEXT_TYPES
        or kind.startswith(("text/", "application/x-"))
        or kind.endswith(("+json", "+xml"))
    )


def _text(media: Media, param: str) -> str:
    content = media.content
    charset = "utf-16" if content.startswith(_WIDE) else media.charset or "utf-8"
    try:
        text = content.decode(charset).removeprefix("\ufeff")
    except (LookupError, ValueError):  # no such charset; bytes that it does not have
        text = "\0"
    if "\0" in text:
        message = "The file is neither PDF nor text in UTF-8"
        message += f" (declared as {media.declared})." if media.declared else "."
        raise Unsendable(message, param=param, code="unsupported_file")
    if not text.strip():
        raise Refusal(f"`{param}`: the file is empty.", param=param, code="invalid_value")
    return text
