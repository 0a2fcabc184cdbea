"""Chat Completions requests for tests of the request side: short ones, and generated ones.

    body = planned(messages=[user("Hi")], temperature=0.5, model=OLD)
    refusal = refused(n=2)

The models stand for classes of rules, see `chat_requests.models`.
"""

from chat_requests.models import ALL_MODELS, FOREIGN, MIDDLE, NEWEST, OLD, STEADY, UNKNOWN
from chat_requests.planning import (
    assistant,
    call,
    function_tool,
    plan,
    planned,
    receipts,
    refused,
    result,
    system,
    user,
)

__all__ = [
    "ALL_MODELS",
    "FOREIGN",
    "MIDDLE",
    "NEWEST",
    "OLD",
    "STEADY",
    "UNKNOWN",
    "assistant",
    "call",
    "function_tool",
    "plan",
    "planned",
    "receipts",
    "refused",
    "result",
    "system",
    "user",
]
