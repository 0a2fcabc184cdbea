"""The content of an answer before limits: blocks as the simulator would write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from claif_cla.backends.simulator.conversation import last_user_text, trailing_assistant
from claif_cla.backends.simulator.ids import make_id
from claif_cla.backends.simulator.programs import (
    caller_of,
    container_of,
    needs_program,
    program_call,
    program_result,
    runs_code,
    waiting_program,
)
from claif_cla.backends.simulator.rules.check import ValidRequest
from claif_cla.backends.simulator.rules.tools import output_format
from claif_cla.backends.simulator.rules.turns import ends_unfinished
from claif_cla.backends.simulator.samples.instances import make_instance
from claif_cla.backends.simulator.server_tools import (
    SEARCH,
    server_call,
    server_result,
    server_steps,
    tool_of_server,
)
from claif_cla.backends.simulator.signatures import Signer, prefix_digest
from claif_cla.backends.simulator.sources import cited_blocks
from claif_cla.backends.simulator.tokens import count_text
from claif_cla.backends.simulator.told import told_json, told_schema
from claif_cla.backends.simulator.tool_calls import wanted_calls
from claif_cla.backends.simulator.triggers import Triggers
from claif_cla.backends.simulator.wording import INTRODUCTION, answer_text, thinking_text
from claif_cla.wire.json_text import dump_text

__all__ = ["Draft", "draft_answer"]

_INTERLEAVED_BETA = "interleaved-thinking-2025-05-14"


@dataclass(slots=True)
class Draft:
    """An answer in the making.

    Attributes:
        blocks: content blocks.
        stop_reason: why it ends, if no limit ends it sooner.
        stop_details: of a refusal.
        thinking_tokens: what thinking costs, shown or not.
        container: what ran code, if anything did.
        whole: whether it is a program's further calls, which are streamed in one event.
    """

    blocks: list[dict[str, Any]] = field(default_factory=list)
    stop_reason: str = "end_turn"
    stop_details: dict[str, Any] | None = None
    thinking_tokens: int = 0
    container: dict[str, Any] | None = None
    whole: bool = False

    def uses(self, tool: str) -> int:
        """How many results of this server tool it holds."""
        return [block["type"] for block in self.blocks].count(f"{tool}_tool_result")


def draft_answer(request: ValidRequest, signer: Signer, seed: bytes) -> Draft:
    """What the simulator answers, if nothing cuts it short.

    Args:
        request: a request that broke no rule.
        signer: signs its thinking.
        seed: bytes that stand for the request; all ids derive from them.
    """
    text = last_user_text(request.turns)
    triggers = Triggers.read(text)
    draft = Draft()
    if request.payload.get("max_tokens") == 0 or triggers.empty:
        return draft
    if triggers.refusal:
        return _refused(draft, triggers)
    calls = wanted_calls(request)
    program = waiting_program(request.turns)
    if program is not None and calls:
        draft.whole = True
        _call(draft, request, calls, seed, program)
    elif not _resumes_or_pauses(draft, request, triggers, seed):
        _think(draft, request, signer, seed, triggers)
        if calls:
            _call(draft, request, calls, seed)
        elif program is not None:
            draft.blocks.append(program_result(program, request.turns))
            draft.blocks.append(_text(answer_text(request, triggers.words)))
        else:
            _write(draft, request, text, triggers, seed)
    if draft.whole or any(map(runs_code, draft.blocks)):
        draft.container = container_of(request.payload, seed)
    return draft


def _write(draft: Draft, request: ValidRequest, text: str, triggers: Triggers, seed: bytes) -> None:
    """The visible answer: structured where a format is asked for, searched, or plain."""
    wanted = output_format(request.payload)
    if wanted is not None:
        draft.blocks.append(_text(dump_text(make_instance(wanted["schema"]))))
    elif told_json(request):
        schema = told_schema(request)
        said = {"answer": answer_text(request, triggers.words)}
        draft.blocks.append(_text(dump_text(make_instance(schema) if schema else said)))
    elif request.turns[-1].role == "user" and (tool := tool_of_server(request, text)):
        draft.blocks += server_steps(tool, text, seed)
    else:
        draft.blocks.append(_text(answer_text(request, triggers.words)))
        draft.blocks += cited_blocks(request.turns)


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _refused(draft: Draft, triggers: Triggers) -> Draft:
    if triggers.late:
        draft.blocks.append(_text(f"{INTRODUCTION} It begins to answer and then"))
    draft.stop_reason = "refusal"
    draft.stop_details = {
        "type": "refusal",
        "category": triggers.category,
        "explanation": "The simulator refuses because the text asked it to.",
    }
    return draft


def _resumes_or_pauses(
    draft: Draft, request: ValidRequest, triggers: Triggers, seed: bytes
) -> bool:
    """A turn that pauses leaves a server tool's call open; resumed, it brings the result."""
    before = trailing_assistant(request.turns)
    resumed = bool(before) and ends_unfinished(request.turns)
    if not triggers.pauses or (before and not resumed):
        return False
    calls = [block for block in before if block["type"] == "server_tool_use"]
    answered = {block.get("tool_use_id") for block in before}
    for call in calls:
        if call["id"] not in answered:
            draft.blocks.append(server_result(call))
    if len(calls) >= triggers.pauses:
        often = "once" if len(calls) == 1 else f"{len(calls)} times"
        draft.blocks.append(_text(f"{INTRODUCTION} It paused {often} and is done."))
        return True
    part = len(calls) + 1
    draft.blocks.append(_text(f"{INTRODUCTION} Part {part}, then a pause."))
    draft.blocks.append(server_call(tool_of_server(request) or SEARCH, f"part {part}", seed))
    draft.stop_reason = "pause_turn"
    return True


