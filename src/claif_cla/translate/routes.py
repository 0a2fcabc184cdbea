"""Which flow serves which endpoint. One table, for the client's transport and the gateway."""

from __future__ import annotations

import re
from collections.abc import Callable

from claif_cla.errors import Refusal
from claif_cla.translate.call import Call
from claif_cla.translate.chat.flow import chat_flow
from claif_cla.translate.error_body import refusal_answer
from claif_cla.translate.flow import Effect, Flow
from claif_cla.translate.models import delete_model_flow, list_models_flow, model_flow

__all__ = ["ROUTES", "flow_for"]

ROUTES: tuple[tuple[str, str, Callable[[Call], Flow]], ...] = (
    ("POST", r"/chat/completions", chat_flow),
    ("GET", r"/models", list_models_flow),
    ("GET", r"/models/.+", model_flow),
    ("DELETE", r"/models/.+", delete_model_flow),
)
"""Method, path below `/v1` (a pattern that matches it whole), flow."""
_MATCHERS = [(method, re.compile(path).fullmatch, flow) for method, path, flow in ROUTES]


def flow_for(call: Call) -> Flow:
    """The flow of a call; endpoints that Claude has nothing for are answered by name."""
    for method, matches, flow in _MATCHERS:
        if method == call.method and matches(call.path):
            return flow(call)
    return _unsupported(call)


def _unsupported(call: Call) -> Flow:
    message = f"claif_cla: {call.method} {call.path} has no Claude equivalent."
    refusal = Refusal(message, param=None, code="unsupported_endpoint", status=404)
    nothing: tuple[Effect, ...] = ()
    yield from nothing  # a flow is a generator, also one that sends nothing
    return refusal_answer(refusal)
