"""`GET /v1/models` and `GET /v1/models/{id}`, from the catalogue.

Shapes and paging: `types/model_info.py`, `types/model_capabilities.py` and
`types/model_list_params.py` of the anthropic SDK 2.12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from claif_cla.backends.simulator.rejection import Rejection
from claif_cla.backends.simulator.rules.shapes import fail
from claif_cla.catalog.model_info import ModelInfo

__all__ = ["list_models", "model_object"]

_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_THINKING = ("adaptive", "between_tools", "disabled", "enabled")
_STRATEGIES = ("clear_thinking_20251015", "clear_tool_uses_20250919", "compact_20260112")
_LIFECYCLES = ("active", "deprecated", "retired")
_EPOCH = "1970-01-01"


def model_object(model: ModelInfo) -> dict[str, Any]:
    """A model as the Models API shows it."""
    retires = model.lifecycle != "active" and model.retires_at
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.display_name,
        "created_at": f"{model.released or _EPOCH}T00:00:00Z",
        "lifecycle": model.lifecycle,
        "line": model.line,
        "max_input_tokens": model.context_window,
        "max_tokens": model.max_output_tokens,
        "deprecated_at": None,
        "retires_at": f"{model.retires_at}T00:00:00Z" if retires else None,
        "capabilities": _capabilities(model),
    }


def _capabilities(model: ModelInfo) -> dict[str, Any]:
    yes = {"supported": True}
    kinds = model.thinking.types
    thinks = bool(kinds - {"disabled"})
    return {
        "batch": yes,
        "citations": yes,
        "code_execution": yes,
        "context_management": {"supported": True, **dict.fromkeys(_STRATEGIES, yes)},
        "effort": {
            "supported": bool(model.effort_levels),
            **{level: {"supported": level in model.effort_levels} for level in _EFFORTS},
        },
        "image_input": yes,
        "pdf_input": yes,
        "server_tools": {"supported": True, "web_search": yes, "code_execution": yes},
        "structured_outputs": {"supported": model.structured_outputs},
        "thinking": {
            "supported": thinks,
            "types": {
                kind: {"supported": kind in kinds or (kind == "disabled" and not thinks)}
                for kind in _THINKING
            },
        },
    }


def list_models(models: Sequence[ModelInfo], query: str) -> dict[str, Any]:
    """One page of the list, newest first.

    Args:
        models: the whole catalogue.
        query: the query string; `limit`, `after_id`, `before_id` and `lifecycle` are known.

    Raises:
        Rejection: a value out of range, or a cursor that is no model's id.
    """
    values = parse_qs(query, keep_blank_values=True)
    wanted = [*values.get("lifecycle", ()), *values.get("lifecycle[]", ())]
    for stage in wanted:
        if stage not in _LIFECYCLES:
            fail("lifecycle", "Input should be 'active', 'deprecated' or 'retired'")
    shown = [m for m in models if m.lifecycle in (wanted or ("active", "deprecated"))]
    limit = _limit(values)
    ids = [model.id for model in shown]
    start, end = 0, len(shown)
    if "after_id" in values:
        start = _place(ids, values["after_id"][-1], "after_id") + 1
    if "before_id" in values:
        end = _place(ids, values["before_id"][-1], "before_id")
        start = max(start, end - limit)
        has_more = start > 0
    else:
        has_more = start + limit < end
    page = shown[start : min(end, start + limit)]
    return {
        "data": [model_object(model) for model in page],
        "has_more": has_more,
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
    }


def _limit(values: Mapping[str, list[str]]) -> int:
    text = values.get("limit", ["20"])[-1]
    if not text.isascii() or not text.isdigit():
        fail("limit", "Input should be a valid integer, unable to parse string as an integer")
    if int(text[:9]) < 1:
        fail("limit", "Input should be greater than or equal to 1")
    if int(text[:9]) > 1000:
        fail("limit", "Input should be less than or equal to 1000")
    return int(text)


def _place(ids: Sequence[str], wanted: str, name: str) -> int:
    if wanted not in ids:
        raise Rejection(f"{name}: model `{wanted}` is not in the list")
    return ids.index(wanted)
