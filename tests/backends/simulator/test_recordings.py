"""The simulator against recorded exchanges with the real API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from claif_cla.backends.simulator.engine import Engine
from claif_cla.backends.simulator.rules import thinking as thinking_rules
from claif_cla.catalog.model_info import lookup
from claif_cla.wire.sse import EventDecoder
from recorded import anthropic_answers, anthropic_errors, anthropic_requests, recorded_params

NEWEST = ("claude-opus-5", "claude-sonnet-5", "claude-fable-5")
CREDENTIALS_AND_QUOTA = (401, 403, 429)


def callable_model(recording):
    name = str(recording.model)
    model = lookup(name)
    return model.known and model.family == "claude" and model.lifecycle != "retired"


def replayed(recording):
    """The recorded request, put to the engine."""
    headers = {name.lower(): value for name, value in recording.request_headers.items()}
    headers.setdefault("anthropic-version", "2023-06-01")
    path = recording.exchange["request"].get("path", "")
    if "beta=true" in path or recording.fidelity == "http-json":
        # Which beta it was, and with `http-json` whether there was one, is not recorded.
        headers.setdefault("anthropic-beta", "not recorded")

    def found(name):
        # Short names that were aliases once are none of today's catalogue.
        model = lookup(name)
        return model._replace(aliases=(*model.aliases, name))

    engine = Engine(lookup=found if callable_model(recording) else lookup)
    body = json.dumps(recording.request_body).encode()
    return engine.handle("POST", recording.endpoint, headers, body)


@pytest.fixture
def _any_signature(monkeypatch):
    """Recorded thinking is signed by Anthropic, and scrubbed besides."""
    monkeypatch.setattr(thinking_rules, "_verify", lambda *args, **options: True)


@recorded_params(
    "batch",
    lambda: [r for r in anthropic_requests() if r.platform == "anthropic" and callable_model(r)],
)
@pytest.mark.usefixtures("_any_signature")
def test_what_the_api_answered_the_simulator_answers(batch):
    for recording in batch:
        response = replayed(recording)
        assert response.status == 200, f"{recording}: {response.body().decode()}"


@recorded_params(
    "batch",
    lambda: [
        r
        for r in anthropic_errors()
        if r.platform == "anthropic"
        and r.status == 400
        and r.request_body
        and callable_model(r)
        and r.body
        and "credit balance" not in str(r.body)
    ],
)
def test_what_the_api_refused_the_simulator_refuses_with_the_same_words(batch):
    for recording in batch:
        response = replayed(recording)
        error = json.loads(response.body())["error"]
        if recording.body["error"]["message"].startswith("output_format"):
            continue  # a field of a beta that is over
        assert response.status == 400, str(recording)
        assert error == recording.body["error"], str(recording)


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    """Every key with its path; blocks and deltas by their type, tool input left alone."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"{prefix}{key}"
            if not (key == "input" and "tool_use" in str(value.get("type"))):
                yield from paths(item, f"{prefix}{key}.")
    elif isinstance(value, list):
        for item in value:
            tag = item.get("type", "") if isinstance(item, dict) else ""
            yield from paths(item, f"{prefix}[{tag}].")


def kind(event: dict[str, Any]) -> str:
    inner = event.get("content_block") or event.get("delta") or {}
    return f"{event['type']}:{inner.get('type', '')}"


def fields_by_kind(raw: bytes) -> dict[str, frozenset[str]]:
    """The fields of each kind of event in a stream."""
    decoded = [json.loads(event.data) for event in EventDecoder().feed(raw)]
    return {kind(event): frozenset(paths(event)) for event in decoded}


def newest_answers(*, streaming):
    return [
        r
        for r in anthropic_answers(streaming=streaming)
        if r.platform == "anthropic"
        and str(r.model).startswith(NEWEST)
        and r.fidelity.startswith("http")
        and not r.features & {"context_management", "advisor"}
    ]


@pytest.fixture(scope="module")
def simulated_kinds():
    """The fields of each kind of event that the simulator sends."""
    found: dict[str, frozenset[str]] = {}
    tool = {"name": "look", "input_schema": {"type": "object", "properties": {"a": {}}}}
    search = {"type": "web_search_20250305", "name": "web_search"}
    for text in ("Hello", "look", "search", "[[simulator:redacted-thinking]]"):
        payload = {
            "model": "claude-opus-5",
            "max_tokens": 1000,
            "stream": True,
            "messages": [{"role": "user", "content": text}],
            "tools": [tool, search],
            "thinking": {"type": "adaptive", "display": "summarized"},
        }
        body = json.dumps(payload).encode()
        sent = {"anthropic-version": "2026-10-21"}
        found |= fields_by_kind(Engine().handle("POST", "/v1/messages", sent, body).body())
    return found


OPTIONAL = frozenset(
    {
        # Since mid-2026; some recordings of the same models are older.
        "usage.output_tokens_details",
        "usage.output_tokens_details.thinking_tokens",
        # Where server tools were used.
        "usage.server_tool_use",
        "usage.server_tool_use.web_search_requests",
        "usage.server_tool_use.web_fetch_requests",
        "content_block.caller",
        "content_block.caller.type",
    }
)


@recorded_params("batch", lambda: newest_answers(streaming=True), batches=10)
def test_events_have_the_fields_of_recorded_ones(batch, simulated_kinds):
    compared = 0
    for recording in batch:
        for name, recorded in fields_by_kind(recording.sse).items():
            if name in simulated_kinds and "_tool_result" not in name:
                assert recorded - OPTIONAL == simulated_kinds[name] - OPTIONAL, str(recording)
                compared += 1
    assert compared


@recorded_params("batch", lambda: newest_answers(streaming=False), batches=10)
def test_messages_have_the_fields_of_recorded_ones(batch):
    body = json.dumps(
        {
            "model": "claude-opus-5",
            "max_tokens": 1000,
            "messages": [{"role": "user", "content": "Hello"}],
        }
    ).encode()
    own = json.loads(
        Engine().handle("POST", "/v1/messages", {"anthropic-version": "2026-10-21"}, body).body()
    )
    simulated = {path for path in paths(own) if not path.startswith("content.")}
    for recording in batch:
        recorded = {path for path in paths(recording.body) if not path.startswith("content.")}
        assert recorded - OPTIONAL == simulated - OPTIONAL, str(recording)


@recorded_params("batch", lambda: newest_answers(streaming=True), batches=10)
def test_headers_are_those_of_recorded_answers(batch):
    body = json.dumps(
        {
            "model": "claude-opus-5",
            "max_tokens": 1000,
            "stream": True,
            "messages": [{"role": "user", "content": "Hello"}],
        }
    ).encode()
    own = Engine().handle("POST", "/v1/messages", {"anthropic-version": "2026-10-21"}, body)
    for recording in batch:
        missing = set(recording.headers) - set(own.headers)
        assert not missing, str(recording)
        assert recording.headers["content-type"].partition(";")[0] == "text/event-stream"
