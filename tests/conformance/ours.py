"""Choices and extensions of this package; they say nothing about others."""

from __future__ import annotations

import warnings
from typing import Any

from conformance.answers import FOUND, SEARCH
from conformance.bench import HELLO, MID, NEW, OLD, Bench
from conformance.registry import check
from conformance.samples import ASKED, answered, function, user
from loopback import text_block, thinking_block, tool_use_block


def receipts(bench: Bench, **params: Any) -> list[str]:
    """The parameters that have a receipt."""
    return [one["param"] for one in bench.ask(**params).dump.get("adaptations") or []]


PREFILL = {"role": "assistant", "content": "Answer:"}
BUDGET = {"type": "enabled", "budget_tokens": 8000}
FORCED = {"reasoning_effort": "high", "tools": [function()], "tool_choice": "required"}

for label, params, param in (
    ("dropped_sampling", {"model": NEW, "temperature": 0.2}, "temperature"),
    ("penalty", {"frequency_penalty": 1}, "frequency_penalty"),
    ("clamped_temperature", {"temperature": 1.7}, "temperature"),
    ("second_of_two", {"temperature": 0.2, "top_p": 0.9}, "top_p"),
    ("seed", {"seed": 1}, "seed"),
    ("prediction", {"prediction": {"type": "content", "content": "x"}}, "prediction"),
    ("verbosity", {"verbosity": "low"}, "verbosity"),
    ("metadata", {"metadata": {"team": "a"}}, "metadata"),
    ("store", {"store": True}, "store"),
    ("limit", {"max_tokens": 9_999_999}, "max_tokens"),
    ("blank_stop", {"stop": ["\n", "END"]}, "stop"),
    ("day_of_retention", {"prompt_cache_retention": "24h"}, "prompt_cache_retention"),
    ("effort_without_its_level", {"model": MID, "reasoning_effort": "xhigh"}, "reasoning_effort"),
    ("forced_choice_over_thinking", FORCED, "reasoning_effort"),
    ("upgraded_budget", {"model": NEW, "extra_body": {"thinking": BUDGET}}, "thinking"),
    ("prefill", {"model": NEW, "messages": [ASKED, PREFILL]}, "messages"),
):

    @check(f"ours.receipt_for_{label}", ours=True, needs="own")
    def _(bench: Bench, params: dict[str, Any] = params, param: str = param) -> None:
        assert param in receipts(bench, **params)


for label, params in {
    "nothing": {},
    "neutral_sampling": {"model": NEW, "temperature": 1, "top_p": 1},
    "nulls": {"temperature": None, "seed": None, "stop": None},
    "honoured_sampling": {"model": OLD, "temperature": 0.5},
}.items():

    @check(f"ours.no_receipt_for_{label}", ours=True, needs="own")
    def _(bench: Bench, params: dict[str, Any] = params) -> None:
        assert receipts(bench, **params) == []


@check("ours.receipt_stands_on_the_first_chunk", ours=True, needs="own")
def _(bench: Bench) -> None:
    stream = bench.stream(model=NEW, temperature=0.2)
    assert [one["param"] for one in stream.chunks[0]["adaptations"]] == ["temperature"]
    assert not [chunk for chunk in stream.chunks[1:] if chunk.get("adaptations")]


@check("ours.receipt_warns_once", ours=True, needs="own")
def _(bench: Bench) -> None:
    from claif_cla import AdaptationWarning  # noqa: PLC0415  # others are tested without it

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            bench.ask(model=NEW, temperature=0.2)
    assert len([one for one in caught if one.category is AdaptationWarning]) == 1


@check("ours.receipt_stands_in_a_header", ours=True, needs="own")
def _(bench: Bench) -> None:
    caller = bench.subject.caller  # type: ignore[attr-defined]
    create = caller.client.chat.completions.with_raw_response.create
    raw = caller.run(create(model=NEW, messages=HELLO, temperature=0.2))
    assert "temperature" in raw.headers["x-claif-adapted"]


for label, params in {
    "sampling": {"model": NEW, "temperature": 0.2},
    "seed": {"seed": 1},
    "penalty": {"presence_penalty": 1},
    "prefill": {"model": NEW, "messages": [ASKED, PREFILL]},
}.items():

    @check(f"ours.strict_refuses_{label}", ours=True, needs="own")
    def _(bench: Bench, params: dict[str, Any] = params) -> None:
        caller = bench.subject.new(compat="strict")  # type: ignore[attr-defined]
        try:
            caller.create(**{"model": OLD, "messages": HELLO, **params})
        except Exception as error:  # noqa: BLE001  # it is judged here
            bench.is_status(error, 400)
        else:
            raise AssertionError("it was sent")
        assert not bench.requests


for label, params in {
    "logprobs": {"logprobs": True},
    "logit_bias": {"logit_bias": {"1": 5}},
    "audio": {"modalities": ["text", "audio"]},
}.items():

    @check(f"ours.lenient_drops_{label}", ours=True, needs="own")
    def _(bench: Bench, params: dict[str, Any] = params) -> None:
        caller = bench.subject.new(compat="lenient")  # type: ignore[attr-defined]
        answer = caller.create(**{"model": OLD, "messages": HELLO, **params})
        assert {one["param"] for one in answer.adaptations} & set(params)
        bench.legal()


