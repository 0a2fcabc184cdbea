"""What a request will take, before it is sent; what a reply has taken that was left in the middle.

Estimates, all of them; `prices` is exact. Nothing here counts tokens: that would cost more than
the request's whole way through the gateway. The rules, and where they err:

- Four bytes of the request's JSON are a token. English prose and JSON come out about right, code a
  little high, languages of other scripts (three bytes a character) too high.
- An image counts `IMAGE_TOKENS`, a PDF `PAGE_TOKENS` for every `PAGE_BASE64` characters; their
  base64 does not count as text. What is named by an address or an id counts once.
- The answer takes what the request allows, but no more than `EXPECTED_OUTPUT` each: agents allow
  64,000 and take 400. To put the ceiling aside would lock a key out that has spent next to nothing.
- A prompt is priced as read anew: what the cache saves shows when it is settled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeGuard

from claif_cla.gateway.money.prices import Counts, Prices
from claif_cla.gateway.visit import Usage

__all__ = ["Demand", "demand", "probable_counts"]

BYTES_PER_TOKEN = 4
IMAGE_TOKENS = 1_600
"""Of one picture: what Claude scales a large one down to (width * height / 750)."""
PAGE_TOKENS = 3_000
"""Of one page of a PDF, which is read as text and as a picture (docs: 1,500 to 3,000 each)."""
PAGE_BASE64 = 70_000
"""Characters of base64 for one page: about 50 kB, between plain text and a scan."""
MAX_PAGES = 600
"""Pages that a request may have; a file of more bytes than they need has pictures in it."""
EXPECTED_OUTPUT = 4_096
"""Tokens put aside for an answer at the most; see the module."""
MAX_ANSWERS = 128
"""The most that OpenAI's `n` may be; beyond it the request is refused anyway."""
MEDIA_BYTES = 16_384
"""Smaller requests are not looked through: what media they hold is smaller than an icon."""
MAX_PARTS = 20_000
"""Parts of messages that are looked at; of more, the rest counts by its bytes."""
CHARACTERS_PER_TOKEN = 3.5
"""Of Claude's output. Anthropic's own rule of thumb for English."""


class Demand(NamedTuple):
    """What a request will probably take; see the module for how.

    Attributes:
        model: that will be asked.
        input_tokens: of the prompt.
        output_tokens: of all its answers.
        cost: micro-USD; None where the model's prices are unknown.
    """

    model: str
    input_tokens: int
    output_tokens: int
    cost: int | None


def demand(prices: Prices, model: str, request: Mapping[str, Any], size: int) -> Demand:
    """The demand of a request to either API.

    One look at each message and each of its parts, and at no text: about 40 ns a message.

    Args:
        prices: to say what it costs.
        model: that will be asked.
        request: the JSON object of the body; not checked yet, so anything may be in it.
        size: of the body, in bytes.
    """
    media, tokens = _media(request) if size >= MEDIA_BYTES else (0, 0)
    prompt = max(1, (size - media) // BYTES_PER_TOKEN) + tokens
    output = _output(request)
    usage: dict[str, Any] = {}
    if request.get("speed") == "fast" or request.get("service_tier") in ("fast", "priority"):
        usage["speed"] = "fast"  # where the model has none, it has no price for it either
    if request.get("inference_geo") == "us":
        usage["inference_geo"] = "us"
    counts = Counts(prompt, output, 0, 0, 0, 0)
    return Demand(model, prompt, output, prices.cost(model, usage, counts))


def _output(request: Mapping[str, Any]) -> int:
    limit, answers = request.get("max_completion_tokens"), request.get("n")
    if not _is_count(limit):
        limit = request.get("max_tokens")
    each = min(limit, EXPECTED_OUTPUT) if _is_count(limit) else EXPECTED_OUTPUT
    if answers is None:
        return each
    return each * (max(1, min(answers, MAX_ANSWERS)) if _is_count(answers) else 1)


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and value >= 0


def _media(request: Mapping[str, Any]) -> tuple[int, int]:
    """How many bytes of a request are media, and for how many tokens they count."""
    messages = request.get("messages")
    if not isinstance(messages, list):
        return 0, 0
    size = tokens = seen = 0
    # `type(…) is` and one comprehension: most conversations are long and nearly all plain.
    rich = [m["content"] for m in messages if type(m) is dict and type(m.get("content")) is list]
    for parts in rich:
        for part in _parts(parts):
            seen += 1
            if seen > MAX_PARTS:
                return size, tokens
            if type(part) is dict and (measure := _MEASURES.get(str(part.get("type")))):
                more, worth = measure(part)
                size, tokens = size + more, tokens + worth
    return size, tokens


def _parts(parts: list[Any]) -> Iterator[Any]:
    """The parts of a message, and those of its tool results."""
    for part in parts:
        yield part
        if type(part) is dict and part.get("type") == "tool_result":
            inner = part.get("content")
            if isinstance(inner, list):
                yield from inner


def _length(holder: Any, key: str) -> int:
    value = holder.get(key) if isinstance(holder, Mapping) else None
    return len(value) if isinstance(value, str) else 0


def _image_url(part: Mapping[str, Any]) -> tuple[int, int]:
    image = part.get("image_url")
    size = len(image) if isinstance(image, str) else _length(image, "url")
    return size, IMAGE_TOKENS


def _image(part: Mapping[str, Any]) -> tuple[int, int]:
    return _length(part.get("source"), "data"), IMAGE_TOKENS


def _file(part: Mapping[str, Any]) -> tuple[int, int]:
    return _pages(_length(part.get("file"), "file_data"))


def _document(part: Mapping[str, Any]) -> tuple[int, int]:
    source = part.get("source")
    kind = source.get("type") if isinstance(source, Mapping) else None
    if kind in ("text", "content"):  # counts by its bytes, as any text
        return 0, 0
    return _pages(_length(source, "data"))


def _pages(base64: int) -> tuple[int, int]:
    return base64, PAGE_TOKENS * min(MAX_PAGES, 1 + base64 // PAGE_BASE64)


_MEASURES = {"image_url": _image_url, "image": _image, "file": _file, "document": _document}


def probable_counts(usage: Usage, asked: Demand | None = None) -> Mapping[str, Any]:
    """Anthropic's `usage` of a reply, with what is missing filled in where it was left.

    Of a complete reply these are its counts, exactly. Of one that was left in the middle the prompt
    is exact (its first event tells it) and the output is judged by the text that was told, since
    Anthropic charges for what was made until it noticed. Too low where thinking was not shown, and
    by what was on the way when the caller left. Where not even the first event came, `asked` stands
    in for the prompt: it was sent, and is charged.

    Args:
        usage: what is known of the reply.
        asked: the demand of its request.
    """
    counts = usage.counts
    if usage.complete:
        return counts
    told = -int(-usage.characters // CHARACTERS_PER_TOKEN)
    counted = counts.get("output_tokens")
    output = max(told, counted) if _is_count(counted) else told
    filled = {**counts, "output_tokens": output}
    if asked is not None and not _is_count(counts.get("input_tokens")):
        filled["input_tokens"] = asked.input_tokens
    return filled
