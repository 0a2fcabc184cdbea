"""The engine: one Messages API request in, one simulated answer out.

It is deterministic but for the prompt cache, the count of faults used up and the clock of the
rate-limit headers; it does no I/O and never sleeps. One engine may serve many threads.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote

from claif_cla.backends.simulator.answers import Answer, make_answer
from claif_cla.backends.simulator.breaking import break_response, break_stream, fault_response
from claif_cla.backends.simulator.events import stream_events
from claif_cla.backends.simulator.faults import Fault, FaultSchedule, parse_faults
from claif_cla.backends.simulator.ids import make_id
from claif_cla.backends.simulator.models_api import list_models, model_object
from claif_cla.backends.simulator.pace import Pace
from claif_cla.backends.simulator.prompt_cache import PromptCache
from claif_cla.backends.simulator.rejection import Rejection, error_body
from claif_cla.backends.simulator.reply import Frame, SimulatedResponse
from claif_cla.backends.simulator.rules.check import ValidRequest, check_request
from claif_cla.backends.simulator.rules.fields import VERSIONS
from claif_cla.backends.simulator.signatures import Signer
from claif_cla.backends.simulator.tokens import count_tokens, segments_of
from claif_cla.catalog import model_info
from claif_cla.catalog.model_info import ModelInfo
from claif_cla.wire import sse
from claif_cla.wire.json_text import dump_bytes, dump_text, load

__all__ = ["DEFAULT_SECRET", "MAX_BODY_BYTES", "Engine"]

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Size limit of a request body, as the API has it for messages and token counts."""

DEFAULT_SECRET = b"claif_cla simulator"
"""Engines that share it accept each other's thinking blocks, also from run to run."""

_ORGANIZATION = "00000000-0000-0000-0000-000000000000"
_RATE_LIMITS: Mapping[str, int] = {
    "requests": 4000,
    "tokens": 2_400_000,
    "input-tokens": 2_000_000,
    "output-tokens": 400_000,
}
_FAULT_HEADER = "x-simulator-fault"
_PACE_HEADER = "x-simulator-pace"


