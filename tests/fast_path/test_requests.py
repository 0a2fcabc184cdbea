"""Requests: the fast path sends, shows and refuses exactly what the stock path does."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import functools
import inspect
import json
import logging
import pathlib
import pickle
import pkgutil
from collections import OrderedDict
from contextlib import contextmanager
from importlib import import_module
from types import MappingProxyType

import openai
import openai.types.chat
import pytest
from hypothesis import HealthCheck, given, settings
from openai.resources.chat.completions import AsyncCompletions, Completions
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessage
from pydantic import BaseModel

from callers import HELLO, SyncCaller
from chat_requests.strategies import chat_requests
from claif_cla import AsyncClaudeClient, ClaudeClient, resources
from claif_cla.backends.simulator import SimulatorBackend
from claif_cla.fast_path import hooks, requests
from loopback import error_body, json_answer, message, text_block
from recorded import openai_chat_requests, recorded_params

pytestmark = pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning")

KNOWN = set(inspect.signature(Completions.create).parameters)
ANSWER = json_answer(message([text_block("Hi")]))


@contextmanager
def watched(path):
    """Takes the stock path, or notes for each call whether the fast one was taken."""
    taken = []
    real = requests.post_arguments

    def post_arguments(*args):
        posted = real(*args) if path == "fast" else None
        taken.append(posted is not None)
        return posted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resources, "post_arguments", post_arguments)
        yield taken


def headers_of(request):
    kept = [(name.lower(), value) for name, value in request.headers.items()]
    return sorted(item for item in kept if item[0] != "content-length")


def view(request):
    """All that one can see of an HTTP request. `content-length` comes once somebody looks."""
    shown = [repr(request), request.method, str(request.url), headers_of(request)]
    shown += [request.extensions, request.content, request.read(), request.content]
    shown += [b"".join(request.stream), request.headers.get("content-length")]
    copied, unpickled = copy.copy(request), pickle.loads(pickle.dumps(request))
    shown += [(repr(one), one.content, headers_of(one)) for one in (copied, unpickled)]
    return shown


def outcome(path, caller, server, params):
    """What is sent for a call, what its request looks like, or what it raises."""
    server.requests.clear()
    shown = None
    with watched(path) as taken:
        try:
            raw = caller.run(caller.client.chat.completions.with_raw_response.create(**params))
            shown = view(raw.http_response.request)
        except Exception as error:  # noqa: BLE001 - whatever it is, both raise it
            shown = [type(error), str(error).partition(" at 0x")[0]]
            if isinstance(error, openai.APIError):
                shown += view(error.request)
    sent = [(r.method, r.target, sorted(r.headers.items()), r.body) for r in server.requests]
    return taken, {"sent": sent, "shown": shown}


def check_same(caller, server, make, *, fast=None):
    server.answer_with(lambda _: ANSWER)
    before = make()
    taken, ours = outcome("fast", caller, server, before)
    assert ours == outcome("stock", caller, server, make())[1]
    assert fast is None or taken == [fast], "took the other path"
    return ours


# `parse`


class Point(BaseModel):
    x: int


SPARED = {
    "plain messages": HELLO,
    "a message object": [ChatCompletionMessage(role="assistant", content="a"), *HELLO],
    "an iterator": None,
}


@pytest.mark.parametrize("messages", SPARED.values(), ids=SPARED)
@pytest.mark.parametrize("more", [{}, {"extra_body": {"top_k": 3}}, {"user": "u"}], ids=str)
def test_parse_sends_the_same_without_the_walk(caller, server, monkeypatch, messages, more):
    server.answer_with(lambda _: json_answer(message([text_block('{"x": 1}')])))
    sent, parsed = [], []
    for path in ("fast", "stock"):
        if path == "stock":
            monkeypatch.setattr(resources, "spared", lambda *_: None)
        given = iter(HELLO) if messages is None else messages
        made = caller.run(
            caller.client.chat.completions.parse(messages=given, response_format=Point, **more)
        )
        parsed.append(made.choices[0].message.parsed)
        sent.append((server.last.target, server.last.body))
    assert parsed == [Point(x=1)] * 2
    assert sent[0] == sent[1]


def test_parse_walks_no_plain_message(caller, server, monkeypatch):
    server.answer_with(lambda _: json_answer(message([text_block('{"x": 1}')])))
    posted = []

    class Noted(requests._Body):
        def __init__(self, value):
            posted.append(value["messages"])
            super().__init__(value)

    monkeypatch.setattr(requests, "_Body", Noted)
    caller.run(caller.client.chat.completions.parse(messages=HELLO, response_format=Point))
    assert posted == [HELLO]


# Recorded and generated requests


def arguments(body):
    known = {name: value for name, value in body.items() if name in KNOWN}
    extra = {name: value for name, value in body.items() if name not in KNOWN}
    return known | ({"extra_body": extra} if extra else {})


@recorded_params("batch", openai_chat_requests, batches=4)
def test_recorded_requests_are_the_stock_ones(batch, new_caller, server):
    aliases = {recording.request_body["model"]: "claude-sonnet-5-5" for recording in batch}
    caller = new_caller(model_aliases=aliases)
    for recording in batch:
        body = {**recording.request_body, "stream": False}
        check_same(caller, server, lambda body=body: arguments(copy.deepcopy(body)))


class Recording(SimulatorBackend):
    """Notes what it is sent."""

    def open(self, request, hop):
        self.sent.append((request.method, request.path, dict(request.headers), request.body))
        return super().open(request, hop)


@settings(suppress_health_check=list(HealthCheck))
@given(body=chat_requests())
def test_generated_requests_are_the_stock_ones(body):
    outcomes = []
    for path in ("fast", "stock"):
        backend = Recording()
        backend.sent = []
        caller = SyncCaller(backend=backend, max_retries=0)
        given_ = arguments({**copy.deepcopy(body), "stream": False})
        shown = None
        with watched(path):
            try:
                raw = caller.client.chat.completions.with_raw_response.create(**given_)
                shown = view(raw.http_response.request)
            except Exception as error:  # noqa: BLE001 - whatever it is, both raise it
                shown = [type(error), str(error)]
        outcomes.append((backend.sent, shown))
    assert outcomes[0] == outcomes[1]


# What is no plain JSON, or not as usual


class Role(str, enum.Enum):
    USER = "user"


class Own(dict):
    pass


class Model(BaseModel):
    x: int


def cyclic():
    messages = copy.deepcopy(HELLO)
    messages[0]["content"] = [messages]
    return messages


def buried(depth):
    value = "x"
    for _ in range(depth):
        value = [value]
    return value


def said(content):
    return {"messages": [{"role": "user", "content": content}]}


ASSISTANT = ChatCompletionMessage(role="assistant", content="Well?")
PART = {"type": "text", "text": "Hi"}
FORM = "multipart/form-data; boundary=x"
PLAIN = {
    "text": lambda: said("naïve ☕ 😀 \u2028 \x00"),
    "parts": lambda: said([PART, PART]),
    "omitted": lambda: {**said("x"), "temperature": openai.NOT_GIVEN, "seed": openai.NotGiven()},
    "omit": lambda: {**said("x"), "temperature": openai.omit, "stream": openai.omit},
    "none": lambda: {**said("x"), "temperature": None, "stream": None, "tools": None, "n": None},
    "no model": lambda: {**said("x"), "model": None},
    "no messages but None": lambda: {"messages": None},
    "messages of the wrong type": lambda: {"messages": "Hi"},
    "stream is false": lambda: {**said("x"), "stream": False},
    "numbers": lambda: {**said("x"), "seed": 10**30, "temperature": 0.30000000000000004},
    "floats": lambda: {**said("x"), "top_p": 1e-7, "metadata": {"a": [1e22, -0.0, 5e-324]}},
    "extra_body": lambda: {**said("x"), "extra_body": {"metadata": {"user_id": "u"}}},
    "extra_body wins": lambda: {**said("x"), "extra_body": said("y")},
    "extra_body is empty": lambda: {**said("x"), "extra_body": {}},
    "extras are None": lambda: {**said("x"), "extra_body": None, "extra_query": None},
    "headers": lambda: {**said("x"), "extra_headers": {"X-Own": "1", "User-Agent": "me"}},
    "a header less": lambda: {**said("x"), "extra_headers": {"X-Stainless-OS": openai.Omit()}},
    "beta": lambda: {**said("x"), "extra_headers": {"anthropic-beta": "a-2026-01-01"}},
    "idempotency": lambda: {**said("x"), "extra_headers": {"Idempotency-Key": "mine"}},
    "host": lambda: {**said("x"), "extra_headers": {"Host": "other.test"}},
    "query": lambda: {**said("x"), "extra_query": {"a": "b c", "d": [1, 2]}},
    "timeout": lambda: {**said("x"), "timeout": 7},
    "no timeout": lambda: {**said("x"), "timeout": None},
    "timeouts": lambda: {**said("x"), "timeout": openai.Timeout(5, connect=1)},
    "pairs of timeouts": lambda: {**said("x"), "timeout": (1, 2, 3, 4)},
    "a form": lambda: {**said("x"), "extra_headers": {"Content-Type": FORM}},
    "no type": lambda: {**said("x"), "extra_headers": {"Content-Type": openai.Omit()}},
}
NOT_PLAIN = {
    "message object": lambda: {"messages": [*HELLO, ASSISTANT, *HELLO]},
    "iterator of messages": lambda: {"messages": iter(HELLO)},
    "generator of messages": lambda: {"messages": (one for one in HELLO)},
    "tuple of messages": lambda: {"messages": tuple(HELLO)},
    "tuple of parts": lambda: said((PART, PART)),
    "generator of parts": lambda: said(one for one in [PART]),
    "dict class": lambda: {"messages": [Own(HELLO[0])]},
    "OrderedDict": lambda: {"messages": [OrderedDict(HELLO[0])]},
    "mapping": lambda: {"messages": [MappingProxyType(HELLO[0])]},
    "enum": lambda: {"messages": [{"role": Role.USER, "content": "x"}]},
    "numeric key": lambda: {**said("x"), "metadata": {1: "a"}},
    "wide key": lambda: {**said("x"), "metadata": {"ü": "a"}},
    "date": lambda: {**said("x"), "metadata": {"a": dt.date(2026, 1, 1)}},
    "datetime": lambda: {
        **said("x"),
        "metadata": {"a": dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)},
    },
    "bytes": lambda: said(b"x"),
    "path": lambda: said(pathlib.Path("x")),
    "set": lambda: {**said("x"), "stop": {"x"}},
    "NaN": lambda: {**said("x"), "temperature": float("nan")},
    "infinity": lambda: {**said("x"), "temperature": float("inf")},
    "half an emoji": lambda: said("cut \ud83d"),
    "half an emoji as a key": lambda: {**said("x"), "metadata": {"\ud83d": "a"}},
    "cyclic": lambda: {"messages": cyclic()},
    "very deep": lambda: said(buried(100_000)),
    "nested omit": lambda: {"messages": [{**HELLO[0], "name": openai.omit}]},
    "nested NOT_GIVEN": lambda: {"messages": [{**HELLO[0], "name": openai.NOT_GIVEN}]},
    "NOT_GIVEN in a list": lambda: {**said("x"), "stop": [openai.NOT_GIVEN]},
    "unknown": lambda: {**said("x"), "temperatur": 1},
    "no messages": dict,
    "messages not given": lambda: {"messages": openai.NOT_GIVEN},
    "class as format": lambda: {**said("x"), "response_format": Model},
    "object as extra_body": lambda: {**said("x"), "extra_body": {"metadata": ASSISTANT}},
    "list as extra_body": lambda: {**said("x"), "extra_body": [1]},
    "empty list as extra_body": lambda: {**said("x"), "extra_body": []},
    "omit in extra_body": lambda: {**said("x"), "extra_body": {"a": openai.omit}},
}


@pytest.mark.parametrize("case", [*PLAIN, *NOT_PLAIN])
def test_a_request_is_the_stock_one(case, caller, server):
    fast = case in PLAIN
    check_same(caller, server, {**PLAIN, **NOT_PLAIN}[case], fast=fast)


@pytest.mark.parametrize("stream", [True, 1])
def test_a_streamed_request_is_the_stock_one(stream, caller, server):
    server.answer_with(lambda _: json_answer(error_body("invalid_request_error", "No."), 400))
    ours = outcome("fast", caller, server, {**said("x"), "stream": stream})
    stock = outcome("stock", caller, server, {**said("x"), "stream": stream})
    assert ours[1] == stock[1]
    assert (ours[0], ours[1]["shown"][0]) == ([True], openai.BadRequestError)


class Signing:
    """A caller's HTTP client that looks at each body."""

    def build_request(self, *args, **kwargs):
        made = super().build_request(*args, **kwargs)
        made.headers["x-size"] = str(len(made.content))
        return made


