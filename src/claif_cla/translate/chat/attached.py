"""OpenAI's parts that bring a file along: `image_url` and `file`.

Nothing is fetched here. What lies at an address or under an id, Claude reads itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.errors import Refusal, Unsendable
from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.media import (
    Media,
    check_size,
    document_block,
    image_block,
    parse_data_url,
    parse_file_data,
    type_of_name,
)

__all__ = ["file_part", "image_part"]

_DETAILS = ("auto", "low", "high", "original")
_FILE_SOURCES = ("file_id", "file_url", "file_data")


def image_part(part: Mapping[str, Any], at: str, context: Context) -> list[dict[str, Any]]:
    """The block of a part of type `image_url`."""
    where = f"{at}.image_url"
    given = part.get("image_url")
    if isinstance(given, str):  # a common slip that OpenAI's Responses API makes legal
        given = {"url": given}
    given = checks.mapping(given, where)
    context.receipts.unread(given, ("url", "detail", "file_id"), where)
    _check_detail(given.get("detail"), f"{where}.detail", context)
    if given.get("url") is None and given.get("file_id") is not None:
        return [{"type": "image", "source": _file_source(given["file_id"], f"{where}.file_id")}]
    where += ".url"
    url = checks.string(given.get("url"), where).strip()
    if _is_data_url(url):
        return [_image(parse_data_url(url, where), where, context)]
    if _is_web_url(url):
        return [{"type": "image", "source": _url_source(url, where, context)}]
    if url.startswith(("file-", "file_")):
        return [{"type": "image", "source": _file_source(url, where)}]
    message = f"`{where}` is neither a data URL nor an https URL nor a file id."
    raise Refusal(message, param=where, code="invalid_value")


def _check_detail(detail: Any, where: str, context: Context) -> None:
    """`high` is what Claude does: it sees an image as large as it can."""
    if detail is None or checks.one_of(detail, where, _DETAILS) in ("auto", "high"):
        return
    context.receipts.drop(where, "Claude chooses the resolution of an image by itself.")


def _image(media: Media, where: str, context: Context) -> dict[str, Any]:
    block, note = image_block(media, where)
    if note is not None:
        context.receipts.adapt(where, note)
    if context.model.family == "claude":
        check_size(media, where)
    return block


def _is_data_url(text: str) -> bool:
    return text[:5].lower() == "data:"


def _is_web_url(text: str) -> bool:
    return text[:8].lower() == "https://" or text[:7].lower() == "http://"


def _url_source(url: str, where: str, context: Context) -> dict[str, Any]:
    # Never fetched here: Claude does that, so no request of ours goes to a caller's address.
    if url[:5].lower() == "http:" and context.settings.official:
        message = "Claude fetches from https addresses only; send https, or the data itself."
        raise Unsendable(message, param=where, code="invalid_image_url")
    return {"type": "url", "url": url}


def _file_source(file_id: Any, where: str) -> dict[str, Any]:
    if not checks.string(file_id, where):
        raise Refusal(f"`{where}` is empty.", param=where, code="invalid_value")
    return {"type": "file", "file_id": file_id}


def file_part(part: Mapping[str, Any], at: str, context: Context) -> list[dict[str, Any]]:
    """The block of a part of type `file`: a document, or an image.

    Beside OpenAI's fields these are read, which other clients write: `file_url`, an address;
    `format`, the type; and `citations`, whether Claude shall cite the document.
    """
    where = f"{at}.file"
    given = checks.mapping(part.get("file"), where)
    title = checks.string(given.get("filename") or "", f"{where}.filename")
    declared = checks.string(given.get("format") or "", f"{where}.format")
    source = next((name for name in _FILE_SOURCES if given.get(name) is not None), None)
    if source is None:
        message = f"`{where}` needs `file_data`, `file_id` or `file_url`."
        raise Refusal(message, param=where, code="missing_required_parameter")
    context.receipts.unread(given, ("filename", "format", "citations", source), where)
    place = f"{where}.{source}"
    text = checks.string(given[source], place).strip()
    if _is_web_url(text):
        block = _elsewhere(_url_source(text, place, context), declared, title)
    elif source == "file_data":
        block = _file_of(parse_file_data(text, title, place, declared), title, place, context)
    elif source == "file_id":
        block = _elsewhere(_file_source(text, place), declared, title)
    else:
        raise Refusal(f"`{place}` is no https URL.", param=place, code="invalid_value")
    if given.get("citations") is not None and block["type"] == "document":
        enabled = checks.boolean(given["citations"], f"{where}.citations")
        block["citations"] = {"enabled": enabled}
    return [block]


def _file_of(media: Media, title: str, where: str, context: Context) -> dict[str, Any]:
    if (media.sniffed or media.declared).startswith("image/"):
        return _image(media, where, context)
    return document_block(media, title, where)


def _elsewhere(source: dict[str, Any], declared: str, title: str) -> dict[str, Any]:
    """The block of a file that lies at a URL, or at Anthropic under an id."""
    if (declared or type_of_name(title)).startswith("image/"):
        return {"type": "image", "source": source}
    return {"type": "document", "source": source} | ({"title": title} if title else {})