@dataclass(frozen=True, slots=True)
class _Call:
    """A request as the engine passes it on."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    seed: bytes


class Engine:
    """An offline stand-in for the Messages API.

    Args:
        faults: what goes wrong in answers whose request does not say so itself, in the grammar
            of `claif_cla.backends.simulator.faults`: `"529;times=2"`.
        pace: how fast it answers unless the request says so: `"ttft=0.2;tps=50"`.
        secret: key of the signatures on thinking blocks.
        require_key: whether a request without `x-api-key` or `authorization` gets a 401. The
            key `invalid` gets one always.
        clock: seconds since the epoch, for cache lifetimes and rate-limit headers.
        lookup: finds the facts about a model by its name.
        models: the models of `GET /v1/models`, newest first.

    Raises:
        ValueError: `faults` or `pace` is not understood.
    """

    def __init__(  # noqa: PLR0913
        self,
        *,
        faults: str = "",
        pace: str = "",
        secret: bytes = DEFAULT_SECRET,
        require_key: bool = False,
        clock: Callable[[], float] = time.time,
        lookup: Callable[[str], ModelInfo] | None = None,
        models: Callable[[], Sequence[ModelInfo]] | None = None,
    ) -> None:
        try:
            parse_faults(faults)
            self._pace = Pace.parse(pace)
        except Rejection as error:
            raise ValueError(error.message) from error
        self._faults = faults
        self._secret = secret
        self._signer = Signer(secret)
        self._require_key = require_key
        self._clock = clock
        self._lookup = lookup or model_info.lookup
        self._models = models or model_info.all_models
        self._schedule = FaultSchedule()
        self._cache = PromptCache(clock)

    def handle(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        query: str = "",
    ) -> SimulatedResponse:
        """Answer one request.

        Args:
            method: upper-case HTTP method.
            path: as in `/v1/messages`, without the query.
            headers: in any spelling of their names.
            body: the whole body.
            query: the query string without `?`.
        """
        lowered = {name.lower(): value for name, value in headers.items()}
        seed = hashlib.sha256(
            b"\0".join((self._secret, method.encode(), path.encode(), query.encode(), body))
        ).digest()
        call = _Call(method, path, query, lowered, body, seed)
        answer_headers = self._headers(seed)
        try:
            fault = self._schedule.next(lowered.get(_FAULT_HEADER, self._faults))
            pace = Pace.parse(lowered[_PACE_HEADER]) if _PACE_HEADER in lowered else self._pace
            early = fault_response(fault, answer_headers) if fault is not None else None
            return early or self._route(call, answer_headers, fault, pace)
        except Rejection as rejection:
            error = error_body(rejection.status, rejection.message, answer_headers["request-id"])
            return _json(rejection.status, answer_headers, error)

    def _route(
        self, call: _Call, headers: Mapping[str, str], fault: Fault | None, pace: Pace
    ) -> SimulatedResponse:
        self._authenticate(call)
        if call.path == "/v1/messages" and call.method == "POST":
            return self._create(call, headers, fault, pace)
        if call.path == "/v1/messages/count_tokens" and call.method == "POST":
            request = self._checked(call, counting=True)
            value: Any = {"input_tokens": count_tokens(request.payload, request.turns)}
        elif call.path == "/v1/models" and call.method == "GET":
            value = list_models(self._models(), call.query)
        elif call.path.startswith("/v1/models/") and call.method == "GET":
            value = model_object(self._named_model(unquote(call.path[len("/v1/models/") :])))
        elif call.path in ("/v1/messages", "/v1/messages/count_tokens", "/v1/models"):
            raise Rejection("Method Not Allowed", status=405)
        else:
            raise Rejection("Not found", status=404)
        response = _json(200, headers, dump_bytes(value))
        return response if fault is None else break_response(fault, response)

    def _named_model(self, name: str) -> ModelInfo:
        for model in self._models():
            if name == model.id or name in model.aliases:
                return model
        raise Rejection(f"model: {name}", status=404)

    def _authenticate(self, call: _Call) -> None:
        """Credentials come first, then the version, as in the API."""
        key, token = call.headers.get("x-api-key"), call.headers.get("authorization")
        if key == "invalid":
            raise Rejection("invalid x-api-key", status=401)
        if token is not None and token.removeprefix("Bearer ") == "invalid":
            raise Rejection("Invalid bearer token", status=401)
        if self._require_key and not key and not token:
            raise Rejection("x-api-key header is required", status=401)
        version = call.headers.get("anthropic-version")
        if version is None:
            raise Rejection("anthropic-version: header is required")
        if version not in VERSIONS:
            raise Rejection(f'anthropic-version: "{version}" is not a valid version')

    def _checked(self, call: _Call, *, counting: bool) -> ValidRequest:
        """The request behind a body, if it breaks no rule."""
        if len(call.body) > MAX_BODY_BYTES:
            raise Rejection("Request exceeds the maximum size", status=413)
        betas = call.headers.get("anthropic-beta", "").split(",")
        request = check_request(
            _parsed(call.body),
            version=call.headers["anthropic-version"],
            betas=frozenset(beta.strip() for beta in betas if beta.strip()),
            counting=counting,
            lookup=self._lookup,
            signer=self._signer,
        )
        tokens, window = count_tokens(request.payload, request.turns), request.model.context_window
        if tokens > window:
            raise Rejection(f"prompt is too long: {tokens} tokens > {window} maximum")
        return request

    def _create(
        self, call: _Call, headers: Mapping[str, str], fault: Fault | None, pace: Pace
    ) -> SimulatedResponse:
        request = self._checked(call, counting=False)
        usage = self._cache.use(
            segments_of(request.payload, request.turns),
            request.model,
            request.payload.get("cache_control"),
        )
        answer = make_answer(request, usage, self._signer, self._seed(request.payload))
        if request.payload.get("stream"):
            frames = _paced(answer, pace)
            if fault is not None:
                frames = break_stream(fault, frames, headers["request-id"])
            streamed = {
                **headers,
                "content-type": "text/event-stream; charset=utf-8",
                "cache-control": "no-cache",
            }
            return SimulatedResponse(200, streamed, frames, pace.ttft)
        delay = pace.ttft + pace.seconds(answer.output_tokens)
        response = _json(200, headers, dump_bytes(answer.message), delay)
        return response if fault is None else break_response(fault, response)

    def _seed(self, payload: Mapping[str, Any]) -> bytes:
        """What the ids derive from: the request, streamed or not, in any order of its fields."""
        asked = {name: payload[name] for name in sorted(payload) if name != "stream"}
        return hashlib.sha256(self._secret + b"\0" + dump_bytes(asked)).digest()

    def _headers(self, seed: bytes) -> dict[str, str]:
        reset = datetime.fromtimestamp(self._clock(), timezone.utc) + timedelta(seconds=1)
        headers = {
            "request-id": make_id("req", seed),
            "anthropic-organization-id": _ORGANIZATION,
            "x-simulator": "claif_cla",
        }
        for name, limit in _RATE_LIMITS.items():
            start = f"anthropic-ratelimit-{name}"
            headers[f"{start}-limit"] = str(limit)
            headers[f"{start}-remaining"] = str(limit - 1 if name == "requests" else limit)
            headers[f"{start}-reset"] = f"{reset:%Y-%m-%dT%H:%M:%SZ}"
        return headers


def _json(
    status: int, headers: Mapping[str, str], body: bytes, delay: float = 0.0
) -> SimulatedResponse:
    return SimulatedResponse(
        status, {**headers, "content-type": "application/json"}, (Frame(body),), delay
    )


def _parsed(body: bytes) -> Any:
    """The body's JSON value; lone surrogates, which UTF-8 can't hold, are no JSON to the API."""
    try:
        value = load(body)
        if b"\\ud" in body.lower():
            dump_text(value).encode()
    except UnicodeEncodeError as error:
        raise Rejection("The request body is not valid JSON: no low surrogate in string") from error
    except ValueError as error:
        raise Rejection(f"The request body is not valid JSON: {error}") from error
    return value


def _paced(answer: Answer, pace: Pace) -> Iterator[Frame]:
    for event in stream_events(answer):
        data = sse.encode(dump_bytes(event.data), str(event.data["type"]))
        yield Frame(data, pace.seconds(event.tokens))
