"""`GET /v1/models[/{id}]`: the models that the caller may use, in OpenAI's shape."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
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
        if is_step or not _is_open(parts, caller, parts.choosing.choice(name).model):
            message = f"The model `{name}` does not exist, or this key may not use it."
            raise Denial(404, message, code="model_not_found", param="model")
        # As one segment: of several, the flow would ask for the last alone, unlike the check.
        path = f"/models/{quote(name, safe='')}"
    call = Call("GET", path, None, parts.settings(visit), now=int(time.time()))
    answer = await answered(call, AsyncOpened(parts.opener(visit)))
    body = answer.body
    if answer.status == 200 and not name:
        kept = [item for item in body["data"] if _is_open(parts, caller, item["id"])]
        body = {**body, "data": kept}
    elif answer.status >= 400:
        visit.code = str(body["error"].get("code") or "")
    visit.status = answer.status
    await parts.gate.settle(visit)
    caller.always += [*answer_headers(answer.headers, limited=False), *parts.headers(visit)]
    await caller.answer(answer.status, json_text.dump_bytes(body), [JSON_TYPE])


def _is_open(parts: Parts, caller: Caller, model: str) -> bool:
    return parts.choosing.allows(model) and parts.gate.allows(caller.visit, model)