def own_http(caller, *, signing=False, **options):
    made = openai.DefaultHttpxClient if caller.kind == "sync" else openai.DefaultAsyncHttpxClient
    plain = made.__bases__[0]
    return (type("Own", (Signing, plain), {}) if signing else plain)(**options)


HTTP = {
    "plain": {},
    "headers": {"headers": {"X-Mine": "1", "Accept": "x/y", "User-Agent": "mine"}},
    "host": {"headers": {"Host": "mine.test"}},
    "params": {"params": {"tenant": "a b"}},
    "cookies": {"cookies": {"session": "1"}},
    "base_url": {"base_url": "http://elsewhere.test/x/"},
    "timeout": {"timeout": 3},
    "auth": {"auth": ("me", "secret")},
    "signing": {"signing": True},
}


@pytest.mark.parametrize("case", HTTP)
def test_a_request_through_the_callers_http_client_is_the_stock_one(case, new_caller, server):
    http = own_http(new_caller(), **HTTP[case])
    check_same(new_caller(http_client=http), server, PLAIN["text"], fast=True)
    if case == "signing":
        assert int(server.last.headers.get("x-size", 0)) == len(server.last.body)


CLIENTS = {
    "headers": {"default_headers": {"X-Mine": "1", "x-stainless-lang": "none"}},
    "query": {"default_query": {"a": "b"}},
    "organization": {"organization": "org", "project": "p"},
    "timeout": {"timeout": openai.Timeout(9, read=4)},
    "no timeout": {"timeout": None},
    "token": {"auth_token": "t", "api_key": None},
}


