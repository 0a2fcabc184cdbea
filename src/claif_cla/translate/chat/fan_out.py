"""`n` answers to one request: as many requests, told as one completion.

Claude gives one answer per request. The first request is sent alone, so that what it teaches or
caches serves the others; those are sent at the same time. All or nothing: an error of one is the
error of all.

Streams are merged as they are read, in turns, each chunk under the index of its answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import Any

from claif_cla.translate.body import read_error
from claif_cla.translate.call import Call
from claif_cla.translate.chat.plan import Plan
from claif_cla.translate.error_body import error_answer
from claif_cla.translate.flow import Answer, Chunk, ChunkFlow, Effect, Flow, Reply, SendAll
from claif_cla.translate.usage import add_usage

__all__ = ["fan_out"]

_One = Callable[[Plan, Reply, Call], Flow]
_SHARED = ("id", "created", "model", "service_tier")


def fan_out(plan: Plan, first: Reply, call: Call, one: _One) -> Flow:
    """The answer of `plan.n` requests, of which `first` is the reply to the one already sent.

    Args:
        plan: of each of them; they are the same.
        first: an opened reply.
        call: the caller's request.
        one: the flow from one opened reply to its answer, whole or streamed.
    """
    others: list[Reply] = yield SendAll((plan.upstream(),) * (plan.n - 1))
    for reply in others:
        if not 200 <= reply.status < 300:
            body = yield from read_error(reply)
            return error_answer(reply.status, reply.headers, body, call.now)
    answers = []
    for reply in (first, *others):
        answer = yield from one(plan, reply, call)
        answers.append(answer)
    bodies = [answer.body for answer in answers]
    told: Any = _merged(bodies) if plan.stream else _joined(bodies)
    lead: Answer = answers[0]
    return Answer(lead.status, lead.headers, told, lead.adaptations, lead.remarks)


def _joined(completions: list[dict[str, Any]]) -> dict[str, Any]:
    choices = [{**body["choices"][0], "index": at} for at, body in enumerate(completions)]
    usage = _total([body["usage"] for body in completions])
    return {**completions[0], "choices": choices, "usage": usage}


def _total(usages: list[Mapping[str, Any]]) -> dict[str, Any]:
    """OpenAI counts the prompt once; what Claude really read is in `claif_total`."""
    total: Mapping[str, Any] = usages[0]
    for usage in usages[1:]:
        total = add_usage(total, usage)
    prompt = usages[0]["prompt_tokens"]
    completion = total["completion_tokens"]
    shown = {"prompt_tokens_details": usages[0]["prompt_tokens_details"], "claif_total": {**total}}
    counted = {"prompt_tokens": prompt, "total_tokens": prompt + completion}
    return {**total, **counted, **shown}


def _merged(flows: list[ChunkFlow]) -> ChunkFlow:
    waiting = deque(enumerate(flows))
    shared: dict[str, Any] = {}
    usages: list[Mapping[str, Any]] = []
    last: Chunk = {}
    while waiting:
        index, flow = waiting.popleft()
        chunk = yield from _next_chunk(flow)
        if chunk is None:
            continue
        if "error" in chunk:
            yield chunk
            return
        shared = shared or {key: chunk[key] for key in _SHARED if key in chunk}
        if chunk["choices"]:
            choice = {**chunk["choices"][0], "index": index}
            yield {**chunk, **shared, "choices": [choice]}
        else:
            last = {**chunk, **shared}
            usages.append(chunk["usage"])
        waiting.append((index, flow))
    if usages:
        yield {**last, "usage": _total(usages)}


def _next_chunk(flow: ChunkFlow) -> Generator[Effect, Any, Chunk | None]:
    """The next chunk of one answer; its other effects are passed on. None at its end."""
    outcome: Any = None
    try:
        while True:
            item = flow.send(outcome)
            if isinstance(item, dict):
                return item
            outcome = yield item
    except StopIteration:
        return None
