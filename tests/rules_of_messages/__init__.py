"""An oracle, independent of the translation: is this body a legal Messages request?

    assert not violations(json.loads(server.last.body), legacy=True)

It knows the shape (`shape.py`, from the SDK's types) and the API's rules about content
(`conversation.py`, `parameters.py`). It knows no models: what a model allows is the catalogue's.
It is stricter than the API where the translation promises more: see `violations`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rules_of_messages.conversation import conversation_violations
from rules_of_messages.parameters import SAMPLING, parameter_violations
from rules_of_messages.shape import misfits

__all__ = ["violations"]


def violations(body: Any, *, beta: bool = False, legacy: bool = False) -> list[str]:
    """What is wrong with this body, as `where: what`; empty if it is a legal request.

    Two things are reported that the API takes: neighbouring messages of the same role, which it
    joins by itself, and `max_tokens` 0, which only warms the cache.

    Args:
        body: the parsed JSON.
        beta: whether fields and blocks of beta features are allowed.
        legacy: whether it is sent with `anthropic-version: 2023-06-01`, where `temperature`,
            `top_p` and `top_k` exist, and citations and documents may stand where
            `2026-10-21` refuses them.
    """
    if not isinstance(body, Mapping):
        return ["body: no JSON object"]
    found = _json_violations(body)
    shaped = {k: v for k, v in body.items() if not (legacy and k in SAMPLING)}
    found += misfits(shaped, beta=beta)
    if found:
        return found  # the rules below expect the shape
    return [*parameter_violations(body), *conversation_violations(body, legacy=legacy)]


def _json_violations(body: Mapping[str, Any]) -> list[str]:
    try:
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        return ["body: a lone surrogate; the API answers 400 `no low surrogate in string`"]
    except (TypeError, ValueError) as error:
        return [f"body: no JSON ({error})"]
    return []
