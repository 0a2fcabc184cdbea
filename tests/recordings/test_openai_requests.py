"""Every recorded OpenAI chat request, through the real client, becomes a legal Messages request.

Or it is refused with `BadRequestError` before anything is sent, for one of the few reasons that
the default mode knows. OpenAI's model names are aliases of one Claude per class of rules.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import re
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai.resources.chat.completions import Completions

from claif_cla import AsyncClaudeClient, ClaudeClient
from loopback import (
    LoopbackServer,
    ReceivedRequest,
    Script,
    json_answer,
    message,
    sse,
    stream_of,
    streamed,
    text_block,
)
from recorded import Recording, openai_chat_requests, recorded_params
from rules_of_messages import violations

MODELS = [
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "claude-opus-4-8",
    "claude-sonnet-4-5",
    "claude-haiku-5-5",
]
REFUSED = re.compile(
    r"logprobs|top_logprobs|logit_bias"  # Claude has nothing of the kind
    r"|audio|modalities|messages\[\d+\]\.content\[\d+\]|messages\[\d+\]\.audio"  # nor a voice
    r"|moderation"
    r"|messages\[\d+\]\.tool_call_id"  # a result without its call
    r"|messages"  # not a word in any of them
)
"""Parameters for which a request that OpenAI answered is refused."""

_ANSWER = [text_block("Hi")]
_KNOWN = set(inspect.signature(Completions.create).parameters)

pytestmark = pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning")


def answer(request: ReceivedRequest) -> Script:
    if request.json.get("stream"):
        return streamed(sse(stream_of(_ANSWER)))
    return json_answer(message(_ANSWER))


def arguments(body: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `create`; what an older SDK does not know goes through `extra_body`."""
    known = {name: value for name, value in body.items() if name in _KNOWN}
    extra = {name: value for name, value in body.items() if name not in _KNOWN}
    return known | ({"extra_body": extra} if extra else {})


def options(batch: list[Recording], model: str, server: LoopbackServer) -> dict[str, Any]:
    aliases = {recording.request_body["model"]: model for recording in batch}
    return {"api_key": "k", "base_url": server.url, "model_aliases": aliases, "max_retries": 0}


def check(
    recording: Recording, model: str, server: LoopbackServer, ask: Callable[[dict[str, Any]], str]
) -> None:
    """Send one request, and judge what arrived or why it was refused."""
    body = recording.request_body
    before = copy.deepcopy(body)
    server.requests.clear()
    try:
        text = ask(arguments(body))
    except openai.BadRequestError as error:
        refusal, text = error, ""
    else:
        refusal = None
    assert body == before, f"{recording}: the caller's objects were changed"
    if refusal is not None:
        # What OpenAI refused as malformed may be refused under any name.
        legitimate = REFUSED.fullmatch(refusal.param or "") or recording.status == 400
        assert legitimate, f"{recording}: {refusal}"
        assert refusal.param, f"{recording}: {refusal}"
        assert not server.requests, f"{recording}: was sent, and refused"
        return
    sent = server.last.json
    legacy = server.last.headers["anthropic-version"] == "2023-06-01"
    # Whoever forces a call on a model that takes no force has it asked for twice; none is made.
    answered = "Hi\n\nHi" if is_reminded(sent) else "Hi"
    assert (text, sent["model"]) == (answered * (body.get("n") or 1), model), str(recording)
    assert violations(sent, legacy=legacy) == [], str(recording)


def is_reminded(sent: dict[str, Any]) -> bool:
    """Whether a request asks for a call again, after the answer that made none."""
    return len(sent["messages"]) > 1 and sent["messages"][-2]["content"] == _ANSWER


@pytest.mark.parametrize("model", MODELS)
@recorded_params("batch", openai_chat_requests, batches=4)
def test_a_recorded_request_becomes_a_legal_one_or_is_refused_by_name(batch, model, server):
    server.answer_with(answer)
    with ClaudeClient(**options(batch, model, server)) as client:

        def ask(request: dict[str, Any]) -> str:
            made: Any = client.chat.completions.create(**request)
            if request.get("stream"):
                return "".join(c.choices[0].delta.content or "" for c in made if c.choices)
            return "".join(choice.message.content for choice in made.choices)

        for recording in batch:
            check(recording, model, server, ask)


@recorded_params("batch", lambda: openai_chat_requests()[::5], batches=4)
def test_the_async_client_sends_the_same(batch, server):
    server.answer_with(answer)
    client = AsyncClaudeClient(**options(batch, MODELS[0], server))

    async def ask(request: dict[str, Any]) -> str:
        made: Any = await client.chat.completions.create(**request)
        if request.get("stream"):
            return "".join([c.choices[0].delta.content or "" async for c in made if c.choices])
        return "".join(choice.message.content for choice in made.choices)

    loop = asyncio.new_event_loop()
    try:
        for recording in batch:
            check(recording, MODELS[0], server, lambda r: loop.run_until_complete(ask(r)))
        loop.run_until_complete(client.close())
    finally:
        loop.close()
