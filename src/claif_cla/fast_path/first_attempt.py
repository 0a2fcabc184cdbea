"""The first attempt of a call for a whole answer, without the openai SDK's request loop.

The loop makes options, headers, an HTTP request and a response of a call, and parses the response:
more work than all the rest of a small call, and all of it for what may go wrong. So the first
attempt is made here. If it succeeds, its answer is the result. If not, the loop runs as ever, and
its own first attempt meets the outcome that is there already: retries and exceptions are the
SDK's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import openai
from openai.types.chat import ChatCompletion

from claif_cla.backends.base import Hop
from claif_cla.fast_path.answers import built
from claif_cla.fast_path.requests import timeout_extensions
from claif_cla.http_request import adds_only_headers
from claif_cla.translate.call import Call
from claif_cla.transport import Outcome, api_root
from claif_cla.wire import json_text

__all__ = ["aattempt", "attempt"]

_LOG = logging.getLogger("openai._base_client")


def attempt(client: Any, posted: Mapping[str, Any]) -> ChatCompletion | None:
    """The answer to what `post_arguments` made of a call; None if openai's loop must run."""
    timeouts = _timeouts(client, posted)
    if timeouts is None:
        return None
    root = api_root(str(client.base_url))
    transport, call = client._claif, _call(client, posted, root)  # noqa: SLF001
    http = client._http.current(client._client)  # noqa: SLF001
    hop = Hop(http, root, timeouts)
    try:
        outcome = Outcome(answer=transport.answer(call, hop))
    except Exception as error:  # noqa: BLE001 - raised again in the loop
        outcome = Outcome(error=error)
    return _settled(client, posted, outcome)


async def aattempt(client: Any, posted: Mapping[str, Any]) -> ChatCompletion | None:
    """`attempt`, for the async client."""
    timeouts = _timeouts(client, posted)
    if timeouts is None:
        return None
    root = api_root(str(client.base_url))
    transport, call = client._claif, _call(client, posted, root)  # noqa: SLF001
    http = await client._http.current(client._client)  # noqa: SLF001
    hop = Hop(http, root, timeouts)
    try:
        outcome = Outcome(answer=await transport.aanswer(call, hop))
    except Exception as error:  # noqa: BLE001 - raised again in the loop
        outcome = Outcome(error=error)
    return _settled(client, posted, outcome)


def _timeouts(client: Any, posted: Mapping[str, Any]) -> dict[str, Any] | None:
    """What tells the timeouts, if the loop would do nothing but send the body with the key."""
    options = posted["options"]
    needs_the_loop = (
        posted["stream"]
        or "headers" in options
        or "params" in options
        or client._custom_headers  # noqa: SLF001
        or client._custom_query  # noqa: SLF001
        or client._api_key_provider is not None  # noqa: SLF001
        or client._strict_response_validation  # noqa: SLF001
        or not adds_only_headers(client._client)  # noqa: SLF001
        or _LOG.isEnabledFor(logging.DEBUG)  # where the loop tells what it does
    )
    if needs_the_loop:
        return None
    return timeout_extensions(client, options.get("timeout", openai.NOT_GIVEN))


def _call(client: Any, posted: Mapping[str, Any], root: str) -> Call:
    body, extra = posted["body"].value, posted["options"].get("extra_json")
    transport = client._claif  # noqa: SLF001
    return Call(
        method="POST",
        path=posted["path"],
        request={**body, **extra} if extra else body,
        settings=transport.settings_for(official=transport.backend.is_official(root)),
        headers={name.lower(): value for name, value in client.auth_headers.items()},
        now=int(time.time()),
    )


def _settled(client: Any, posted: Mapping[str, Any], outcome: Any) -> ChatCompletion | None:
    answer, made = outcome.answer, None
    if answer is not None and answer.status == 200:
        made = built(ChatCompletion, json_text.as_read(answer.body))
    if made is None:
        posted["body"].outcome = outcome
        return None
    completion: ChatCompletion = made
    completion._request_id = answer.headers.get("x-request-id")  # noqa: SLF001 - as openai does
    client._claif.warn(answer.remarks, answer.adaptations)  # noqa: SLF001
    return completion
