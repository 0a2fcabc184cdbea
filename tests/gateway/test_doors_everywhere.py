"""Every route, method and odd way to write them, with every credential that opens nothing.

The rules, in the order in which a request meets them:

1. What is no HTTP/1.1, or has a method or a target that it does not know: 400, and the end.
2. Headers that are too large: 431; two of what may come but once: 400.
3. A host that the gateway does not go by: 403; none: 400.
4. `/healthz` and `/readyz` take anybody. Everything else, served or not, and by whatever method:
   401 without a key that holds, 403 with one that is not for it.
5. Only then 404, and 405.

None of these ever reaches upstream.
"""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import NamedTuple

import pytest

from claif_cla.gateway.endpoints import ENDPOINTS
from claif_cla.gateway.keys import Scopes
from claif_cla.gateway.keys.ring import MAX_CREDENTIAL
from loopback import json_answer

BODY = b'{"model": "sonnet", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}'
PATHS = {
    endpoint.path + ("sonnet" if endpoint.path.endswith("/") else ""): endpoint
    for endpoint in ENDPOINTS
}
OPEN = [path for path, endpoint in PATHS.items() if endpoint.is_open]
SCOPED = [path for path in PATHS if path.startswith("/v1/")]
CLOSED = [
    *(path for path in PATHS if path not in OPEN),
    *("/", "/v1", "/v1/models/", "/v1/embeddings", "/v1/messages/batches", "/admin", "/docs"),
]
METHODS = [
    *("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"),
    *("PROPFIND", "M-SEARCH", "PURGE", "QUERY"),
]
UNHEARD_OF = ["BREW", "get", "PRI", "GETS", "G\x00T"]


CUT = 0
"""The status of what was closed without a word."""


class Told(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def asked(gateway, method, target, headers=(), host="localhost"):
    """The answer to a request that is sent as it is written."""
    lines = [f"{method} {target} HTTP/1.1", "connection: close", *headers]
    lines += [] if host is None else [f"host: {host}"]
    lines += ["content-type: application/json", f"content-length: {len(BODY)}", "", ""]
    address, _, port = gateway.url.removeprefix("http://").partition(":")
    with socket.create_connection((address, int(port)), timeout=20) as peer:
        told = b""
        with suppress(ConnectionError):  # of a head that is too large it need not read the rest
            peer.sendall("\r\n".join(lines).encode("latin-1") + BODY)
            while piece := peer.recv(65_536):
                told += piece
    if not told:
        return Told(CUT, {}, b"")
    head, _, body = told.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in rest)
    return Told(int(first.split()[1]), {name: value for name, _, value in pairs}, body)


class Locked:
    """A gateway that wants keys, the keys, and the upstream that must hear nothing."""

    def __init__(self, start, server, keys):
        server.answer_with(lambda request: json_answer({"data": [], "has_more": False}))
        self._server = server
        _, self.good = keys.create("good")
        revoked, self.revoked = keys.create("revoked")
        keys.revoke(revoked.id)
        _, self.expired = keys.create("expired", expires=1.0)
        _, self.haiku = keys.create("haiku", scopes=Scopes(models=("claude-haiku-*",)))
        _, self.metrics = keys.create("metrics", scopes=Scopes(endpoints=("metrics",)))
        self.gateway = start(only=server.url)

    @property
    def upstream(self):
        """What has come there but the gateway's own look whether it can be reached."""
        targets = [request.target for request in self._server.requests]
        return [target for target in targets if target != "/v1/models?limit=1"]


@pytest.fixture
def locked(start, server, keys):
    made = Locked(start, server, keys)
    yield made
    assert made.upstream == []


CREDENTIALS = {
    "none": (401, ()),
    "wrong": (401, ("authorization: Bearer claif-wrong",)),
    "empty": (401, ("authorization: Bearer ",)),
    "revoked": (401, ("authorization: Bearer {revoked}",)),
    "expired": (401, ("x-api-key: {expired}",)),
    "another scheme": (401, ("authorization: Basic {good}",)),
    "no scheme": (401, ("authorization: {good}",)),
    "two that differ": (401, ("authorization: Bearer {good}", "x-api-key: claif-wrong")),
    "two in one": (401, ("authorization: Bearer {good}, Bearer {good}",)),
    "in another place": (401, ("cookie: key={good}", "proxy-authorization: Bearer {good}")),
    "in other letters": (401, ("authorization: Bearer {good_upper}",)),
    "with something behind": (401, ("authorization: Bearer {good}x",)),
    "too long for a key": (401, ("x-api-key: " + "k" * (MAX_CREDENTIAL + 1),)),
    "no ASCII": (401, ("authorization: Bearer \xe9\xff\x80",)),
    "the header twice": (400, ("authorization: Bearer {good}", "authorization: Bearer {good}")),
    "the key twice": (400, ("x-api-key: {good}", "X-API-KEY: {good}")),
    "too large a header": (431, ("authorization: Bearer " + "k" * 40_000,)),
}


def shown(locked, which):
    return [
        line.format(
            good=locked.good,
            good_upper=locked.good.upper(),
            revoked=locked.revoked,
            expired=locked.expired,
        )
        for line in CREDENTIALS[which][1]
    ]


@pytest.mark.parametrize("which", CREDENTIALS)
def test_nothing_opens_by_any_method_with_what_is_no_key(locked, which):
    status, lines = CREDENTIALS[which][0], shown(locked, which)
    for path in [*CLOSED, *OPEN]:
        for method in METHODS:
            told = asked(locked.gateway, method, path, lines)
            expected = {200, 405} if path in OPEN and status == 401 else {status}
            expected |= {CUT} if status == 431 else set()
            assert told.status in expected, (method, path)


