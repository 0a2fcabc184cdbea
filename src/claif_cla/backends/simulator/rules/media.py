"""Rules about images and documents: what the bytes must be.

Limits: 10 MB of base64 and 8000 x 8000 pixels for an image, 2000 x 2000 where there are more
than 20; 600 images, or 100 of a model with a short window. Documents are PDF files, plain text, or
text and image blocks.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from claif_cla.backends.simulator.conversation import Block, Turn, blocks_of
from claif_cla.backends.simulator.rules.shapes import fail
from claif_cla.catalog.model_info import ModelInfo
from claif_cla.wire.image_size import image_size, image_type

__all__ = ["check_media"]

_MAX_IMAGE_BASE64 = 10 * 1024 * 1024
_MAX_PIXELS = 8000
_MAX_PIXELS_OF_MANY = 2000
_MANY = 20
_SHORT_WINDOW = 200_000


def check_media(turns: Sequence[Turn], model: ModelInfo, *, structured: bool) -> None:
    """Each image and document is what it claims to be."""
    images = sum(block["type"] == "image" for _, block in _located(turns))
    limit = 100 if model.context_window <= _SHORT_WINDOW else 600
    if images > limit:
        fail("messages", f"too many images: {images} > {limit} maximum")
    cited = [
        bool((block.get("citations") or {}).get("enabled"))
        for turn in turns
        for block in turn.blocks
        if block["type"] == "document"
    ]
    if any(cited) and not all(cited):
        fail("messages", "Citations must be enabled on all documents or on none of them.")
    if any(cited) and structured:
        fail("messages", "Citations are not supported together with `output_config.format`.")
    for path, block in _located(turns):
        source = block.get("source")
        if block["type"] == "image" and isinstance(source, dict):
            _check_image(source, f"{path}.image.source", many=images > _MANY)
        elif block["type"] == "document" and isinstance(source, dict):
            _check_document(source, f"{path}.document.source")


def _located(turns: Sequence[Turn]) -> Iterator[tuple[str, Block]]:
    """All blocks with their paths, those inside tool results and documents included."""
    for turn in turns:
        for path, block in turn.located():
            yield path, block
            inner = blocks_of(block.get("content")) if block["type"] == "tool_result" else []
            for index, nested in enumerate(inner):
                yield f"{path}.tool_result.content.{index}", nested


def _decode(source: Mapping[str, Any], path: str) -> bytes:
    try:
        return base64.b64decode(source["data"], validate=True)
    except (binascii.Error, ValueError):
        fail(f"{path}.base64", "invalid base64 data")


def _check_image(source: Mapping[str, Any], path: str, *, many: bool) -> None:
    if source["type"] == "url":
        _check_url(source["url"], path)
    if source["type"] != "base64":
        return
    size = len(source["data"])
    if size > _MAX_IMAGE_BASE64:
        fail(
            f"{path}.base64",
            f"image exceeds 10 MB maximum: {size} bytes > {_MAX_IMAGE_BASE64} bytes",
        )
    data = _decode(source, path)
    found = image_type(data)
    if found is None:
        fail(f"{path}.base64", "Could not process image")
    if found != source["media_type"]:
        fail(
            f"{path}.base64",
            f"The image was specified using the {source['media_type']} media type, but the "
            f"image appears to be a {found} image",
        )
    dimensions = image_size(data)
    allowed = _MAX_PIXELS_OF_MANY if many else _MAX_PIXELS
    if dimensions is not None and max(dimensions) > allowed:
        requests = " for many-image requests" if many else ""
        fail(
            f"{path}.base64.data",
            "At least one of the image dimensions exceed max allowed size"
            f"{requests}: {allowed} pixels",
        )


def _check_document(source: Mapping[str, Any], path: str) -> None:
    if source["type"] == "url":
        _check_url(source["url"], path)
    elif source["type"] == "base64" and b"%PDF-" not in _decode(source, path)[:1024]:
        fail(f"{path}.base64.data", "The PDF specified was not valid.")
    elif source["type"] == "text" and not source["data"].strip():
        fail(f"{path}.text.data", "Text document must contain non-whitespace text")


def _check_url(url: str, path: str) -> None:
    if not url.startswith("https://"):
        fail(f"{path}.url.url", "Only HTTPS URLs are supported.")
