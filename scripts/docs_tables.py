"""Print the tables of the documentation from the code, between the marks that its pages hold.

    python scripts/docs_tables.py            # which pages are behind
    python scripts/docs_tables.py --write    # bring them up to date

Marks: `<!-- table: NAME -->` and `<!-- end -->`, NAME being one of `TABLES`. What a table says of
an outcome is what came out of the client on the simulator.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import openai

from claif_cla import ClaudeClient
from claif_cla.backends.simulator import SimulatorBackend
from claif_cla.catalog.model_info import ModelInfo, active_models, all_models, newest_of_line
from claif_cla.catalog.names import SHORT_NAMES
from claif_cla.gateway.app import build
from claif_cla.gateway.config import load
from claif_cla.gateway.config.reference import reference
from claif_cla.gateway.openapi import HEADERS
from claif_cla.gateway.seen.reference import (
    log_reference,
    metrics_reference,
    otel_metrics_reference,
    spans_reference,
)
from claif_cla.translate.chat.efforts import EFFORTS
from claif_cla.translate.chat.reasoning import ReasoningPatch, reasoning_patch
from claif_cla.translate.error_body import STATUS_OF_TYPE

__all__ = ["CASES", "HELLO", "TABLES", "with_tables"]

DOCS = Path(__file__).resolve().parent.parent / "docs"
HELLO = [{"role": "user", "content": "Hello"}]
_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)


def thinking_table() -> str:
    rows: dict[tuple[str, ...], list[str]] = {}
    for model in active_models():
        by_effort = {
            effort: _thought(
                reasoning_patch(effort, model, model.max_output_tokens, wants_text=True),
                model,
            )
            for effort in EFFORTS
        }
        unasked = "does not think"
        if model.thinking.default == "adaptive":
            unasked = f"thinks, effort {model.default_effort}"
        levels = [by_effort[effort] for effort in EFFORTS if effort not in ("none", "minimal")]
        shared = levels[0].partition(" ")[0]
        together = f"{shared} " + ", ".join(level.removeprefix(f"{shared} ") for level in levels)
        row = (unasked, by_effort["none"], by_effort["minimal"], together)
        rows.setdefault(row, []).append(f"`{model.id}`")
    head = ["models", "nothing said", "`none`", "`minimal`", "`low` … `max`"]
    return markdown(head, [[", ".join(names), *row] for row, names in rows.items()])


def _thought(patch: ReasoningPatch, model: ModelInfo) -> str:
    thinking = patch.thinking or {"type": model.thinking.default}
    if thinking["type"] == "enabled":
        effort = f" ({patch.effort})" if patch.effort else ""
        return f"budget {thinking['budget_tokens']}{effort}"
    if thinking["type"] in ("off", "disabled"):
        return "off"
    between = "between tools only, " if thinking["type"] == "between_tools" else ""
    return f"{between}effort {patch.effort}"


def models_table() -> str:
    short = {newest_of_line(name).id: f"`{name}`" for name in SHORT_NAMES}
    sampling = {"none": "–", "one_of": "one of two", "any": "yes"}
    rows = [
        [
            f"`{model.id}`",
            short.get(model.id, ""),
            f"{model.context_window // 1000}k",
            f"{model.max_output_tokens // 1000}k",
            sampling[model.sampling],
            *map(
                _yes,
                (
                    model.forced_tool_choice,
                    model.mid_conversation_system,
                    model.prefill,
                    model.structured_outputs,
                ),
            ),
            model.lifecycle + (", restricted" if model.restricted else ""),
        ]
        for model in active_models()
    ]
    head = ["id", "short", "context", "output", "`temperature`, `top_p`", "forced tools"]
    head += ["system inside", "prefill", "schemas", "lifecycle"]
    return markdown(head, rows)


def _yes(fact: object) -> str:
    return "yes" if fact else "–"


def retired_table() -> str:
    rows = [
        [f"`{model.id}`", str(model.retires_at), f"`{model.replacement}`"]
        for model in all_models()
        if model.lifecycle == "retired"
    ]
    return markdown(["retired", "on", "answered by"], rows)


def errors_table() -> str:
    rows = []
    for kind, status in STATUS_OF_TYPE.items():
        error = _failure(f"{status}", retries=0)
        # One failure: an answer comes after it exactly where the SDK tries again.
        again = _failure(f"{status};times=1;retry-after=0.001", retries=1) is None
        name = f"`{type(error).__name__}`"
        code = f"`{error.code}`" if error.code else "–"
        rows.append([str(status), f"`{kind}`", name, code, "yes" if again else "no"])
    return markdown(["status", "Claude's type", "exception", "`code`", "tried again"], rows)


def _failure(faults: str, *, retries: int) -> Any:
    backend = SimulatorBackend(faults=faults)
    with ClaudeClient(backend=backend, max_retries=retries) as client:
        try:
            client.chat.completions.create(messages=HELLO)
        except openai.APIStatusError as error:
            return error
    return None


_ONE_TOOL = [{"type": "function", "function": {"name": "look_up", "strict": False}}]
_GRAMMAR = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "[a-z]+"}}
_FREE_TOOL = [{"type": "custom", "custom": {"name": "run", "format": _GRAMMAR}}]
_NODE = {"type": "object", "properties": {"next": {"$ref": "#"}}}
_RECURSIVE = {"type": "json_schema", "json_schema": {"name": "node", "schema": _NODE}}
_OBJECT = {"type": "object", "properties": {"age": {"type": "integer"}}}
_WHOLE = {"type": "json_schema", "json_schema": {"name": "ages", "schema": _OBJECT}}
_CITED = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "x"},
    "citations": {"enabled": True},
}
_AGE = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}}
_FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "schema": _AGE}}
_IMAGE = {"type": "image_url", "image_url": {"url": "https://e.x/a.png", "detail": "low"}}
_AUDIO = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
_VIDEO = {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}
_ODD = {"type": "hologram", "hologram": "x"}
_SPOKEN = {"role": "assistant", "content": "Hi", "audio": {"id": "audio_1"}}
_KEPT = {"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}
_STRAY = {"role": "tool", "tool_call_id": "call_1", "content": "12 °C"}
_LAST = {"role": "assistant", "content": "Once upon"}

CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("`logprobs=True`", {"logprobs": True}),
    ("`top_logprobs=3`", {"top_logprobs": 3}),
    ('`logit_bias={"50256": -100}`', {"logit_bias": {"50256": -100}}),
    ('`modalities=["text", "audio"]`', {"modalities": ["text", "audio"]}),
    ("`moderation={…}`", {"extra_body": {"moderation": {"model": "omni-moderation-latest"}}}),
    ("a part of type `input_audio`", {"messages": [{"role": "user", "content": [_AUDIO]}, *HELLO]}),
    ("a part of type `video_url`", {"messages": [{"role": "user", "content": [_VIDEO]}, *HELLO]}),
    ("a part that nobody knows", {"messages": [{"role": "user", "content": [_ODD]}, *HELLO]}),
    ("`audio` of an assistant's message", {"messages": [*HELLO, _SPOKEN, *HELLO]}),
    ("a tool result without its call", {"messages": [*HELLO, _STRAY]}),
    ("a parameter that nobody knows", {"extra_body": {"temprature": 1}}),
    (
        "an option that nobody knows",
        {"stream_options": {"include_useage": True}, "stream": False},
    ),
    ("`frequency_penalty=1`", {"frequency_penalty": 1}),
    ("`presence_penalty=1`", {"presence_penalty": 1}),
    ('`verbosity="low"`', {"verbosity": "low"}),
    ('`response_format={"type": "json_object"}`', {"response_format": {"type": "json_object"}}),
    ("`response_format` with `minimum`", {"response_format": _FORMAT}),
    ("`response_format` with a recursive schema", {"response_format": _RECURSIVE}),
    (
        "`response_format` beside a document with citations",
        {"response_format": _WHOLE, "messages": [{"role": "user", "content": [_CITED]}]},
    ),
    ('`tool_choice="required"`', {"tools": _ONE_TOOL, "tool_choice": "required"}),
    ("a custom tool with a grammar", {"tools": _FREE_TOOL}),
    ('`reasoning_effort="none"`', {"reasoning_effort": "none"}),
    ('`user="ann@example.com"`', {"user": "ann@example.com"}),
    ('`prompt_cache_retention="24h"`', {"extra_body": {"prompt_cache_retention": "24h"}}),
    (
        '`web_search_options={"search_context_size": "low"}`',
        {"web_search_options": {"search_context_size": "low"}},
    ),
    ("a last message of the assistant", {"messages": [*HELLO, _LAST]}),
    ("`max_tokens=1_000_000`", {"max_tokens": 1_000_000}),
    ("`temperature=0.2`", {"temperature": 0.2}),
    ("`top_p=0.9`", {"top_p": 0.9}),
    ("`seed=7`", {"seed": 7}),
    ("`store=True`", {"store": True}),
    ('`metadata={"team": "a"}`', {"metadata": {"team": "a"}}),
    ("`audio={…}` without its modality", {"audio": {"voice": "alloy", "format": "wav"}}),
    ("`prediction={…}`", {"prediction": {"type": "content", "content": "x"}}),
    ('`service_tier="flex"` or `"scale"`', {"service_tier": "flex"}),
    ('`service_tier="fast"` or `"priority"`', {"service_tier": "priority"}),
    ("`max_tokens` beside another limit", {"max_tokens": 5, "max_completion_tokens": 6}),
    ("`user` beside another label", {"user": "u", "safety_identifier": "v"}),
    (
        "five of OpenAI's cache breakpoints",
        {"messages": [{"role": "user", "content": [_KEPT] * 5}]},
    ),
    ("`name` of a message", {"messages": [{"role": "user", "content": "Hello", "name": "ann"}]}),
    ("an unknown field of a message", {"messages": [{**HELLO[0], "mood": "good"}]}),
    ("an image with `detail` `low`", {"messages": [{"role": "user", "content": [_IMAGE]}]}),
    ("`stop` of white space", {"stop": ["\n"]}),
)
"""What a page shows of each mode: the request, told and made."""


def refused_table() -> str:
    modes = ("strict", "adapt", "lenient")
    rows = []
    for shown, request in CASES:
        outcomes = [_outcome(request, mode) for mode in modes]
        rows.append([shown, *(what for what, _ in outcomes), outcomes[-1][1]])
    return markdown(["you send", *(f"`{mode}`" for mode in modes), "because"], rows)


def _outcome(request: dict[str, Any], compat: Any) -> tuple[str, str]:
    with ClaudeClient(backend="simulator", compat=compat) as client:
        try:
            answer = client.chat.completions.create(**{"messages": HELLO, **request})
        except openai.BadRequestError as error:
            return "refused", str(error.message)
    receipt = answer.model_dump()["adaptations"][0]
    return receipt["action"], receipt["detail"].replace("|", "\\|")


def gateway_metrics_table() -> str:
    """Those of a whole gateway: some are registered by its app."""
    with tempfile.TemporaryDirectory() as folder:
        files = {"keys.file": f"{folder}/keys.db", "ledger.file": f"{folder}/ledger.db"}
        flags = {**files, "upstream.backend": "simulator", "metrics.per_key": True}
        app = build(load(None, {}, flags))
        try:
            return metrics_reference(app.parts.seen.metrics)
        finally:
            asyncio.run(app.shutdown())


def gateway_headers_table() -> str:
    return markdown(["header", "meaning"], [[f"`{name}`", told] for name, told in HEADERS.items()])


TABLES = {
    "thinking": thinking_table,
    "models": models_table,
    "retired": retired_table,
    "errors": errors_table,
    "refused": refused_table,
    "gateway": reference,
    "gateway_metrics": gateway_metrics_table,
    "gateway_log": log_reference,
    "gateway_spans": spans_reference,
    "gateway_otel_metrics": otel_metrics_reference,
    "gateway_headers": gateway_headers_table,
}


def with_tables(text: str) -> str:
    """The text with each table in its place."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _MARKED.sub(lambda m: f"{m[1]}\n{TABLES[m[2]]()}\n{m[3]}", text)


if __name__ == "__main__":
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if with_tables(text) != text:
            print(page.name)
            if "--write" in sys.argv[1:]:
                page.write_text(with_tables(text), encoding="utf-8")