@check("ours.content_blocks_are_the_native_content", ours=True)
def _(bench: Bench) -> None:
    blocks = [thinking_block("x", "S"), text_block("t"), SEARCH, FOUND, tool_use_block("f", {})]
    bench.says(*blocks, stop_reason="tool_use")
    assert bench.ask(tools=[function()]).message["content_blocks"] == blocks


@check("ours.stop_sequence_is_told", ours=True)
def _(bench: Bench) -> None:
    bench.says("x", stop_reason="stop_sequence", stop_sequence="END")
    assert bench.ask(stop="END").choice["stop_sequence"] == "END"


@check("ours.id_contains_claudes", ours=True)
def _(bench: Bench) -> None:
    bench.says("x", id="msg_01A")
    assert bench.ask().dump["id"] == "chatcmpl-msg_01A"


@check("ours.model_may_be_left_out", ours=True, needs="own")
def _(bench: Bench) -> None:
    bench.subject.caller.create(messages=HELLO)  # type: ignore[attr-defined]
    assert bench.sent("model").startswith("claude-sonnet-")


@check("ours.short_names_are_the_newest", ours=True)
def _(bench: Bench) -> None:
    for name in ("opus", "sonnet", "haiku", "fable"):
        bench.ask(model=name)
        assert bench.sent("model").startswith(f"claude-{name}-")


@check("ours.aliases_lead_to_models", ours=True, needs="own")
def _(bench: Bench) -> None:
    caller = bench.subject.new(model_aliases={"gpt-4o": NEW})  # type: ignore[attr-defined]
    caller.create(model="gpt-4o", messages=HELLO)
    assert bench.sent("model") == NEW


@check("ours.unknown_claude_follows_the_newest_rules", ours=True)
def _(bench: Bench) -> None:
    bench.ask(model="claude-opus-9", temperature=0.2)
    assert bench.sent("temperature") is None


@check("ours.foreign_model_gets_its_parameters_as_given", ours=True)
def _(bench: Bench) -> None:
    bench.ask(model="qwen3-coder", temperature=0.2, top_p=0.5)
    assert (bench.sent("temperature"), bench.sent("top_p")) == (0.2, 0.5)
    assert bench.headers["anthropic-version"] == "2023-06-01"


@check("ours.newest_version_without_sampling", ours=True)
def _(bench: Bench) -> None:
    bench.ask()
    assert bench.headers["anthropic-version"] == "2026-10-21"


@check("ours.sampling_the_api_refuses_is_learnt", ours=True)
def _(bench: Bench) -> None:
    from loopback import error_body, json_answer  # noqa: PLC0415

    said = "temperature: Extra inputs are not permitted"
    bench.replies(json_answer(error_body("invalid_request_error", said), status=400))
    assert bench.ask(temperature=0.2).text == "ok"
    assert bench.sent("temperature") is None
    bench.ask(temperature=0.2)
    assert len(bench.requests) == 3, "the lesson was forgotten"


@check("ours.thinking_the_api_refuses_is_left_out", ours=True)
def _(bench: Bench) -> None:
    from loopback import error_body, json_answer  # noqa: PLC0415

    said = "messages.1.content.0: Invalid signature in thinking block"
    bench.replies(json_answer(error_body("invalid_request_error", said), status=400))
    block = thinking_block("x", "S")
    history = [ASKED, {"role": "assistant", "content": "a", "thinking_blocks": [block]}, user("b")]
    assert bench.ask(history, model=NEW).text == "ok"
    assert bench.blocks("thinking") == []


@check("ours.fast_tier_is_fast_speed_where_there_is_one", ours=True)
def _(bench: Bench) -> None:
    bench.ask(model="claude-opus-5-5", service_tier="priority")
    assert bench.sent("speed") == "fast"
    bench.legal()


@check("ours.fast_tier_brings_the_beta_that_the_model_needs", ours=True)
def _(bench: Bench) -> None:
    bench.ask(model="claude-opus-4-8", service_tier="priority")
    assert bench.sent("speed") == "fast"
    assert "fast-mode-2026-02-01" in bench.headers["anthropic-beta"]
    bench.legal()


@check("ours.no_openai_variable_is_read", ours=True, needs="own")
def _(bench: Bench) -> None:
    import os  # noqa: PLC0415

    os.environ["OPENAI_API_KEY"], os.environ["OPENAI_BASE_URL"] = "sk-openai", "http://127.0.0.1:1"
    try:
        caller = bench.subject.new()  # type: ignore[attr-defined]
        caller.create(model=OLD, messages=HELLO)
    finally:
        del os.environ["OPENAI_API_KEY"], os.environ["OPENAI_BASE_URL"]
    assert "sk-openai" not in str(bench.headers)


@check("ours.tool_results_keep_the_order_of_calls", ours=True)
def _(bench: Bench) -> None:
    turns = answered("a", "b")
    bench.ask([*turns[:2], turns[3], turns[2]], tools=[function()])
    assert [one["tool_use_id"] for one in bench.blocks("tool_result")] == ["a", "b"]