@pytest.mark.parametrize("case", CLIENTS)
@pytest.mark.parametrize("name", ["text", "headers", "query"])
def test_a_request_of_a_configured_client_is_the_stock_one(case, name, new_caller, server):
    check_same(new_caller(**CLIENTS[case]), server, PLAIN[name], fast=True)


@pytest.mark.parametrize(
    "path", ["", "/", "/v1/", "/pre%20fix/v1", "/a/b?x=1", "/v1#part", "/ü/v1/"]
)
def test_a_request_below_any_address_is_the_stock_one(path, new_caller, server):
    check_same(new_caller(base_url=server.url + path), server, PLAIN["text"], fast=True)


def test_a_request_with_debug_logs_is_the_stock_one(caller, server, caplog):
    logs = []
    for path in ("fast", "stock"):
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="openai"):
            server.answer_with(lambda _: ANSWER)
            outcome(path, caller, server, PLAIN["text"]())
        logs.append([one.getMessage() for one in caplog.records if "key" not in one.getMessage()])
    assert logs[0] == logs[1]
    assert any("request" in line.lower() for line in logs[0])


def test_a_retry_repeats_a_request_that_the_caller_cannot_change(new_caller, server):
    busy = json_answer(error_body("overloaded_error", "Busy."), 529, {"retry-after-ms": "1"})
    shown = []
    for path in ("fast", "stock"):
        caller, params = new_caller(), PLAIN["parts"]()

        def answer(_, params=params):
            params["messages"][0]["content"] = "changed"
            params["messages"].append({"role": "user", "content": "more"})
            return ANSWER if len(server.requests) > 2 else busy

        server.answer_with(answer)
        caller.client = caller.client.with_options(max_retries=2)
        shown.append(outcome(path, caller, server, params))
        assert [len(json.loads(r.body)["messages"]) for r in server.requests] == [1, 1, 1]
        assert len({r.body for r in server.requests}) == 1
    assert shown[0][1] == shown[1][1]
    assert shown[0][0] == [True]
    assert ("x-stainless-retry-count", "2") in shown[0][1]["shown"][3]


