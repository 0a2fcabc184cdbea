"""Names of OpenTelemetry's conventions for generative AI, as far as the gateway tells them.

Spelled here: the conventions moved out of `opentelemetry-semantic-conventions` into a repository
of their own in 2026, where the constants of that package are marked as deprecated, and its older
versions lack some. A test compares the two. Names that begin with `claif.` are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.gateway.seen.tokens import counted
from claif_cla.gateway.visit import Usage

__all__ = [
    "CACHE_READ_TOKENS",
    "CACHE_WRITE_TOKENS",
    "CLIENT_DURATION",
    "CLIENT_FIRST_CHUNK",
    "CLIENT_TOKENS",
    "ERROR_TYPE",
    "FIRST_CHUNK",
    "INPUT_MESSAGES",
    "INPUT_TOKENS",
    "OPERATION",
    "OPERATIONS",
    "OUTPUT_MESSAGES",
    "OUTPUT_TOKENS",
    "PROVIDER",
    "PROVIDER_NAME",
    "REQUEST_MODEL",
    "RESPONSE_MODEL",
    "SERVER_ADDRESS",
    "SERVER_DURATION",
    "SERVER_FIRST_TOKEN",
    "SERVER_PORT",
    "SERVER_TOKEN_TIME",
    "STREAM",
    "SYSTEM_INSTRUCTIONS",
    "TOKEN_TYPE",
    "usage_of",
]

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
STREAM = "gen_ai.request.stream"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - a name
ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"

CLIENT_DURATION = "gen_ai.client.operation.duration"
CLIENT_TOKENS = "gen_ai.client.token.usage"
CLIENT_FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
SERVER_DURATION = "gen_ai.server.request.duration"
SERVER_FIRST_TOKEN = "gen_ai.server.time_to_first_token"  # noqa: S105
SERVER_TOKEN_TIME = "gen_ai.server.time_per_output_token"  # noqa: S105

PROVIDER_NAME = "anthropic"
OPERATIONS: Mapping[str, str] = {
    "chat": "chat",
    "messages": "chat",
    "count_tokens": "count_tokens",  # the conventions have no word for it and allow others
}
"""What the endpoints that lead upstream do."""


def usage_of(*usages: Usage) -> dict[str, Any]:
    """The attributes of what replies have used, together.

    Anthropic's `input_tokens` leaves out what the cache served or took; the conventions' count
    has it in.
    """
    used = counted(usages)
    if not used:
        return {}
    read, written = used.get("cache_read", 0), used.get("cache_write", 0)
    told = {
        INPUT_TOKENS: used.get("input", 0) + read + written,
        OUTPUT_TOKENS: used.get("output", 0),
    }
    if read:
        told[CACHE_READ_TOKENS] = read
    if written:
        told[CACHE_WRITE_TOKENS] = written
    return told
