"""`/openapi.json` is true to what is served: requests made from it, and answers held against it.

Not as a plugin of pytest, which every worker would import at its start (see `addopts`).
"""

from __future__ import annotations

import json
import logging
from functools import cache

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance

from claif_cla.gateway.endpoints import ENDPOINTS
from claif_cla.gateway.keys import Scopes
from claif_cla.gateway.openapi import document

NAMES = [endpoint.name for endpoint in ENDPOINTS]
ASKING = [endpoint.name for endpoint in ENDPOINTS if endpoint.has_body]
UPSTREAM = [endpoint.name for endpoint in ENDPOINTS if endpoint.path.startswith("/v1/")]
HELLO = {"model": "sonnet", "messages": [{"role": "user", "content": "Hello"}]}
BODIES = {"chat": HELLO, "messages": {**HELLO, "max_tokens": 50}, "count_tokens": HELLO}
CASES = 25
"""Of each operation, valid and invalid ones."""
generated = settings(
    max_examples=CASES,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)


@cache
def operations():
    """Each operation by its name."""
    schema = schemathesis.openapi.from_dict(document())
    found = [result.ok() for result in schema.get_all_operations()]
    return {operation.definition.raw["operationId"]: operation for operation in found}


def made(name, mode):
    return operations()[name].as_strategy(generation_mode=schemathesis.GenerationMode(mode))


def plain(name, **changes):
    """A request of each kind that is answered well."""
    given_body = {**BODIES[name], **changes} if name in BODIES else None
    options = {"body": given_body, "media_type": "application/json"} if given_body else {}
    parameters = {"path_parameters": {"model": "sonnet"}} if name == "model" else {}
    return operations()[name].Case(**options, **parameters)


def held(gateway, case, *, by_default=False, **options):
    """The answer, once it has been held against the description.

    `by_default`: a status that only `default` describes is fine.
    """
    answer = case.call(base_url=gateway.url, **options)
    # Some that are wanted are 5xx; and what fits may still make no sense: an empty text, say.
    excluded = [not_a_server_error, positive_data_acceptance]
    case.validate_response(answer, excluded_checks=excluded)
    if not by_default:
        assert str(answer.status_code) in case.operation.definition.raw["responses"]
    return answer


def validator(name):
    """Of a schema of the description."""
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", **document()})


@pytest.fixture
def silent(caplog, capfd):
    """Nothing is told of a failure, or of a trace, while the test runs."""
    caplog.set_level(logging.WARNING)
    yield
    assert [record for record in caplog.records if record.name.startswith("claif")] == []
    assert "Traceback" not in capfd.readouterr().err + caplog.text


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("name", NAMES)
def test_what_is_described_is_answered_as_described(simulated, name):
    @generated
    @given(made(name, "positive"))
    def run(case):
        assert held(simulated, case).status_code < 500
        if name in BODIES:
            case.body = {**case.body, **BODIES[name]}
            assert held(simulated, case).status_code < 500

    run()
    assert held(simulated, plain(name)).status_code == 200


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("name", ASKING)
def test_what_does_not_fit_the_description_is_refused(simulated, name):
    @generated
    @given(made(name, "negative"))
    def run(case):
        assert 400 <= held(simulated, case).status_code < 500

    run()


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("name", NAMES)
def test_what_a_key_opens_and_what_not_is_described(start, keys, name):
    _, secret = keys.create("all")
    _, narrow = keys.create("narrow", scopes=Scopes(endpoints=("metrics",)))
    gateway = start({"upstream.backend": "simulator"})
    is_open = name in ("health", "ready")
    scoped = 200 if name in ("health", "ready", "metrics", "openapi") else 403
    expected = {None: 200 if is_open else 401, "claif-wrong": 200 if is_open else 401}
    expected |= {narrow: scoped, secret: 403 if name == "metrics" else 200}
    for shown, status in expected.items():
        headers = {"authorization": f"Bearer {shown}"} if shown else {}
        assert held(gateway, plain(name), headers=headers).status_code == status


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("name", ["chat", "messages"])
def test_streams_are_described(simulated, name):
    answer = held(simulated, plain(name, stream=True))
    assert answer.headers["content-type"] == ["text/event-stream; charset=utf-8"]


def test_the_chunks_of_a_stream_are_described(simulated):
    told = held(simulated, plain("chat", stream=True)).content.decode()
    *chunks, last = [line.removeprefix("data: ") for line in told.split("\n\n") if line]
    assert last == "[DONE]"
    for chunk in chunks:
        validator("ChatCompletionChunk").validate(json.loads(chunk))


AT_THE_DOOR = {
    "a host of others": (403, {"host": "evil.example"}),
    "huge headers": (431, {"x": "y" * 40_000}),
}
IN_THE_BODY = {
    "another type": (415, b"{}", {"content-type": "text/plain"}),
    "a packed body": (415, b"{}", {"content-encoding": "gzip"}),
    "no JSON": (400, b"{", {}),
    "a huge body": (413, b'"' + b"x" * 20_000 + b'"', {}),
}


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("odd", AT_THE_DOOR)
def test_what_is_stopped_at_the_door_is_described(simulated, odd):
    status, headers = AT_THE_DOOR[odd]
    for name in NAMES:
        assert held(simulated, plain(name), headers=headers).status_code == status, name


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("odd", IN_THE_BODY)
def test_a_body_that_is_not_taken_is_described(start, odd):
    gateway = start({"upstream.backend": "simulator", "server.max_body_bytes": 10_000})
    status, body, headers = IN_THE_BODY[odd]
    headers = {"content-type": "application/json", **headers}
    for name in ASKING:
        answer = held(gateway, plain(name), data=body, headers=headers)
        assert answer.status_code == status, name


def test_an_upstream_that_is_not_there_is_described(start, refused_url):
    gateway = start({"upstream.max_retries": 0}, only=refused_url)
    for name in UPSTREAM:
        assert held(gateway, plain(name)).status_code == 502, name


@pytest.mark.parametrize("name", ASKING)
def test_a_limit_is_described(start, name):
    gateway = start({"upstream.backend": "simulator", "limits.requests_per_minute": 1})
    assert held(gateway, plain(name)).status_code == 200
    answer = held(gateway, plain(name))
    assert answer.status_code == 429
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("fault", [401, 402, 409, 413, 429, 500, 529])
def test_an_error_of_upstream_has_a_described_form(start, fault):
    gateway = start({"upstream.backend": "simulator", "upstream.max_retries": 0})
    headers = {"x-simulator-fault": str(fault)}
    for name in ASKING:
        answer = held(gateway, plain(name), by_default=True, headers=headers)
        assert answer.status_code >= 400, name


def test_another_method_gets_the_error_that_components_describe(simulated):
    described = document()["components"]["responses"]
    for name in NAMES:
        case = plain(name)
        case.method = "DELETE"
        answer = case.call(base_url=simulated.url)
        kind = "AnthropicError" if name in ("messages", "count_tokens") else "Error"
        assert answer.status_code == 405
        assert set(described[f"{kind}405"]["headers"]) <= set(answer.headers)
        validator(kind).validate(answer.json())


def test_the_page_is_the_description(simulated):
    assert held(simulated, plain("openapi")).json() == document()