# Patches and overrides


class Proxy:
    """As wrapt makes them: claims to be what it wraps, in every way but by `type`."""

    def __init__(self, wrapped, seen):
        self.wrapped, self.seen = wrapped, seen

    __class__ = property(lambda self: type(self.wrapped))
    __module__ = property(lambda self: self.wrapped.__module__)
    __hash__ = lambda self: hash(self.wrapped)  # noqa: E731
    __eq__ = lambda self, other: self.wrapped == other  # noqa: E731

    def __getattr__(self, name):
        return getattr(self.wrapped, name)

    def __call__(self, *args, **kwargs):
        self.seen.append((args[1:], kwargs))
        return self.wrapped(*args, **kwargs)

    def __get__(self, instance, owner):
        return self if instance is None else functools.partial(self, instance)


def wrapper(wrapped, seen):
    @functools.wraps(wrapped)
    def wrapping(self, *args, **kwargs):
        seen.append((args, kwargs))
        return wrapped(self, *args, **kwargs)

    return wrapping


WRAPPERS = pytest.mark.parametrize("wrap", [wrapper, Proxy])


@WRAPPERS
def test_a_patched_create_sees_each_call_until_it_is_patched_back(wrap, caller, server):
    kind = Completions if caller.kind == "sync" else AsyncCompletions
    real, seen = kind.create, []
    given_ = {"messages": HELLO, "model": "claude-sonnet-5-5", "extra_headers": {"a": "b"}}
    server.answer_with(lambda _: ANSWER)
    for patched in (False, True, False, True):
        seen.clear()
        with pytest.MonkeyPatch.context() as patch, watched("fast") as taken:
            if patched:
                patch.setattr(kind, "create", wrap(real, seen))
            caller.create(**given_)
        assert taken == [not patched]
        assert seen == ([((), given_)] if patched else [])
        assert all(kwargs["messages"] is HELLO for _, kwargs in seen)


