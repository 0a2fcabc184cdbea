"""`user`, `safety_identifier` and `metadata` as Claude's one label, `metadata.user_id`.

Anthropic asks for an opaque id and no personal data; `user_id` is the only key it takes.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from claif_cla.translate import checks
from claif_cla.translate.chat.context import Context

__all__ = ["metadata_patch", "safety_identifier_patch", "user_patch"]

_MAX_LENGTH = 256
_PERSONAL = re.compile(r"@|\s|^\+?[\d().\-/]{7,}$")
"""Mail addresses, names with a space, telephone numbers."""


def user_patch(value: Any, context: Context) -> dict[str, Any]:
    """`user` as `metadata.user_id`, hashed where it looks like personal data."""
    user = checks.string(value, "user")
    other = context.request.get("safety_identifier")
    if other is not None and other != user:
        detail = "Claude takes one label of the user; `safety_identifier` wins."
        context.receipts.drop("user", detail)
        return {}
    return _user_id(user, "user", context)


def safety_identifier_patch(value: Any, context: Context) -> dict[str, Any]:
    """OpenAI's newer name for `user`; it wins over it."""
    return _user_id(checks.string(value, "safety_identifier"), "safety_identifier", context)


def metadata_patch(value: Any, context: Context) -> dict[str, Any]:
    """Anthropic's own `{"user_id": …}` passes; OpenAI's labels have no place."""
    metadata = checks.mapping(value, "metadata")
    if set(metadata) == {"user_id"} and isinstance(metadata["user_id"], str):
        return {"metadata": dict(metadata)}
    if metadata:
        context.receipts.drop("metadata", "Claude stores no labels of requests.")
    return {}


def _user_id(user: str, name: str, context: Context) -> dict[str, Any]:
    if not user:
        return {}
    if len(user) > _MAX_LENGTH or _PERSONAL.search(user):
        context.receipts.adapt(name, "Sent as a hash: Anthropic wants no personal data here.")
        user = hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()
    return {"metadata": {"user_id": user}}
