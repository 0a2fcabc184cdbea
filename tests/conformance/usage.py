"""Usage: Claude's counts in OpenAI's fields."""

from __future__ import annotations

from typing import Any

from conformance.bench import Bench
from conformance.both_ways import Got, both
from conformance.registry import check
from conformance.stream_order import begin, end, start, stop, text
from loopback import thinking_block, usage_of

ASKING = {"stream_options": {"include_usage": True}}
CACHED = usage_of(100, 15, cache_read_input_tokens=50, cache_creation_input_tokens=20)
THOUGHT = usage_of(10, 800, output_tokens_details={"thinking_tokens": 640})


@both("usage_counts", blocks=["ok"], request=ASKING, usage=usage_of(11, 7))
def _(got: Got) -> None:
    usage = got.usage
    counted = (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"])
    assert counted == (11, 7, 18)


@both("usage_counts_cached_tokens_as_prompt", blocks=["ok"], request=ASKING, usage=CACHED)
def _(got: Got) -> None:
    assert got.usage["prompt_tokens"] == 170
    assert got.usage["total_tokens"] == 185


@both("usage_tells_cached_tokens", blocks=["ok"], request=ASKING, usage=CACHED)
def _(got: Got) -> None:
    assert got.usage["prompt_tokens_details"]["cached_tokens"] == 50


@both("usage_tells_cache_writes", blocks=["ok"], request=ASKING, usage=CACHED)
def _(got: Got) -> None:
    details = got.usage["prompt_tokens_details"]
    written = (details.get("cache_write_tokens"), got.usage.get("cache_creation_input_tokens"))
    assert 20 in written


@both(
    "usage_tells_reasoning_tokens",
    17,
    96,
    blocks=[thinking_block("", "S"), "ok"],
    request=ASKING,
    usage=THOUGHT,
)
def _(got: Got) -> None:
    assert got.usage["completion_tokens"] == 800
    assert got.usage["completion_tokens_details"]["reasoning_tokens"] == 640


@both(
    "usage_guesses_no_reasoning_tokens",
    17,
    96,
    blocks=[thinking_block("a long thought " * 20, "S"), "ok"],
    request=ASKING,
    usage=usage_of(10, 100),
)
def _(got: Got) -> None:
    details = got.usage.get("completion_tokens_details") or {}
    assert not details.get("reasoning_tokens"), "Claude gave no figure"


@both(
    "usage_tells_searches",
    94,
    blocks=["ok"],
    request=ASKING,
    usage=usage_of(11, 7, server_tool_use={"web_search_requests": 2, "web_fetch_requests": 0}),
)
def _(got: Got) -> None:
    found = got.usage.get("server_tool_use") or got.usage.get("prompt_tokens_details") or {}
    assert found.get("web_search_requests") == 2


@both(
    "usage_takes_nulls",
    blocks=["ok"],
    request=ASKING,
    usage=usage_of(5, 2, cache_read_input_tokens=None, cache_creation_input_tokens=None),
)
def _(got: Got) -> None:
    assert (got.usage["prompt_tokens"], got.usage["completion_tokens"]) == (5, 2)


def counted(bench: Bench, start_usage: dict[str, Any], *deltas: dict[str, Any]) -> tuple[int, int]:
    """Prompt and completion tokens of a stream with these usages."""
    opening = begin()
    opening["message"]["usage"] = start_usage
    between = [{"type": "message_delta", "delta": {}, "usage": one} for one in deltas[:-1]]
    body = [start(0, "text", text=""), text(0, "ok"), *stop(0)]
    bench.events(opening, *body, *between, *end("end_turn", **deltas[-1]))
    usage = bench.stream(**ASKING).usage
    return usage["prompt_tokens"], usage["completion_tokens"]


BOTH = {"input_tokens": 100, "cache_read_input_tokens": 50}


@check("usage.stream_is_cumulative_not_summed", 93)
def _(bench: Bench) -> None:
    made = counted(bench, {**BOTH, "output_tokens": 1}, {**BOTH, "output_tokens": 15})
    assert made == (150, 15)


@check("usage.last_of_two_deltas_wins", 93)
def _(bench: Bench) -> None:
    first, last = {**BOTH, "output_tokens": 9}, {**BOTH, "output_tokens": 15}
    assert counted(bench, {**BOTH, "output_tokens": 1}, first, last) == (150, 15)


@check("usage.fields_missing_from_the_delta_stay", 93)
def _(bench: Bench) -> None:
    assert counted(bench, {**BOTH, "output_tokens": 1}, {"output_tokens": 15}) == (150, 15)


@check("usage.only_in_the_delta_counts", 94)
def _(bench: Bench) -> None:
    grown = {"input_tokens": 2679, "cache_read_input_tokens": 0, "output_tokens": 510}
    assert counted(bench, {"input_tokens": 0, "output_tokens": 0}, grown) == (2679, 510)


@check("usage.stream_equals_whole")
def _(bench: Bench) -> None:
    made = []
    for streamed in (True, False):
        bench.says("ok", usage=CACHED)
        got: Got = bench.stream(**ASKING) if streamed else bench.ask()
        made.append([got.usage[key] for key in ("prompt_tokens", "completion_tokens")])
    assert made[0] == made[1]


@check("usage.service_tier_is_told")
def _(bench: Bench) -> None:
    assert bench.ask().dump.get("service_tier") in ("default", None)