HOOKS = ("_prepare_options", "_build_request", "post", "request", "_prepare_url")


@WRAPPERS
@pytest.mark.parametrize("name", [*HOOKS, "_make_sse_decoder"])
@pytest.mark.parametrize("where", ["openai", "base", "ours", "subclass", "instance"])
def test_a_hook_that_is_not_openais_gets_the_stock_path(wrap, name, where, caller, server):
    server.answer_with(lambda _: ANSWER)
    caller.create(messages=HELLO)  # nothing that was learnt may outlive the patch
    client = caller.client = caller.client.copy()  # a resource keeps the `post` that it found
    seen = []
    own = type(client)
    stock = openai.OpenAI if caller.kind == "sync" else openai.AsyncOpenAI
    base = next(kind for kind in stock.__mro__[1:] if name in vars(kind) or kind is object)
    target = {"openai": stock, "base": base, "ours": own, "instance": client}.get(where)
    if where == "subclass":
        real = getattr(own, name)
        client.__class__ = type("Mine", (own,), {name: wrap(real, seen)})
    with pytest.MonkeyPatch.context() as patch, watched("fast") as taken:
        if where == "instance":
            hook = functools.partial(wrap(getattr(own, name), seen), client)
            patch.setitem(vars(client), name, hook)
        elif target is object:
            pytest.skip("openai's class has it itself")
        elif target is not None:
            patch.setattr(target, name, wrap(getattr(target, name), seen))
        caller.create(messages=HELLO)
    assert taken == [False]
    for args, kwargs in seen:
        options = [one for one in (*args, *kwargs.values()) if hasattr(one, "json_data")]
        bodies = [*(one.json_data for one in options), *filter(None, [kwargs.get("body")])]
        assert all(body["messages"] == HELLO for body in bodies)
    assert seen or name == "_make_sse_decoder" or where == "instance"


@pytest.mark.parametrize("name", ["default_query", "default_headers"])
def test_an_overridden_property_counts(name, new_caller, server):
    caller = new_caller()
    value = {**getattr(caller.client, name), "x-mine": "1"}
    caller.client.__class__ = type(
        "Mine", (type(caller.client),), {name: property(lambda _: value)}
    )
    check_same(caller, server, PLAIN["text"], fast=True)
    shown = outcome("fast", caller, server, PLAIN["text"]())[1]["shown"]
    assert "x-mine" in str(shown[2:4])


