"""`GET /models` and `GET /models/{id}`: Claude's models in OpenAI's shape.

The API tells which models the key may use; the catalogue adds what the API does not tell. Extras
stand beside OpenAI's fields, where its types keep them. A server that has no such endpoint (a
cloud, a proxy) is answered for from the catalogue.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

from claif_cla.catalog.live import merge_live
from claif_cla.catalog.model_info import ModelInfo, active_models, lookup
from claif_cla.catalog.names import resolve
from claif_cla.errors import MalformedAnswer, Refusal
from claif_cla.translate.body import read_error, read_json
from claif_cla.translate.call import Call
from claif_cla.translate.chat.sampling import CURRENT_VERSION
from claif_cla.translate.error_body import error_answer, refusal_answer
from claif_cla.translate.flow import Answer, Effect, Flow, Reply, Send
from claif_cla.translate.headers import forwarded, to_openai
from claif_cla.wire.http import UpstreamRequest

__all__ = ["MAX_PAGES", "delete_model_flow", "list_models_flow", "model_flow"]

MODELS_PATH = "/v1/models"
MAX_PAGES = 20
"""Bound of the pages that are followed, of 1,000 models each."""

_NO_ENDPOINT = (404, 405, 501)
_EXTRAS = (
    "display_name",
    "line",
    "lifecycle",
    "context_window",
    "max_output_tokens",
    "thinking",
    "effort_levels",
    "default_effort",
    "structured_outputs",
    "forced_tool_choice",
    "mid_conversation_system",
    "prefill",
    "sampling",
    "fast_mode",
    "restricted",
    "prices",
)


def list_models_flow(call: Call) -> Flow:
    """All models, newest first as upstream gives them; openai's page of models has no cursor."""
    found: list[dict[str, Any]] = []
    after = ""
    for _ in range(MAX_PAGES):
        reply: Reply = yield Send(_request(call, MODELS_PATH, f"limit=1000{after}"))
        if reply.status in _NO_ENDPOINT:
            found = [_model(info, {}) for info in active_models()]
            yield from read_error(reply)
            break
        if reply.status >= 400:
            return (yield from _error(reply, call))
        page = yield from _page(reply)
        found += [_model(lookup(item["id"]), item) for item in page["data"]]
        if not page.get("has_more") or not page["data"]:
            break
        after = f"&after_id={quote(str(page['data'][-1]['id']), safe='')}"
    return Answer(200, to_openai(reply.headers, call.now), {"object": "list", "data": found})


def model_flow(call: Call) -> Flow:
    """One model. Aliases, short names and retired names are resolved as in a call."""
    name = unquote(call.path.rpartition("/")[2])
    settings = call.settings
    try:
        found = resolve(name, aliases=settings.model_aliases, official=settings.official)
    except Refusal as refusal:  # an alias that names nothing
        return refusal_answer(refusal)
    path = f"{MODELS_PATH}/{quote(found.model_id, safe='')}"
    reply: Reply = yield Send(_request(call, path))
    if reply.status in _NO_ENDPOINT and not settings.official and found.info.known:
        yield from read_error(reply)
        return Answer(200, to_openai(reply.headers, call.now), _model(found.info, {}))
    if reply.status >= 400:
        return (yield from _error(reply, call))
    item = yield from read_json(reply)
    if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
        raise MalformedAnswer("the answer is no model of the Models API")
    return Answer(200, to_openai(reply.headers, call.now), _model(lookup(item["id"]), item))


def delete_model_flow(call: Call) -> Flow:
    """Claude's models are not the caller's to delete."""
    message = "Claude's models cannot be deleted."
    nothing: tuple[Effect, ...] = ()
    yield from nothing
    return refusal_answer(Refusal(message, param="model", code="model_not_deletable", status=403))


def _error(reply: Reply, call: Call) -> Flow:
    body = yield from read_error(reply)
    return error_answer(reply.status, reply.headers, body, call.now)


def _request(call: Call, path: str, query: str = "") -> UpstreamRequest:
    headers = {"anthropic-version": CURRENT_VERSION, **forwarded(call.headers)}
    return UpstreamRequest("GET", path, headers, query=query or call.query)


def _page(reply: Reply) -> Generator[Effect, Any, dict[str, Any]]:
    page = yield from read_json(reply)
    items = page.get("data") if isinstance(page, dict) else None
    if not isinstance(items, list) or not all(
        isinstance(item, dict) and isinstance(item.get("id"), str) for item in items
    ):
        raise MalformedAnswer("the answer is no list of the Models API")
    return dict(page)


def _model(info: ModelInfo, item: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's `Model` with our extras."""
    info = merge_live(info, item)
    facts = info.as_json()
    result: dict[str, Any] = {
        "id": item.get("id", info.id),
        "object": "model",
        "created": _timestamp(item.get("created_at") or info.released),
        "owned_by": "anthropic" if info.family == "claude" else "unknown",
    }
    if info.retires_at is not None:
        result["shutdown_date"] = info.retires_at
    result |= {name: facts[name] for name in _EXTRAS if facts.get(name) is not None}
    if item.get("capabilities") is not None:
        result["capabilities"] = item["capabilities"]
    return result


def _timestamp(instant: Any) -> int:
    """Unix seconds of an RFC 3339 instant or an ISO date, which is taken as UTC; 0 if unknown."""
    if not isinstance(instant, str):
        return 0
    text = instant.replace("Z", "+00:00")
    if len(text) == len("2026-11-22"):
        text += "T00:00:00+00:00"
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        return 0