def test_a_key_for_something_else_opens_nothing_by_any_method(locked):
    lines = [f"authorization: Bearer {locked.metrics}"]
    for path in CLOSED:
        for method in METHODS:
            told = asked(locked.gateway, method, path, lines)
            expected = {403} if path in SCOPED else {200, 404, 405}
            assert told.status in expected, (method, path)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/models/sonnet"])
def test_a_key_for_another_model_opens_none(locked, path):
    lines = [f"authorization: Bearer {locked.haiku}"]
    method, status = ("GET", 404) if "models" in path else ("POST", 403)
    assert asked(locked.gateway, method, path, lines).status == status


@pytest.mark.parametrize("method", UNHEARD_OF)
def test_a_method_that_http_does_not_know_is_no_request(locked, method):
    told = asked(locked.gateway, method, "/v1/models", [f"x-api-key: {locked.good}"])
    assert (told.status, json.loads(told.body)["error"]["code"]) == (400, "invalid_http")


ODD_PATHS = [
    *("//v1/chat/completions", "/v1//chat/completions", "/v1/chat/completions/", "/v1/models//"),
    *("/v1/../v1/chat/completions", "/./v1/models", "/v1/models/..", "/v1/models/%2e%2e"),
    *("/v1/%2e%2e/healthz", "/healthz/../v1/models", "/healthz/..", "/healthz/", "/healthz;x"),
    *("/healthz%00", "/healthz%2f", "/healthz%2e", "/healthz%", "/healthz%zz", "/healthz%20"),
    *("/HEALTHZ", "/Healthz", "/V1/models", "/v1/CHAT/completions", "//healthz", "///healthz"),
    *("/v1/chat%2fcompletions", "/v1%2fmodels", "/%76%31/models", "/v1/models/%00", "/%ff%fe"),
    *("/v1/models/%F0%9F%92%A5", "/v1/%D0%BC", "/v1/models/%E2%80%AE", "/?/healthz", "/?", "*"),
    *("/v1/models#/healthz", "/v1/models?/healthz", "/v1/models/sonnet?key=x", "/metrics?x#y"),
    *("http://localhost/v1/models", "http://evil.example/v1/models", "https://localhost/metrics"),
    *("http://localhost:1@evil.example/v1/models", "ftp://localhost/v1/models", "//x/healthz"),
    *("/v1/models/" + "x" * 9_000, "/v1/models/" + "a/" * 2_000, "/v1/models/\x80\xff"),
    *("/healthz\\", "/healthz\x0b", "healthz", "\\healthz", "localhost:80", "/v1/mod els", ""),
]


@pytest.mark.parametrize("which", ["none", "wrong", "another scheme"])
def test_no_odd_way_to_write_a_path_leads_around_the_door(locked, which):
    lines = shown(locked, which)
    for path in ODD_PATHS:
        for method in ("GET", "POST"):
            told = asked(locked.gateway, method, path, lines)
            is_http = path.isprintable() and path.isascii() and " " not in path
            is_target = is_http and path.startswith(("/", "*", "http", "ftp")) and path
            # A server may take other bytes than ASCII, or none; it must not take them for a key.
            assert told.status in ({401} if is_target else {400, 401}), (method, path)


@pytest.mark.parametrize(
    "path", ["/healthz", "/%68ealthz", "/healthz?x", "/healthz#x", "http://localhost/healthz"]
)
def test_what_is_open_is_open_however_it_is_written(locked, path):
    assert asked(locked.gateway, "GET", path).status == 200
    assert asked(locked.gateway, "DELETE", path).status == 405


ODD_HOSTS = [
    *("evil.example", "localhost.evil.example", "localhost@evil.example", "localhost/evil"),
    *("localhost:99999999", "localhost:80:80", "localhost:-1", "127.0.0.1:", "[::1", "127.1"),
    *("0.0.0.0", "localhost.", "xn--localhost", "localhost, evil.example", "\xfflocalhost"),
]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions", "/metrics", "/healthz"])
def test_another_host_opens_nothing_even_with_a_key(locked, path):
    lines = [f"authorization: Bearer {locked.good}"]
    method = "POST" if "chat" in path else "GET"
    for host in ODD_HOSTS:
        assert asked(locked.gateway, method, path, lines, host=host).status == 403, host
    for host in (None, "", " "):
        assert asked(locked.gateway, method, path, lines, host=host).status == 400, host
    twice = [*lines, "host: localhost"]
    assert asked(locked.gateway, method, path, twice).status == 400


def test_a_key_that_holds_opens_what_it_is_for(locked):
    """The table above proves something only if the same requests are served with a key."""
    told = asked(locked.gateway, "GET", "/openapi.json", [f"authorization: Bearer {locked.good}"])
    assert told.status == 200
    told = asked(locked.gateway, "GET", "/metrics", [f"x-api-key: {locked.metrics}"])
    assert told.status == 200


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/nothing"])
def test_a_401_says_what_it_wants_in_the_words_of_http(locked, path):
    nothing = ("none", "empty", "another scheme", "no scheme", "in another place")
    for which in [name for name, (status, _) in CREDENTIALS.items() if status == 401]:
        told = asked(locked.gateway, "POST", path, shown(locked, which))
        challenge = "Bearer" if which in nothing else 'Bearer error="invalid_token"'
        assert told.headers["www-authenticate"] == challenge, which
        assert json.loads(told.body)["error"]["type"] == "authentication_error"
    assert "www-authenticate" not in asked(locked.gateway, "GET", "/healthz").headers
