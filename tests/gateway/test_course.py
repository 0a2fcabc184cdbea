"""The doors, and the course of a request, over HTTP."""

from __future__ import annotations

import gc
import json
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claif_cla.gateway.caller import Caller, StreamWriter
from claif_cla.gateway.direct import Direct
from claif_cla.gateway.endpoints import ENDPOINTS
from claif_cla.gateway.keys import Scopes
from claif_cla.gateway.visit import Visit
from gateway.faults.made import until
from loopback import Gate, json_answer, message, text_block

HELLO = {"model": "sonnet", "messages": [{"role": "user", "content": "Hello"}]}


def call(gateway, method, path, **options):
    with httpx2.Client(timeout=30) as client:
        return client.request(method, gateway.url + path, **options)


def raw(gateway, request):
    """The beginning of what is answered to these bytes, on a connection of their own."""
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as peer:
        peer.sendall(request)
        peer.shutdown(socket.SHUT_WR)
        told = b""
        while piece := peer.recv(65_536):
            told += piece
        return told


def test_a_key_opens_only_what_it_is_for(start, server, keys):
    _, secret = keys.create("models", scopes=Scopes(endpoints=("models",)))
    gateway = start(only=server.url)
    headers = {"x-api-key": secret}
    server.answer_with(lambda request: json_answer({"data": [], "has_more": False}))
    assert call(gateway, "GET", "/v1/models", headers=headers).status_code == 200
    for path in ("/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens"):
        assert call(gateway, "POST", path, headers=headers, json=HELLO).status_code == 403
    assert call(gateway, "GET", "/metrics", headers=headers).status_code == 403


def test_models_out_of_scope_are_not_listed(start, server, keys):
    _, secret = keys.create("haiku", scopes=Scopes(models=("claude-haiku-*",)))
    gateway = start({"upstream.backend": "simulator"})
    headers = {"x-api-key": secret}
    listed = call(gateway, "GET", "/v1/models", headers=headers).json()["data"]
    assert listed
    assert {model["line"] for model in listed} == {"haiku"}
    assert call(gateway, "GET", "/v1/models/haiku", headers=headers).status_code == 200
    assert call(gateway, "GET", "/v1/models/opus", headers=headers).status_code == 404


def names(gateway, secret):
    """The models that are listed to a key."""
    listed = call(gateway, "GET", "/v1/models", headers={"x-api-key": secret}).json()["data"]
    return [model["id"] for model in listed]


def test_names_of_the_operators_own_are_listed_to_who_may_use_them(start, keys):
    _, every = keys.create("every")
    _, one = keys.create("one", scopes=Scopes(models=("gpt-4o",)))
    gateway = start(
        {
            "upstream.backend": "simulator",
            "models.aliases": {"gpt-4o": "sonnet", "o": "opus"},
            "models.deny": ["claude-opus-*"],
        }
    )
    assert names(gateway, every)[-1] == "gpt-4o"
    assert "o" not in names(gateway, every)
    assert names(gateway, one) == ["gpt-4o"]
    found = call(gateway, "GET", "/v1/models/gpt-4o", headers={"x-api-key": one})
    assert (found.status_code, found.json()["line"]) == (200, "sonnet")


@pytest.mark.parametrize("path", ["claude-haiku-1/claude-opus-5", "claude-haiku-1%2fclaude-opus-5"])
def test_a_model_is_asked_for_by_the_name_that_was_checked(start, server, keys, path):
    _, secret = keys.create("haiku", scopes=Scopes(models=("claude-haiku-*",)))
    server.answer_with(lambda request: json_answer({"id": "x", "type": "model"}))
    call(start(only=server.url), "GET", f"/v1/models/{path}", headers={"x-api-key": secret})
    assert [it.path for it in server.requests] == ["/v1/models/claude-haiku-1%2Fclaude-opus-5"]


@pytest.mark.parametrize("step", ["%2e", "%2e%2e"])
def test_no_name_of_a_model_leads_upstream_to_another_endpoint(gateway, server, step):
    assert call(gateway, "GET", f"/v1/models/{step}").status_code == 404
    assert server.requests == []


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_an_endpoint_takes_its_method_alone(simulated, endpoint):
    path = endpoint.path + ("sonnet" if endpoint.path.endswith("/") else "")
    other = "GET" if endpoint.method == "POST" else "POST"
    answer = call(simulated, other, path, json=HELLO)
    assert (answer.status_code, answer.headers["allow"]) == (405, endpoint.method)


