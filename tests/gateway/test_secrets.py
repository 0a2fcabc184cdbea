"""Planted secrets, everywhere one can be, through the whole gateway: nobody is told of any.

A caller may be told what they themselves have put into a request; nobody else may.
"""

from __future__ import annotations

import json
import logging
from collections import deque

import httpx2
import pytest
from pydantic import SecretStr

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")
pytest.importorskip("redis", reason="the extra `redis` is not installed")

from gateway.running import RunningGateway
from loopback import (
    Ending,
    cut_every,
    error_body,
    error_event,
    json_answer,
    no_answer,
    sse,
    stream_of,
    streamed,
    text_block,
    whole,
)

ACCOUNT = "the-operators-own-words-4711"
"""It looks like no key: only who knows it can find it."""
REDIS = "tr0ub4dor-of-redis"
OTHERS = "sk-planted-of-somebody-0815"
CALLERS = "sk-planted-by-the-caller-1234"
HELLO = {"model": "sonnet", "max_tokens": 20, "messages": [{"role": "user", "content": "Hello"}]}
PATHS = ("/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens")
TELEMETRY = ("/v1/traces", "/v1/metrics")
QUOTED = f"authorization: Bearer {ACCOUNT}, for {OTHERS}"
SAID = QUOTED.encode()
QUOTING_IDS = {"request-id": OTHERS, "retry-after": ACCOUNT, "x-ratelimit-remaining": ACCOUNT}
SECRET_HEADERS = {
    "set-cookie": f"session={OTHERS}",
    "anthropic-organization-id": OTHERS,
    "www-authenticate": f'Bearer realm="{ACCOUNT}"',
    "x-api-key": ACCOUNT,
    "server-timing": OTHERS,
    "location": f"https://{ACCOUNT}@example.com/",
}


def refused(status, **error):
    told = {"type": "error", "error": {"type": "invalid_request_error", "message": QUOTED, **error}}
    return json_answer(told, status, SECRET_HEADERS)


def midway(event):
    """A stream that has begun well."""
    began = sse(stream_of([text_block("Hi")]))
    return streamed(cut_every(began[: began.index(b"event: content_block_stop")] + event, 40))


UPSTREAM = {
    "an error": lambda: refused(400),
    "an error of the account": lambda: refused(401, type="authentication_error"),
    "an error with a secret type": lambda: refused(403, type=OTHERS, code=ACCOUNT),
    "nothing there": lambda: refused(404, type="not_found_error"),
    "a limit": lambda: refused(429, type="rate_limit_error"),
    "overloaded": lambda: refused(529, type="overloaded_error"),
    "a proxy's page": lambda: whole(f"<pre>{QUOTED}</pre>".encode(), 502, SECRET_HEADERS),
    "a redirect": lambda: whole(b"", 307, SECRET_HEADERS),
    "no JSON": lambda: whole(b"{", 200, {"content-type": "application/json", **SECRET_HEADERS}),
    "a stream that fails": lambda: streamed(sse([error_event("overloaded_error", QUOTED)])),
    "a stream that fails in another way": lambda: streamed(
        sse([error_event("invalid_request_error", QUOTED)])
    ),
    "a stream that fails in the middle": lambda: midway(
        sse([error_event("overloaded_error", QUOTED)])
    ),
    "a stream that fails without JSON": lambda: midway(b"event: error\ndata: %b\n\n" % SAID),
    "a stream that fails as OpenAI's do": lambda: midway(
        b'data: {"error": {"message": "%b"}}\n\n' % SAID
    ),
    "an error with a good status": lambda: refused(200),
    "a good status and no message": lambda: whole(SAID, 200, {"content-type": "application/json"}),
    "an error's own id": lambda: json_answer(error_body("api_error", "no"), 500, QUOTING_IDS),
    "no answer": lambda: no_answer(Ending.RESET),
}
PLACES = {
    "path": {"path": f"/v1/{CALLERS}"},
    "path of a model": {"path": f"/v1/models/{CALLERS}"},
    "query": {"params": {"api_key": CALLERS}},
    "model": {"json": {**HELLO, "model": CALLERS}},
    "body": {"json": {**HELLO, "user": CALLERS, CALLERS: CALLERS}},
    "content": {"json": {**HELLO, "messages": [{"role": "user", "content": CALLERS}]}},
    "no JSON": {"content": f'{{"model": "{CALLERS}'},
    "x-api-key": {"headers": {"x-api-key": CALLERS}},
    "another scheme": {"headers": {"authorization": f"Basic {CALLERS}"}},
    "host": {"headers": {"host": CALLERS}},
    "user-agent": {"headers": {"user-agent": CALLERS, "x-request-id": CALLERS, "via": CALLERS}},
    "cookie": {"headers": {"cookie": CALLERS, "origin": CALLERS, "referer": CALLERS}},
    "forwarded": {"headers": {"forwarded": CALLERS, "x-forwarded-for": CALLERS}},
    "trace": {"headers": {"traceparent": CALLERS, "tracestate": CALLERS, "baggage": CALLERS}},
    "a good trace": {
        "headers": {
            "traceparent": f"00-{'1' * 32}-{'2' * 16}-01",
            "tracestate": f"vendor={CALLERS}",
        }
    },
    "content-type": {"headers": {"content-type": CALLERS}},
    "method": {"method": CALLERS},
}


