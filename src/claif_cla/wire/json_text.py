"""JSON text in and out, in one form everywhere.

The same value always gives the same bytes: Claude's prompt cache and the prefix binding of
thinking blocks compare bytes, so nothing here may depend on time, hashing or environment.

Whole bodies and events are read and written by the compiled code that pydantic 2 brings, several
times as fast as `json`. What that does not take (half an emoji, numbers that JSON cannot spell,
deep nesting), `json` decides. orjson writes the very same bytes in a quarter of the time, for a
process that asks for it, as the gateway does: a client loads no library that openai does not.
It does not read: it rounds large integers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from_json: Callable[..., Any]
to_json: Callable[..., bytes] | None
try:
    from pydantic_core import from_json, to_json
except ImportError:  # pragma: no cover - openai still takes pydantic 1
    from_json, to_json = json.loads, None
__all__ = ["as_read", "dump_bytes", "dump_text", "load", "plain", "write_with_orjson"]

_MAX_FLOAT = 1.7976931348623157e308
_NUMBERS = [1e16, 1.5e300, 1e-7, 5e-324, 0.0001, -0.0]
"""What the writers do not spell alike in all releases: newer ones write `1e+16`, older `1e16`."""
_orjson_dumps: Callable[[Any], bytes] | None = None


def write_with_orjson() -> None:
    """Let orjson write in this process from now on; no byte changes, only the time it takes.

    For who answers thousands of calls a second. Where its release spells numbers otherwise than
    the usual writer's, nothing changes at all. Raises ImportError where it is not installed.
    """
    import orjson  # noqa: PLC0415 - a client never loads it

    global _orjson_dumps  # noqa: PLW0603 - what it writes is the same: nobody can tell but a clock
    # What is no plain JSON is for the other writer, so that both give the same.
    exact = (
        orjson.OPT_PASSTHROUGH_DATACLASS
        | orjson.OPT_PASSTHROUGH_DATETIME
        | orjson.OPT_PASSTHROUGH_SUBCLASS
    )
    write = partial(orjson.dumps, default=None, option=exact)
    if write(_NUMBERS) == dump_bytes(_NUMBERS):
        _orjson_dumps = write


def load(text: str | bytes) -> Any:
    """Parse JSON. Raises ValueError on anything else, also on text nested too deeply.

    Integers keep every digit. `NaN` and `Infinity`, which are no JSON but which some servers
    write, are read as floats; `dump_text` never writes them.
    """
    try:
        return from_json(text)
    except (ValueError, TypeError, RecursionError):  # Python's own takes more, and says why not
        pass
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
    """A JSON value in UTF-8, as `dump_text` spells it but for the exponents of floats.

    An infinity becomes null: to look for one would take longer than all the rest.
    Raises as `dump_text` does, but may take what only resembles JSON, such as a set: whoever
    hands in values from outside looks at them first.

    Two surrogates that form a pair become their character. A lone one, half of an emoji that
    somebody cut in two, becomes U+FFFD: UTF-8 cannot hold it, and the Messages API refuses its
    escape with a 400 ("The request body is not valid JSON: no low surrogate in string").
    """
    compiled = _compiled(value)
    if compiled is not None:
        return compiled
    try:
        value = _whole(value)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error
    # Again by the compiled writer: half an emoji in one message respells no number in another.
    compiled = _compiled(value)
    return dump_text(value).encode() if compiled is None else compiled


def as_read(value: Any) -> Any:
    """A JSON value as it comes back from its bytes; itself where these would change nothing."""
    try:
        text = to_json(value) if to_json is not None else None
    except (ValueError, TypeError):
        text = None
    # The writer spells numbers that are none with words; as likely they are just words.
    if text is not None and b"NaN" not in text and b"Infinity" not in text:
        return value
    return load(dump_bytes(value))


def plain(value: Any) -> Any:
    """A copy with dicts for all mappings and lists for all tuples.

    Requests are JSON, but a caller of the core may hand in what only looks like it.
    """
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _compiled(value: Any) -> bytes | None:
    """What the compiled writers make of `value`; None where they fail."""
    if _orjson_dumps is not None:
        try:
            return _orjson_dumps(value)
        except TypeError:  # all that it raises; the other one takes more
            pass
    if to_json is None:  # pragma: no cover - see the import
        return None
    try:
        text: bytes = to_json(value, inf_nan_mode="null")
    except (ValueError, TypeError):
        return None
    return text


def _whole(value: Any) -> Any:
    """A copy in plain containers whose strings UTF-8 can hold."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, Mapping):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, (list, tuple)) else value


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
