"""JSON text in and out, in one form everywhere.

The same value always gives the same bytes: Claude's prompt cache and the prefix binding of
thinking blocks compare bytes, so nothing here may depend on time, hashing or environment.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["dump_bytes", "dump_text", "load", "plain"]

_MAX_FLOAT = 1.7976931348623157e308


def load(text: str | bytes) -> Any:
    """Parse JSON. Raises ValueError on anything else, also on text nested too deeply.

    Integers keep every digit. `NaN` and `Infinity`, which are no JSON but which some servers
    write, are read as floats; `dump_text` never writes them.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error


def dump_text(value: Any) -> str:
    """Compact JSON in which non-ASCII characters stand as themselves.

    Numbers that JSON cannot spell are replaced: NaN by null, an infinity by the largest finite
    number. Raises ValueError on values nested too deeply.
    """
    try:
        try:
            return _spell(value)
        except ValueError:
            return _spell(_finite(value))
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error


def dump_bytes(value: Any) -> bytes:
    """`dump_text` in UTF-8. Raises as it does.

    Two surrogates that form a pair become their character. A lone one, half of an emoji that
    somebody cut in two, becomes U+FFFD: UTF-8 cannot hold it, and the Messages API refuses its
    escape with a 400 ("The request body is not valid JSON: no low surrogate in string").
    """
    text = dump_text(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def plain(value: Any) -> Any:
    """A copy with dicts for all mappings and lists for all tuples.

    Requests are JSON, but a caller of the core may hand in what only looks like it.
    """
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _object(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _spell(value: Any) -> str:
    return json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_object
    )


def _finite(value: Any) -> Any:
    """A copy without the floats that JSON cannot spell.

    Python reads the legal number `1e400` as infinity and would write it back as `Infinity`,
    which no JSON parser takes: the largest finite float stands in. NaN becomes null.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else math.copysign(_MAX_FLOAT, value)
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
