"""Conversations of text alone, planned by what was planned for the same parameters before.

A program sends the same parameters with each call, and other messages. What becomes of the
parameters (a table of rules, tools, schemas) is worked out once, on a sample conversation of the
same outline, and kept as a template; a call then only has its messages put into it.

    rest of the request ── seen before? ── template ─┐
    messages ── user and assistant by turns, text ───┴── plan

It changes nothing but the time: whatever is out of the ordinary, and every refusal, goes the whole
way, and a test holds both ways to the same plan.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from claif_cla.catalog.names import Resolution
from claif_cla.errors import Refusal
from claif_cla.translate.call import Call
from claif_cla.translate.chat import size_limits
from claif_cla.translate.chat.plan import ORDER, Plan
from claif_cla.translate.headers import forwarded
from claif_cla.wire import json_text

__all__ = ["MAX_TEMPLATES", "plan_plain"]

MAX_TEMPLATES = 128
"""Bound of the templates of a process; the oldest goes first, and costs its program one whole
plan."""
MAX_SEEN = 4_096
"""Bound of the parameters that are known by their hash, to have a template the next time."""
MAX_PARAMETERS, MAX_KEPT = 64 * 1024, 1024 * 1024
"""Characters of the tools and schemas of one template, and of all that are kept: some megabytes of
memory, and thirty at the worst, for JSON of nothing but brackets."""
MAX_NAMES = 64
"""Fields of a request; both APIs have fewer."""

_Turn: TypeAlias = dict[str, Any]
_Planner: TypeAlias = Callable[[Call, Resolution], Plan]
_SCALARS = (str, int, float, bool, type(None))
_BETA = "anthropic-beta"


class _Conversation(NamedTuple):
    """Messages as Claude's; `spoken`: whether the assistant has said anything."""

    system: list[dict[str, Any]]
    turns: list[_Turn]
    spoken: bool


class _Template(NamedTuple):
    """A plan around the place of its messages.

    Attributes:
        plan: for the sample.
        head, tail: the fields before and behind `system` and `messages`.
        before, after: the same in bytes.
        instructions: the blocks behind the caller's own in `system`.
        size: characters of its parameters.
    """

    plan: Plan
    head: Mapping[str, Any]
    tail: Mapping[str, Any]
    before: bytes
    after: bytes
    instructions: list[dict[str, Any]]
    size: int


_templates: dict[Any, _Template] = {}
_seen: dict[int, None] = {}


def plan_plain(call: Call, found: Resolution, planner: _Planner) -> Plan | None:
    """The plan of a request whose messages are plain text; None where it goes the whole way.

    Args:
        call: the caller's request.
        found: the model that answers.
        planner: plans a call the whole way.
    """
    request, memory = call.request, call.settings.memory
    if type(request) is not dict or found.notes:
        return None
    conversation = _conversation(request.get("messages"))
    if conversation is None or (conversation.spoken and memory is not None and len(memory)):
        return None  # what Claude thought between the texts may be known
    key = _key(call, found, conversation)
    if key is None:
        return None
    template = _templates.get(key)
    if template is None:
        if _is_new(hash(key)):
            return None
        template = _made(call, found, conversation, planner, key)
        if template is None:
            return None
        _keep(_templates, key, template, MAX_TEMPLATES)
        while sum(one.size for one in [*_templates.values()]) > MAX_KEPT:
            _forget(_templates)
    return _filled(template, conversation, call)


def _is_new(parameters: int) -> bool:
    """Whether these were never seen.

    Of parameters that never come again (a label, say, that tells each call from all others), a
    template would cost time and place for nothing.
    """
    if parameters in _seen:
        return False
    _keep(_seen, parameters, None, MAX_SEEN)
    return True


def _conversation(messages: Any) -> _Conversation | None:
    """Messages that are text, in an order that Claude takes; None for all others."""
    if type(messages) is not list or not 0 < len(messages) <= size_limits.MAX_MESSAGES:
        return None
    turns: list[_Turn] = []
    system: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    for message in messages:
        if type(message) is not dict or len(message) != 2:
            return None
        text, role = message.get("content"), message.get("role")
        if type(text) is not str or not text or text.isspace():
            return None
        block = {"type": "text", "text": text}
        if role == "user":
            said.append(block)
        elif role == "assistant" and said:
            turns += ({"role": "user", "content": said}, {"role": "assistant", "content": [block]})
            said = []
        elif role in ("system", "developer") and not said and not turns:
            system.append(block)
        else:
            return None
    if not said:
        return None
    spoken = bool(turns)
    turns.append({"role": "user", "content": said})
    return _Conversation(system, turns, spoken)