def _think(
    draft: Draft, request: ValidRequest, signer: Signer, seed: bytes, triggers: Triggers
) -> None:
    config = request.payload.get("thinking") or {}
    if not _thinks(request, config):
        return
    text = thinking_text(request)
    display = config.get("display") or request.model.thinking.display
    shown = "" if display == "omitted" else text
    turns = request.turns[:-1] if trailing_assistant(request.turns) else request.turns
    prefix = prefix_digest(request.payload, turns)
    if triggers.redacted:
        data = signer.sign("", prefix, seed[::-1])
        draft.blocks.append({"type": "redacted_thinking", "data": data})
    signature = signer.sign(shown, prefix, seed)
    draft.blocks.append({"type": "thinking", "thinking": shown, "signature": signature})
    draft.thinking_tokens = count_text(text)


def _thinks(request: ValidRequest, config: Mapping[str, Any]) -> bool:
    kind = config.get("type") or ("adaptive" if request.model.thinking.default != "off" else None)
    after_results = any(block["type"] == "tool_result" for block in request.turns[-1].blocks)
    if kind == "enabled":
        # Without interleaving, a turn thinks once, before its first tool call.
        interleaved = _INTERLEAVED_BETA in request.betas
        return interleaved or not after_results
    if kind == "between_tools":
        return after_results
    return kind == "adaptive"


def _call(
    draft: Draft,
    request: ValidRequest,
    calls: list[tuple[str, Any]],
    seed: bytes,
    program: str | None = None,
) -> None:
    names = [name for name, _ in calls]
    forced = (request.payload.get("tool_choice") or {}).get("type") in ("any", "tool")
    if not forced and program is None:
        draft.blocks.append(_text(f"{INTRODUCTION} I call {' and '.join(names)}."))
    if program is None and needs_program(request, names):
        draft.blocks.append(program_call(names, seed))
        program = draft.blocks[-1]["id"]
    for index, (name, value) in enumerate(calls):
        draft.blocks.append(
            {
                "type": "tool_use",
                "id": make_id("toolu", seed, str(index).encode()),
                "name": name,
                "input": value,
                "caller": caller_of(request, program),
            }
        )
    draft.stop_reason = "tool_use"