class Watched:
    """A gateway of which everything that it tells is kept."""

    def __init__(self, server, config_of, refused_url, caplog):
        self._server, self._caplog = server, caplog
        self.upstream = lambda: json_answer({"data": []})
        server.answer_with(self._answer)
        changes = {
            "log.access": True,
            "log.level": "debug",
            "metrics.public": True,
            "telemetry.traces": True,
            "telemetry.metrics": True,
            "telemetry.endpoint": server.url,
            "upstream.max_retries": 0,
            "cluster.redis_url": refused_url.replace("http://", f"redis://:{REDIS}@"),
            "cluster.when_redis_is_down": "open",
        }
        config = config_of(changes, eu=server.url)
        (account,) = config.accounts
        account = account.model_copy(update={"api_key": SecretStr(ACCOUNT)})
        self.config = config.model_copy(update={"accounts": (account,)})
        self.answers = []

    def _answer(self, request):
        return json_answer({}) if request.path in TELEMETRY else self.upstream()

    def ask(self, http, *, path=PATHS[0], method="POST", headers=None, **options):
        if not {"json", "content"} & options.keys():
            options["json"] = HELLO
        answer = http.request(method, path, headers=headers or {}, **options)
        self.answers.append(answer)
        return answer

    def told(self, http):
        """Everything that was told so far but to the callers."""
        pages = [http.get("/metrics", headers={"accept": it}).text for it in ("", OPENMETRICS)]
        ours = [it for it in self._caplog.records if not it.name.startswith(OUR_CLIENT)]
        lines = [f"{record.getMessage()} {record.exc_text or ''}" for record in ours]
        return "\n".join([*pages, *lines])

    @property
    def exported(self):
        found = [it.body for it in self._server.requests if it.path in TELEMETRY]
        return b"".join(found).decode("latin-1")

    @property
    def sent_up(self):
        return [it for it in self._server.requests if it.path not in TELEMETRY]


OUR_CLIENT = ("httpx", "httpcore")
"""Loggers of this test's own client."""
OPENMETRICS = "application/openmetrics-text"


@pytest.fixture
def watched(server, config_of, refused_url, caplog):
    caplog.set_level(logging.DEBUG)
    return Watched(server, config_of, refused_url, caplog)


def shown(answer):
    return f"{answer.headers!r} {answer.text}"


def test_what_upstream_says_tells_no_secret(watched, keys, capfd):
    _, secret = keys.create("alice")
    with RunningGateway(watched.config) as gateway, httpx2.Client(base_url=gateway.url) as http:
        for name, answer in UPSTREAM.items():
            watched.upstream = answer
            for path in (*PATHS, "/v1/models"):
                for stream in (False, True):
                    method, asked = ("GET", {}) if "models" in path else ("POST", HELLO)
                    body = {**asked, "stream": True} if stream else asked
                    headers = {"authorization": f"Bearer {secret}"}
                    watched.ask(http, method=method, path=path, headers=headers, json=body)
                    told = shown(watched.answers[-1])
                    for hidden in (ACCOUNT, OTHERS, REDIS, secret):
                        assert hidden not in told, (name, path)
        told = watched.told(http)
    told += watched.exported + capfd.readouterr().err
    assert len(watched.sent_up) > 40
    assert all(secret not in f"{it.headers} {it.target}" for it in watched.sent_up)
    for hidden in (ACCOUNT, OTHERS, REDIS, secret, secret[:20]):
        assert hidden not in told


@pytest.mark.parametrize("credential", ["good", "none"])
def test_what_callers_send_is_told_to_nobody_else(watched, keys, capfd, credential):
    _, secret = keys.create("alice")
    good = {"authorization": f"Bearer {secret}"} if credential == "good" else {}
    watched.upstream = lambda: refused(404, type="not_found_error")
    with RunningGateway(watched.config) as gateway, httpx2.Client(base_url=gateway.url) as http:
        for place, request in PLACES.items():
            for path in PATHS:
                headers = {**good, **request.get("headers", {})}
                watched.ask(http, **{"path": path, **request, "headers": headers})
            after = shown(watched.ask(http, headers=good))
            for hidden in (CALLERS, ACCOUNT, secret):
                assert hidden not in after, place
        told = watched.told(http)
    told += watched.exported + capfd.readouterr().err
    assert told.count('"endpoint":"chat"') > len(PLACES)
    for hidden in (CALLERS, CALLERS[:16], ACCOUNT, REDIS, secret, secret[:20]):
        assert hidden not in told
    if credential == "none":
        assert watched.sent_up == []


def parts_of(root):
    """Every object of the gateway's own classes that can be reached."""
    seen, waiting, found = set(), deque([root]), []
    while waiting:
        one = waiting.popleft()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, (list, tuple, set, frozenset, deque)):
            waiting.extend(one)
        if type(one).__module__.startswith("claif_cla"):
            found.append(one)
            slots = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
            waiting.extend(getattr(one, name, None) for name in slots)
            waiting.extend(getattr(one, "__dict__", {}).values())
    return found


def test_no_part_of_the_gateway_shows_a_secret_of_its_own(watched, keys):
    _, secret = keys.create("alice")
    with RunningGateway(watched.config) as gateway, httpx2.Client(base_url=gateway.url) as http:
        watched.upstream = lambda: refused(400)
        watched.ask(http, headers={"x-api-key": secret})
        parts = parts_of(gateway.app)
        shown_parts = [repr(part) + str(part) for part in parts]
    names = {type(part).__name__ for part in parts}
    assert {"App", "Parts", "Gate", "Upstream", "Account", "KeyRing", "Seen", "Config"} <= names
    for hidden in (ACCOUNT, REDIS, secret, secret[:20]):
        assert [it[:200] for it in shown_parts if hidden in it] == []


def test_the_configuration_keeps_its_secrets(watched):
    told = (
        repr(watched.config)
        + str(watched.config)
        + json.dumps(watched.config.model_dump(mode="json"))
    )
    assert ACCOUNT not in told
    assert REDIS not in told
