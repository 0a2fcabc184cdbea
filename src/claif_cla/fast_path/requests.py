"""The body of a call without openai's walk through its types, and its HTTP request."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from inspect import signature
from math import isfinite
from types import FunctionType
from typing import Any, NamedTuple

import openai
from openai import AsyncStream, NotGiven, Omit, Stream
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from claif_cla.fast_path.hooks import is_stock, keeps_hooks
from claif_cla.http_request import adds_only_headers, made, parsed, with_json, with_outcome

__all__ = ["built_request", "post_arguments", "spared", "timeout_extensions"]


class _NotPlain(Exception):  # noqa: N818 - a reason to take the other path
    """A value that openai's type walk would change, or refuse."""


class _Body:
    """A request body that no walk has changed; hidden from `strip_not_given`, which copies.

    `outcome` is what came of a first attempt (see `first_attempt`): the loop's own takes it.
    """

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value
        self.outcome: Any = None


class _Recipe(NamedTuple):
    """What the stock `create` makes of its arguments.

    Attributes:
        names: of the parameters that travel in the body, in its order.
        options: what it adds to the options of every call.
    """

    names: tuple[str, ...]
    options: Mapping[str, Any]


_PATH = "/chat/completions"
_EXTRAS = {"extra_headers": "headers", "extra_query": "params", "extra_body": "extra_json"}


@lru_cache(maxsize=8)
def _recipe(create: FunctionType) -> _Recipe | None:
    """How openai's `create` posts; None if it does anything unexpected."""
    named = [name for name in signature(create).parameters if name != "self"]
    given = {name: f"<{name}>" for name in named if name not in (*_EXTRAS, "timeout")}
    extras = {name: {name: "1"} for name in _EXTRAS}
    full = _Recorder.run(create, {**given, **extras, "timeout": 1.5})
    least = _Recorder.run(create, few := {"messages": "<messages>", "model": "<model>"})
    if full is None or least is None:
        return None
    added = {**least["options"]}
    told = {"timeout": 1.5, **{key: extras[name] for name, key in _EXTRAS.items()}}
    common = {"path": _PATH, "cast_to": ChatCompletion, "stream_cls": full.get("stream_cls")}
    expected = [
        {**common, "stream": "<stream>", "body": given, "options": {**added, **told}},
        {**common, "stream": False, "body": few, "options": added},
    ]
    streams = (Stream[ChatCompletionChunk], AsyncStream[ChatCompletionChunk])
    if [full, least] != expected or common["stream_cls"] not in streams:
        return None
    return _Recipe(tuple(full["body"]), added)


class _Recorder:
    """Stands in for a resource, and keeps what its method posts."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []

    def _post(self, path: str, **arguments: Any) -> Any:
        self.posted.append({"path": path, **arguments})
        return _Done()

    @classmethod
    def run(cls, create: Any, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        recorder = cls()
        try:
            outcome = create(recorder, **arguments)
            if hasattr(outcome, "send"):  # a coroutine: nothing in it waits
                outcome.send(None)
        except StopIteration:  # the coroutine's end
            pass
        except Exception:  # noqa: BLE001 - whatever it is, it is not what we know
            return None
        return recorder.posted[0] if len(recorder.posted) == 1 else None


class _Done:
    """What a recorder's `_post` gives back: also something to await."""

    def __await__(self) -> Iterator[Any]:
        return iter(())


def post_arguments(
    resource: Any, create: Any, params: Mapping[str, Any], stream_cls: Any
) -> dict[str, Any] | None:
    """The arguments of `_post` for a call of `create`; None if the stock method must be called.

    Args:
        resource: whose method was called.
        create: the method of openai's class, as it stands there now.
        params: of the call, the model among them.
        stream_cls: of a streamed answer.
    """
    recipe = _recipe(create) if is_stock(create) else None
    client = resource._client  # noqa: SLF001
    if recipe is None or not keeps_hooks(client) or not _posts_by(resource, client):
        return None
    rest = {**params}
    try:
        body = {
            name: _copied(value)
            for name in recipe.names
            if name in params and not isinstance(value := rest.pop(name), (NotGiven, Omit))
        }
        if "messages" not in body:
            return None
        options = _options(rest, recipe)
    except (_NotPlain, RecursionError):
        return None
    if options is None:
        return None
    stream = body.get("stream") or False
    return {
        "path": _PATH,
        "body": _Body(body),
        "options": options,
        "cast_to": ChatCompletion,
        "stream": stream,
        "stream_cls": stream_cls,
    }