# What the recipe leans on


FAKE = """
def create(self, *, messages, model, temperature=omit, stream=False, extra_headers=None,
           extra_query=None, extra_body=None, timeout=not_given):
    body = {name: value for name, value in [
        ("messages", messages), ("model", model), ("temperature", temperature),
        ("stream", stream)] if value is not omit}
    if not stream:
        body.pop("stream")
    options = {}
    for name, value in [("headers", extra_headers), ("params", extra_query),
                        ("extra_json", extra_body)]:
        if value is not None:
            options[name] = value
    if timeout is not not_given:
        options["timeout"] = timeout
    return self._post("/chat/completions", body=body, options=options, cast_to=ChatCompletion,
                      stream=stream, stream_cls=Stream[ChatCompletionChunk])
"""
FAKES = {
    "as known": ("", "", True),
    "another path": ("/chat/completions", "/v2/completions", False),
    "another type": ("cast_to=ChatCompletion", "cast_to=object", False),
    "another stream": ("Stream[ChatCompletionChunk]", "Stream[ChatCompletion]", False),
    "no stream class": (", stream_cls=Stream[ChatCompletionChunk]", "", False),
    "an argument is ignored": ('("temperature", temperature),', "", False),
    "a new argument is ignored": ("*, messages", "*, new=None, messages", False),
    "a field is added": ("options = {}", 'options = {}; body["x"] = 1', False),
    "a field is renamed": ('("temperature"', '("temp"', False),
    "a field is changed": ('("model", model)', '("model", model.upper())', False),
    "a default is sent": ("temperature=omit", "temperature=1", False),
    "an option for all": ("options = {}", 'options = {"security": {}}', True),
    "an option for some": ("options = {}", 'options = {"a": 1} if stream else {}', False),
    "headers are changed": ('("headers", extra_headers)', '("headers", {"a": "b"})', False),
    "the query is dropped": ('("params", extra_query),', "", False),
    "the timeout is changed": ("= timeout", "= timeout * 2", False),
    "another argument of _post": ("cast_to=", "files=[], cast_to=", False),
    "it raises": ("options = {}", "raise ValueError", False),
    "it posts nothing": ("return self._post", "return dict", False),
    "it needs more of the resource": ("options = {}", "options = self._client.options", False),
    "it posts twice": ("return self._post(", "self._post('/x'); return self._post(", False),
}


@pytest.mark.parametrize("case", FAKES)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_only_a_create_that_posts_its_arguments_has_a_recipe(case, kind):
    old, new, known = FAKES[case]
    source = FAKE.replace(old, new).replace("def", kind, 1)
    assert case == "as known" or source != FAKE
    if kind == "async def":
        source = source.replace("return self", "return await self")
    names = {**vars(openai), "ChatCompletion": ChatCompletion, "not_given": openai.NOT_GIVEN}
    exec(source, names | {"ChatCompletionChunk": ChatCompletionChunk}, names)
    names["create"].__globals__["ChatCompletionChunk"] = ChatCompletionChunk
    recipe = requests._recipe(names["create"])
    assert (recipe is not None) == known
    assert recipe is None or recipe.names == ("messages", "model", "temperature", "stream")


@pytest.mark.parametrize("create", [Completions.create, AsyncCompletions.create])
def test_openais_create_has_a_recipe(create):
    extras = {"self", "extra_headers", "extra_query", "extra_body", "timeout"}
    recipe = requests._recipe(create)
    assert set(recipe.names) == inspect.signature(create).parameters.keys() - extras


def test_no_chat_parameter_is_changed_by_openais_type_walk():
    root = openai.types.chat
    files = [info.name for info in pkgutil.iter_modules(root.__path__) if "param" in info.name]
    assert len(files) > 20
    for name in files:
        assert not hasattr(import_module(f"{root.__name__}.{name}"), "PropertyInfo"), name


@pytest.mark.parametrize("client", [ClaudeClient, AsyncClaudeClient])
def test_the_hooks_are_openais(client):
    for name in hooks.HOOKS:
        hook = getattr(client, name)
        assert callable(hook) or isinstance(hook, property)
