"""A Chat Completions request as a Messages request.

The table is applied first; then what concerns several parameters at once is settled, each
matter in its one place and in the order they depend on each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from claif_cla.catalog.model_info import ModelInfo, lookup
from claif_cla.catalog.names import Resolution, resolve
from claif_cla.errors import Refusal
from claif_cla.translate import checks
from claif_cla.translate.call import Call
from claif_cla.translate.chat import native
from claif_cla.translate.chat.beta_tools import needed_betas
from claif_cla.translate.chat.binding import unfit_thinking
from claif_cla.translate.chat.caching import breakpoints, settle_caching
from claif_cla.translate.chat.containers import settle_container
from claif_cla.translate.chat.context import Context
from claif_cla.translate.chat.limits import STREAM_ABOVE, settle_max_tokens
from claif_cla.translate.chat.params import PARAMS
from claif_cla.translate.chat.plain import plan_plain
from claif_cla.translate.chat.plan import ORDER, Plan
from claif_cla.translate.chat.sampling import settle_sampling
from claif_cla.translate.chat.size_limits import check_bytes
from claif_cla.translate.chat.structured import asks_in_words, settle_format
from claif_cla.translate.chat.thinking import settle_thinking
from claif_cla.translate.chat.tool_choice import settle_tool_choice
from claif_cla.translate.chat.tools import tool_box
from claif_cla.translate.headers import forwarded, merged_betas
from claif_cla.translate.receipts import Receipts
from claif_cla.translate.rules import apply, merge, refuse_unknown
from claif_cla.wire import json_text

if TYPE_CHECKING:
    from claif_cla.translate.chat.lessons import Lesson

__all__ = ["plan_request"]

MAX_ANSWERS = 128
"""OpenAI's bound of `n`."""

_STREAM_OPTIONS = ("include_usage", "include_obfuscation")
"""Obfuscation only pads chunks against listeners on the line; Claude's are not padded."""
_KNOWN = PARAMS.keys() | native.NATIVE
_TOO_DEEP = "The request is nested too deeply."
_HISTORY_TOOL = {"type": "object", "additionalProperties": True}


def plan_request(call: Call, lesson: Lesson | None = None) -> Plan:
    """Translate; the caller's objects are left alone.

    Args:
        call: the caller's request.
        lesson: what the API has taught about the same request.

    Raises:
        Refusal: naming the parameter, for what cannot be sent under the call's `compat`.
    """
    request = checks.mapping(call.request, "body")
    found = _found(call, request, lesson)
    if lesson is None and (plain := plan_plain(call, found, _planned)) is not None:
        return plain
    try:
        plan = _planned(call, found, lesson, lesson.unfit if lesson is not None else frozenset())
        return _refitted(plan, call, found, lesson)
    except RecursionError as error:
        raise Refusal(_TOO_DEEP, param=None, code="invalid_value") from error


def _refitted(plan: Plan, call: Call, found: Resolution, lesson: Lesson | None) -> Plan:
    """The plan without the thinking that is known not to fit, where there is such.

    A caller who says by `block_binding` what becomes of it is taken at their word.
    """
    memory, said = call.settings.memory, "block_binding" in (plan.body.get("thinking") or {})
    if said or not plan.model.binds_thinking or memory is None or not len(memory):
        return plan
    unfit = unfit_thinking(plan.body, memory)
    try:
        return _planned(call, found, lesson, unfit) if unfit else plan
    except Refusal:
        return plan  # `strict`: whether the caller's own blocks fit is for the API to say


def _found(call: Call, request: Mapping[str, Any], lesson: Lesson | None) -> Resolution:
    return resolve(
        request.get("model"),
        aliases=call.settings.model_aliases,
        default=call.settings.default_model,
        official=call.settings.official,
        find=lambda name: _facts(name, call, lesson),
    )


def _planned(
    call: Call,
    found: Resolution,
    lesson: Lesson | None = None,
    unfit: frozenset[str] = frozenset(),
) -> Plan:
    request, receipts = call.request, Receipts(call.settings.compat)
    context = _context(call, request, found, receipts, unfit)
    betas = native.requested_betas(request)
    body = _applied(context)
    betas += _settled(body, context, passes=bool(betas) or "anthropic-beta" in call.headers)
    betas += needed_betas(body, [*betas, *call.headers.get("anthropic-beta", "").split(",")])
    version = settle_sampling(body, context)
    stream, include_usage = _streaming(request, receipts)
    if stream or body["max_tokens"] > STREAM_ABOVE:
        body["stream"] = True
    ordered = {key: body[key] for key in ORDER if key in body}
    ordered |= {key: body[key] for key in sorted(body) if key not in ordered}
    return Plan(
        ordered,
        _encoded(ordered, context),
        _headers(call, version, betas),
        call.query,
        found.info,
        context.tools,
        receipts,
        stream=stream,
        include_usage=include_usage,
        n=_count(request),
        breakpoints=breakpoints(ordered, context),
        insistence=" ".join(context.insistence),
        unfence=asks_in_words(context),
        remarks=(found.deprecation,) if found.deprecation else (),
    )