def test_what_is_not_served_is_named(simulated):
    answer = call(simulated, "POST", "/v1/embeddings", json={})
    assert answer.status_code == 404
    assert "POST /v1/embeddings" in answer.json()["error"]["message"]
    assert answer.json()["error"]["code"] == "unsupported_endpoint"


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("/chat/completions", "did you mean /v1/chat/completions?"),
        ("/v1/chat/completions/", "did you mean /v1/chat/completions?"),
        ("/v1//messages", "did you mean /v1/messages?"),
        ("/v1/v1/messages", "did you mean /v1/messages?"),
        ("/v1/responses", "set the client to Chat Completions"),
        ("/v1/messages/batches", "/openapi.json lists"),
    ],
)
def test_the_usual_mistakes_of_a_base_url_are_told(simulated, path, advice):
    answer = call(simulated, "POST", path, json={})
    assert answer.status_code == 404
    assert f"no POST {path}; {advice}" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/openapi.json", 200)],
)
def test_the_gateways_own_pages_answer(simulated, path, status):
    assert call(simulated, "GET", path).status_code == status
    head = call(simulated, "HEAD", path)
    assert (head.status_code, head.content) == (status, b"")


def test_while_it_drains_it_is_not_ready(simulated):
    simulated.call(simulated.app.begin_drain)
    assert call(simulated, "GET", "/readyz").json() == {"status": "draining"}
    assert call(simulated, "GET", "/healthz").status_code == 200


def test_it_is_not_ready_without_upstream(start, refused_url):
    assert call(start(only=refused_url), "GET", "/readyz").status_code == 503


def test_metrics_can_be_off(start):
    gateway = start({"upstream.backend": "simulator", "metrics.enabled": False})
    answer = call(gateway, "GET", "/metrics")
    assert answer.status_code == 404
    assert "did you mean" not in answer.text


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 5000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "application/json", 400),
        (b'{"model": 7, "messages": []}', "application/json", 400),
        (b'{"pad": "' + b"x" * 200_000 + b'"}', "application/json", 413),
    ],
)
def test_what_cannot_be_read_is_told(start, body, kind, status):
    gateway = start({"server.max_body_bytes": 100_000, "upstream.backend": "simulator"})
    for path in ("/v1/chat/completions", "/v1/messages"):
        answer = call(gateway, "POST", path, content=body, headers={"content-type": kind})
        assert answer.status_code == status
        assert answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/nothing"])
def test_a_denial_tells_the_name_of_the_request_as_every_answer_does(simulated, path):
    told = call(simulated, "POST", path, content="no JSON").headers
    assert told["x-claif-request-id"] == told["x-request-id"]
    assert told["x-claif-request-id"].startswith("req_")
    # What Anthropic's SDK reads.
    assert told.get("request-id") == (told["x-request-id"] if path == "/v1/messages" else None)


