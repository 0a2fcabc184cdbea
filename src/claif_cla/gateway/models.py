"""`GET /v1/models[/{id}]`: the models that the caller may use, in OpenAI's shape."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from claif_cla.drive import AsyncOpened
from claif_cla.gateway.caller import JSON_TYPE, Caller
from claif_cla.gateway.chat import answered
from claif_cla.gateway.denial import Denial
from claif_cla.gateway.headers import answer_headers
from claif_cla.translate.call import Call
from claif_cla.wire import json_text

if TYPE_CHECKING:
    from claif_cla.gateway.parts import Parts

__all__ = ["models"]


async def models(parts: Parts, caller: Caller, path: str) -> None:
    """Answer with the list, or with one model.

    Args:
        parts: of the gateway.
        caller: whom to answer.
        path: below `/v1`, percent-encoded: `/models` or `/models/claude-…`.

    Raises:
        Denial: 404 for a model that is not served, or not to this key.
    """
    visit = caller.visit
    name = unquote(path.removeprefix("/models").lstrip("/"))
    if name:
        visit.asked_model = name
        is_step = name in (".", "..")  # on the way upstream it would lead to another endpoint
        if is_step or not _is_open(parts, caller, parts.choosing.choice(name).model, name):
            message = f"The model `{name}` does not exist, or this key may not use it."
            raise Denial(404, message, code="model_not_found", param="model")
        # As one segment: of several, the flow would ask for the last alone, unlike the check.
        path = f"/models/{quote(name, safe='')}"
    call = Call("GET", path, None, parts.settings(visit), now=int(time.time()))
    answer = await answered(call, AsyncOpened(parts.opener(visit)))
    body = answer.body
    if answer.status == 200 and not name:
        body = {**body, "data": _open_ones(parts, caller, body["data"])}
    elif answer.status >= 400:
        visit.code = str(body["error"].get("code") or "")
    visit.status = answer.status
    await parts.gate.settle(visit)
    caller.always += [*answer_headers(answer.headers, limited=False), *parts.headers(visit)]
    told = json_text.dump_bytes(body)
    if answer.status != 200:
        told = parts.upstream.redacted(told)
    await caller.answer(answer.status, told, [JSON_TYPE])


def _open_ones(parts: Parts, caller: Caller, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the key may ask for, by id or by a name that the operator gave it."""
    by_id = {item["id"]: item for item in listed}
    kept = [item for item in listed if _is_open(parts, caller, item["id"])]
    kept += [
        {**by_id[model], "id": alias}
        for alias, model in parts.choosing.named().items()
        if model in by_id and alias not in by_id and _is_open(parts, caller, model, alias)
    ]
    return kept


def _is_open(parts: Parts, caller: Caller, model: str, name: str | None = None) -> bool:
    visit, gate = caller.visit, parts.gate
    if not parts.choosing.allows(model):
        return False
    return gate.allows(visit, model) or (name is not None and gate.allows(visit, name))