def _key(call: Call, found: Resolution, conversation: _Conversation) -> Any:
    """All that a template depends on; None where that cannot be told."""
    request, settings = call.request, call.settings
    if len(request) > MAX_NAMES:
        return None
    parameters: list[Any] = []
    size = 0
    for name, value in request.items():
        if name == "messages":
            continue
        kind: Any = type(value)  # 1, 1.0 and True are equal, and no parameter takes them for one
        if kind not in _SCALARS:
            try:
                value = json.dumps(value)  # noqa: PLW2901 - its place in the key
            except (TypeError, ValueError, RecursionError):  # nothing that came as JSON
                return None
        size += len(value) if type(value) is str else 0
        parameters += (name, kind, value)
    if size > MAX_PARAMETERS:
        return None
    outline = (bool(conversation.system), conversation.spoken)
    mode = (settings.compat, settings.prompt_caching, settings.reasoning, settings.official)
    model = (found.model_id, id(found.info), found.deprecation)  # the template keeps the facts
    return (*parameters, *outline, *mode, *model, call.headers.get(_BETA))


def _made(
    call: Call, found: Resolution, conversation: _Conversation, planner: _Planner, key: Any
) -> _Template | None:
    """The template, from the plan of a sample; None for what is refused."""
    user, answer = {"role": "user", "content": "."}, {"role": "assistant", "content": "."}
    sample = [user, answer, user] if conversation.spoken else [user]
    if conversation.system:
        sample = [{"role": "system", "content": "."}, *sample]
    headers = {_BETA: call.headers[_BETA]} if _BETA in call.headers else {}
    # A copy: what the caller does to their own tools later must not change the template.
    parameters = {
        name: deepcopy(value) for name, value in call.request.items() if name != "messages"
    }
    request = {**parameters, "messages": sample}
    settings = replace(call.settings, memory=None)
    try:
        plan = planner(Call(call.method, call.path, request, settings, headers), found)
    except (Refusal, RecursionError):
        return None
    at = ORDER.index("system")
    head = {name: plan.body[name] for name in ORDER[:at] if name in plan.body}
    beside = (*head, "system", "messages")
    tail = {name: value for name, value in plan.body.items() if name not in beside}
    own = 1 if conversation.system else 0
    return _Template(
        plan,
        head,
        tail,
        json_text.dump_bytes(head)[:-1],
        b"," + json_text.dump_bytes(tail)[1:] if tail else b"}",
        [*plan.body.get("system", ())][own:],
        sum(len(part) for part in key if type(part) is str),
    )


def _keep(place: dict[Any, Any], key: Any, value: Any, most: int) -> None:
    place[key] = value
    while len(place) > most:
        _forget(place)


def _forget(place: dict[Any, Any]) -> None:
    """Forget what was kept first."""
    with suppress(KeyError, StopIteration, RuntimeError):  # another thread does the same
        del place[next(iter(place))]


def _filled(template: _Template, conversation: _Conversation, call: Call) -> Plan | None:
    """The plan with the messages in their place; None where they are too large."""
    plan, turns = template.plan, conversation.turns
    system = [*conversation.system, *template.instructions]
    given = {"system": system, "messages": turns} if system else {"messages": turns}
    middle = json_text.dump_bytes(given)[1:-1]
    data = b"%b,%b%b" % (template.before, middle, template.after)
    if len(data) > size_limits.MAX_BODY_BYTES:
        return None
    headers = {"anthropic-version": plan.headers["anthropic-version"], **forwarded(call.headers)}
    if _BETA in plan.headers:
        headers[_BETA] = plan.headers[_BETA]
    headers["content-type"] = plan.headers["content-type"]
    return Plan(
        {**template.head, **given, **template.tail},
        data,
        headers,
        call.query,
        plan.model,
        plan.tools,
        plan.receipts,
        stream=plan.stream,
        include_usage=plan.include_usage,
        n=plan.n,
        breakpoints=plan.breakpoints,
        insistence=plan.insistence,
        unfence=plan.unfence,
        remarks=plan.remarks,
    )