def spared(resource: Any, parse: Any, params: Mapping[str, Any]) -> Any:
    """What comes of `parse` with its messages spared the walk; None if it must be called as ever.

    It does more than `create`: it makes a format of a class, and objects of the answer. So it is
    called, but on a resource that puts the messages in when it posts.

    Args:
        resource: whose method was called.
        parse: the method of openai's class, as it stands there now.
        params: of the call, the model among them.
    """
    client = resource._client  # noqa: SLF001
    if not is_stock(parse) or not keeps_hooks(client) or not _posts_by(resource, client):
        return None
    try:
        messages = _copied(params.get("messages"))
    except (_NotPlain, RecursionError):
        return None

    def post(path: str, *, body: Any, **more: Any) -> Any:
        try:
            value = _copied(body)
        except _NotPlain:
            return parse(resource, **params)
        whole = _Body({**value, "messages": messages})
        return resource._post(path, body=whole, **more)  # noqa: SLF001

    stand_in = copy.copy(resource)
    stand_in._post = post  # noqa: SLF001
    return parse(stand_in, **{**params, "messages": []}) if isinstance(messages, list) else None


def _posts_by(resource: Any, client: Any) -> bool:
    """Whether a resource posts by the client's method, and not by somebody's spy."""
    post, kind = resource._post, type(client)  # noqa: SLF001
    own: Any = kind.post
    return getattr(post, "__self__", None) is client and post.__func__ is own


def _options(rest: dict[str, Any], recipe: _Recipe) -> dict[str, Any] | None:
    """The options of what is left of a call's parameters; None for an unknown one."""
    options = {**recipe.options}
    timeout = rest.pop("timeout", openai.NOT_GIVEN)
    if not isinstance(timeout, NotGiven):
        options["timeout"] = timeout
    for name, key in _EXTRAS.items():
        value = rest.pop(name, None)
        if value is not None:
            options[key] = _copied(value) if name == "extra_body" else value
    return None if rest or type(options.get("extra_json", {})) is not dict else options


_ATOMS = frozenset({int, bool, type(None)})


def _copied(value: Any) -> Any:
    """A copy of plain JSON: what the caller changes while a call runs does not change the call.

    Raises:
        _NotPlain: for anything else.
    """
    kind = type(value)
    if kind is dict:
        copied = {}
        for key, item in value.items():
            if type(key) is not str or not key.isascii():
                raise _NotPlain
            copied[key] = item if type(item) is str and item.isascii() else _copied(item)
        return copied
    if kind is list:
        return [_copied(item) for item in value]
    if kind in _ATOMS or (_is_text(value) if kind is str else kind is float and isfinite(value)):
        return value
    raise _NotPlain


def _is_text(value: str) -> bool:
    """Whether UTF-8 can hold a string: half an emoji it cannot, and the stock client raises."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def built_request(client: Any, build: Callable[..., Any], options: Any, retries_taken: int) -> Any:
    """The HTTP request for `options`, as `build`, openai's `_build_request`, makes it.

    The body of a call that took the fast path is not encoded: nothing but the translation reads
    this request, unless somebody looks.
    """
    body = options.json_data
    if not isinstance(body, _Body):
        return build(options, retries_taken=retries_taken)
    options.json_data = body.value
    request = _request(client, build, options, retries_taken)
    outcome, body.outcome = body.outcome, None
    return request if outcome is None else with_outcome(request, outcome)


def _request(client: Any, build: Callable[..., Any], options: Any, retries_taken: int) -> Any:
    value, extra = options.json_data, options.extra_json
    extensions = timeout_extensions(client, options.timeout)
    if extensions is None or not _is_usual(client, options):
        return build(options, retries_taken=retries_taken)
    headers = client._build_headers(options, retries_taken=retries_taken)  # noqa: SLF001
    if headers.get("content-type") != "application/json":  # a form, perhaps
        return build(options, retries_taken=retries_taken)
    base = client.base_url
    url = parsed(base.__class__, f"{str(base).rstrip('/')}/{options.url.lstrip('/')}")
    method = options.method.upper()
    http = client._client  # noqa: SLF001
    request = made(http, method, url, headers=headers.raw, extensions=extensions)
    return with_json(request, {**value, **extra} if extra else value)


def timeout_extensions(client: Any, timeout: Any) -> dict[str, Any] | None:
    """What tells the HTTP client the timeouts of a call, or else those of the openai client.

    Returns:
        None if openai makes something else of them: of an `httpx.Timeout` under openai 3, say.
    """
    timeout = client.timeout if isinstance(timeout, NotGiven) else timeout
    if not isinstance(timeout, _TIMEOUTS):
        return None
    return {"timeout": openai.Timeout(timeout).as_dict()}


_TIMEOUTS = (float, int, openai.Timeout, type(None))
_LOG = logging.getLogger("openai._base_client")


def _is_usual(client: Any, options: Any) -> bool:
    """Whether the base URL and headers alone make the request, so that it can be made here."""
    base, http = client.base_url, client._client  # noqa: SLF001
    return (
        adds_only_headers(http)
        and type(http.base_url) is type(base)  # openai 3 takes an `httpx.Client` too
        and not (options.params or client.default_query or base.query or base.fragment)
        and "_" not in base.host  # openai 2 tells the TLS layer another name for it
        and not _LOG.isEnabledFor(logging.DEBUG)  # to which openai 2 writes the whole body
    )