def _facts(name: str, call: Call, lesson: Lesson | None) -> ModelInfo:
    """The catalogue's facts, as far as the API has not corrected them."""
    info = lookup(name)
    if lesson is not None and lesson.facts.id == info.id:
        return lesson.facts
    learnt = call.settings.lessons.facts(info.id) if call.settings.lessons is not None else None
    return learnt or info


def _encoded(body: Mapping[str, Any], context: Context) -> bytes:
    try:
        data = json_text.dump_bytes(body)
    except ValueError as error:  # nested too deeply, or a number of thousands of digits
        message = f"The request cannot be written as JSON: {error}."
        raise Refusal(message, param=None, code="invalid_value") from error
    check_bytes(data, context)
    return data


def _context(
    call: Call,
    request: Mapping[str, Any],
    found: Resolution,
    receipts: Receipts,
    unfit: frozenset[str],
) -> Context:
    for note in found.notes:
        receipts.adapt(note["param"], f"{note['detail']}.")
    if request.get("messages") is None:
        message = "Missing required parameter: `messages`."
        raise Refusal(message, param="messages", code="missing_required_parameter")
    tools = tool_box(request, receipts, takes_strict=found.info.structured_outputs)
    return Context(request, call.settings, found.model_id, found.info, tools, receipts, unfit=unfit)


def _applied(context: Context) -> dict[str, Any]:
    """The patches of all parameters that are there; null is absent, as with OpenAI."""
    body: dict[str, Any] = {"model": context.model_id}
    if context.tools.definitions:
        body["tools"] = [*context.tools.definitions]
    for name, rule in PARAMS.items():
        value = context.request.get(name)
        if value is not None:
            merge(body, apply(rule, name, value, context, context.receipts))
    return body


def _settled(body: dict[str, Any], context: Context, *, passes: bool) -> list[str]:
    """What concerns several parameters, in the order they depend on each other."""
    settle_tool_choice(body, context)
    _settle_history_tools(body, context)
    settle_max_tokens(body, context)
    betas = native.settle_native(body, context)
    settle_format(body, context)
    settle_thinking(body, context)
    if context.instructions:
        text = " ".join(context.instructions)
        body["system"] = [*body.get("system", ()), {"type": "text", "text": text}]
    pass_on = passes or context.model.family == "foreign"
    native.settle_unknown(body, _KNOWN, context, pass_on=pass_on)
    settle_container(body, context)
    settle_caching(body, context)
    return betas


def _settle_history_tools(body: dict[str, Any], context: Context) -> None:
    """Tools that only the history knows, when the request brings none.

    The API wants tools with messages that hold tool blocks; they are declared so that they can
    be read, and with `none` so that they cannot be called: OpenAI would not call them either.
    """
    if "tools" in body:
        return
    blocks = (block for turn in context.rich_turns for block in turn["content"])
    names = dict.fromkeys(block["name"] for block in blocks if block["type"] == "tool_use")
    if names:
        body["tools"] = [{"name": name, "input_schema": _HISTORY_TOOL} for name in names]
        body["tool_choice"] = {"type": "none"}


def _count(request: Mapping[str, Any]) -> int:
    n = request.get("n")
    return 1 if n is None else checks.integer(n, "n", 1, MAX_ANSWERS)


def _streaming(request: Mapping[str, Any], receipts: Receipts) -> tuple[bool, bool]:
    """Whether the caller wants chunks, and the usage at their end."""
    stream = request.get("stream")
    stream = checks.boolean(stream, "stream") if stream is not None else False
    options = request.get("stream_options")
    if options is None:
        return stream, False
    given = checks.mapping(options, "stream_options")
    refuse_unknown(given, _STREAM_OPTIONS, "stream_options", receipts)
    for name in _STREAM_OPTIONS:
        checks.boolean(given.get(name) or False, f"stream_options.{name}")
    return stream, stream and bool(given.get("include_usage"))


def _headers(call: Call, version: str, betas: list[str]) -> dict[str, str]:
    headers = {"anthropic-version": version, **forwarded(call.headers)}
    merged = merged_betas(headers.get("anthropic-beta"), betas)
    if merged:
        headers["anthropic-beta"] = merged
    headers["content-type"] = "application/json"
    return headers