def test_a_page_of_another_origin_gets_nowhere(simulated):
    headers = {"origin": "https://evil.example"}
    answer = call(simulated, "OPTIONS", "/v1/models", headers=headers)
    assert "access-control-allow-origin" not in answer.headers
    answer = call(simulated, "GET", "/v1/models", headers={"host": "evil.example"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "host_not_allowed")
    assert "`evil.example`" in answer.json()["error"]["message"]


def test_a_configured_origin_may_call(start):
    origin = "https://app.example"
    gateway = start({"upstream.backend": "simulator", "server.cors_origins": [origin]})
    asked = call(gateway, "OPTIONS", "/v1/models", headers={"origin": origin})
    assert (asked.status_code, asked.content) == (204, b"")
    answer = call(gateway, "GET", "/v1/models", headers={"origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin


def test_too_many_at_once_are_turned_away(start, server):
    gateway = start({"server.max_in_flight": 1, "server.max_queued": 0}, only=server.url)
    gate = Gate()
    server.enqueue(json_answer(message([text_block("Hi")]), gate=gate))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(call, gateway, "POST", "/v1/chat/completions", json=HELLO)
        server.wait_for_requests(1)
        busy = call(gateway, "POST", "/v1/chat/completions", json=HELLO)
        well = call(gateway, "GET", "/healthz")
        gate.open()
        assert first.result().status_code == 200
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    assert well.status_code == 200


def test_long_bodies_wait_for_one_another(start, server):
    length = 100_000
    gateway = start(
        {"server.max_body_bytes": 2 * length, "server.max_bodies_bytes": 2 * length},
        only=server.url,
    )
    long = {**HELLO, "messages": [{"role": "user", "content": "x" * length}]}
    gate, bodies = Gate(), gateway.app.bodies
    server.answer_with(lambda request: json_answer(message([text_block("Hi")]), gate=gate))
    with ThreadPoolExecutor(2) as pool:
        called = [
            pool.submit(call, gateway, "POST", "/v1/chat/completions", json=long) for _ in range(2)
        ]
        until(lambda: bodies.waiting == 1, "one to wait")
        assert length < bodies.taken < 2 * length
        assert "claif_bodies_queued 1.0" in call(gateway, "GET", "/metrics").text
        gate.open()
        assert [one.result().status_code for one in called] == [200, 200]
    until(lambda: bodies.taken == 0, "both to be gone")


def test_a_failure_of_the_gateways_own_is_a_500_without_a_word_of_it(
    simulated, monkeypatch, caplog
):
    def fails(name):
        raise RuntimeError("sk-ant-secret")

    monkeypatch.setattr(simulated.app.parts.choosing, "choice", fails)
    with caplog.at_level(logging.ERROR, "claif_cla.gateway"):
        answer = call(simulated, "POST", "/v1/chat/completions", json=HELLO)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert len(caplog.records) == 1


POST = "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n"
GET = "GET /v1/models HTTP/1.1\r\n"
ODD = {
    "tls": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no http": "GET\r\n\r\n",
    "two lengths": f"{POST}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}",
    "length and chunks": f"{POST}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{{}}",
    "huge": f"{GET}x: {'y' * 200_000}\r\n\r\n",
    "two keys": f"{GET}authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n",
    "no host": f"{GET}\r\n",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_requests_get_a_client_error_or_none(simulated, name):
    try:
        told = raw(simulated, ODD[name].encode("latin-1"))
    except OSError:  # it did not wait for the rest
        told = b""
    assert told == b"" or told.startswith(b"HTTP/1.1 4"), told[:200]
    assert call(simulated, "GET", "/healthz").status_code == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["model", "messages", "stream", "tools", "n", "max_tokens", "response_format", "stop", "user"]
)


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens"]
)
@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    body=st.binary(max_size=60)
    | st.builds(
        lambda value: json.dumps(value).encode(),
        JSON
        | st.dictionaries(FIELDS, JSON, max_size=5).map(
            lambda odd: {**HELLO, "max_tokens": 5, **odd}
        ),
    )
)
def test_no_body_breaks_the_gateway(simulated, path, body):
    headers = {"content-type": "application/json"}
    answer = call(simulated, "POST", path, content=body, headers=headers)
    assert answer.status_code < 500, answer.text
    # Some bodies are requests, and what asks for a stream gets one.
    assert answer.headers["content-type"].startswith("text/event-stream") or answer.json()


@pytest.mark.parametrize("name", ["sk-ant-planted-0123456789", "claif-planted0123456789"])
def test_secrets_in_odd_places_are_not_told(start, server, caplog, capfd, name):
    gateway = start({"log.access": True, "upstream.backend": "simulator"})
    with caplog.at_level(logging.DEBUG):
        call(gateway, "GET", f"/v1/{name}", headers={"authorization": f"Bearer {name}"})
        call(gateway, "POST", "/v1/chat/completions", json={**HELLO, "model": name})
        page = call(gateway, "GET", "/metrics").text
    gateway.app.parts.seen.close()
    assert name not in page
    assert name not in capfd.readouterr().err
    assert name not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("claif")
    )


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/none"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_request_leaves_nothing_for_the_collector(simulated, path, stream):
    asked = {**HELLO, "max_tokens": 50, "stream": stream}
    with httpx2.Client(timeout=30) as client:
        client.post(simulated.url + path, json=asked)
        gc.collect()
        gc.disable()
        try:
            client.post(simulated.url + path, json=asked)
            for _ in range(1000):  # the task ends a moment after its answer
                if not (left := _kept_of_requests()):
                    break
                time.sleep(0.01)
        finally:
            gc.enable()
    assert left == []


def _kept_of_requests():
    kinds = (Visit, Caller, Direct, StreamWriter)
    return [type(one).__name__ for one in gc.get_objects() if isinstance(one, kinds)]
