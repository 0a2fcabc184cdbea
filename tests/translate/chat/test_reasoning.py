"""`reasoning_effort` and native `thinking` against the facts about models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.catalog.model_info import ModelInfo, Thinking, all_models, lookup
from claif_cla.errors import Refusal
from claif_cla.translate.chat.reasoning import (
    EFFORTS,
    ReasoningPatch,
    native_thinking,
    reasoning_patch,
)

FIVE = ("low", "medium", "high", "xhigh", "max")


def model(
    types: str, default: Any = "off", levels: tuple[str, ...] = FIVE, display: Any = "omitted"
) -> ModelInfo:
    return ModelInfo(
        id="m",
        display_name="M",
        thinking=Thinking(frozenset(types.split()), default, display),
        effort_levels=levels,
        default_effort="high" if levels else None,
    )


ALWAYS = model("adaptive", "adaptive")
BETWEEN = model("adaptive between_tools", "adaptive")
DEFAULT_ON = model("adaptive disabled", "adaptive")
ON_DEMAND = model("adaptive disabled")
BOTH = model(
    "adaptive enabled disabled", levels=("low", "medium", "high", "max"), display="summarized"
)
BUDGETED = model("enabled disabled", levels=("low", "medium", "high"), display="summarized")
BUDGET_ONLY = replace(
    model("enabled disabled", levels=(), display="summarized"), max_output_tokens=64_000
)
THOUGHTLESS = model("", levels=(), display=None)
FOREIGN = replace(ON_DEMAND, family="foreign")

OFF = {"type": "disabled"}
BETWEEN_TOOLS = {"type": "between_tools"}
ADAPTIVE = {"type": "adaptive"}


def patch(
    effort: Any, of: ModelInfo, max_tokens: int = 32_000, given: bool = True, text: bool = False
) -> ReasoningPatch:
    return reasoning_patch(effort, of, max_tokens, given, text)


def budget(tokens: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": tokens}


@pytest.mark.parametrize(
    ("of", "effort", "thinking", "level", "noted"),
    [
        (ALWAYS, "none", None, "low", True),
        (ALWAYS, "minimal", None, "low", True),
        (ALWAYS, "low", None, "low", False),
        (ALWAYS, "xhigh", None, "xhigh", False),
        (ALWAYS, "max", None, "max", False),
        (BETWEEN, "none", BETWEEN_TOOLS, "low", True),
        (BETWEEN, "minimal", BETWEEN_TOOLS, "low", True),
        (BETWEEN, "low", None, "low", False),
        (BETWEEN, "max", None, "max", False),
        (DEFAULT_ON, "none", OFF, None, False),
        (DEFAULT_ON, "minimal", None, "low", True),
        (DEFAULT_ON, "high", None, "high", False),
        (ON_DEMAND, "none", OFF, None, False),
        (ON_DEMAND, "minimal", ADAPTIVE, "low", True),
        (ON_DEMAND, "medium", ADAPTIVE, "medium", False),
        (ON_DEMAND, "max", ADAPTIVE, "max", False),
        (BOTH, "none", OFF, None, False),
        (BOTH, "high", ADAPTIVE, "high", False),
        (BOTH, "xhigh", ADAPTIVE, "max", True),
        (BUDGETED, "none", OFF, None, False),
        (BUDGETED, "minimal", budget(1024), "low", False),
        (BUDGETED, "low", budget(2048), "low", False),
        (BUDGETED, "medium", budget(8192), "medium", False),
        (BUDGETED, "high", budget(16_384), "high", False),
        (BUDGETED, "xhigh", budget(27_904), "high", True),
        (BUDGET_ONLY, "minimal", budget(1024), None, False),
        (BUDGET_ONLY, "high", budget(16_384), None, False),
        (THOUGHTLESS, "none", None, None, False),
        (THOUGHTLESS, "high", None, None, True),
        (model("", levels=("low", "high")), "medium", None, "high", True),
        (model("adaptive", levels=()), "high", ADAPTIVE, None, True),
        (FOREIGN, "none", OFF, None, False),
        (FOREIGN, "minimal", budget(1024), "low", True),
        (FOREIGN, "high", budget(16_384), "high", False),
    ],
)
def test_effort_becomes_what_the_model_takes(
    of: ModelInfo, effort: str, thinking: Any, level: str | None, noted: bool
) -> None:
    result = patch(effort, of)

    assert (result.thinking, result.effort, bool(result.notes)) == (thinking, level, noted)
    assert result.max_tokens is None


@pytest.mark.parametrize("of", [ALWAYS, ON_DEMAND, BUDGETED, THOUGHTLESS, FOREIGN])
def test_an_absent_effort_sends_nothing(of: ModelInfo) -> None:
    assert patch(None, of) == ReasoningPatch()


@pytest.mark.parametrize("effort", ["extreme", "", "HIGH", 3, ["high"]])
def test_an_unknown_effort_is_refused_with_the_known_ones(effort: Any) -> None:
    with pytest.raises(Refusal, match="none, minimal, low, medium, high, xhigh, max") as caught:
        patch(effort, ALWAYS)

    assert (caught.value.param, caught.value.code) == ("reasoning_effort", "invalid_value")


@pytest.mark.parametrize(
    ("of", "effort", "thinking"),
    [
        (ALWAYS, None, {**ADAPTIVE, "display": "summarized"}),
        (ALWAYS, "none", {**ADAPTIVE, "display": "summarized"}),
        (ALWAYS, "high", {**ADAPTIVE, "display": "summarized"}),
        (ON_DEMAND, None, None),
        (ON_DEMAND, "none", OFF),
        (ON_DEMAND, "high", {**ADAPTIVE, "display": "summarized"}),
        (BETWEEN, "none", BETWEEN_TOOLS),
        (BOTH, "high", ADAPTIVE),
        (BUDGETED, "low", budget(2048)),
        (THOUGHTLESS, "high", None),
    ],
)
def test_readable_thinking_is_asked_for_where_it_would_be_omitted(
    of: ModelInfo, effort: str | None, thinking: Any
) -> None:
    assert patch(effort, of, text=True).thinking == thinking


@pytest.mark.parametrize(
    ("max_tokens", "tokens"),
    [(1025, 1024), (2048, 1024), (4096, 3072), (8192, 6144), (20_000, 15_904), (20_480, 16_384)],
)
def test_a_budget_leaves_room_for_the_answer(max_tokens: int, tokens: int) -> None:
    result = patch("high", BUDGET_ONLY, max_tokens)

    assert result.thinking == budget(tokens)
    assert result.max_tokens is None
    assert bool(result.notes) is (tokens < 16_384)


@pytest.mark.parametrize("max_tokens", [1, 100, 1024])
def test_thinking_is_skipped_where_not_even_the_smallest_budget_fits(max_tokens: int) -> None:
    result = patch("low", BUDGETED, max_tokens)

    assert (result.thinking, result.effort) == (None, "low")
    assert "leaves no room for thinking" in result.notes[0]


def test_our_own_default_of_max_tokens_makes_room_for_the_whole_budget() -> None:
    result = patch("max", BUDGET_ONLY, 8192, given=False)

    assert (result.thinking, result.max_tokens, result.notes) == (budget(32_768), 40_960, ())


def test_the_raised_max_tokens_stays_within_the_models_limit() -> None:
    small = replace(BUDGET_ONLY, max_output_tokens=16_000)

    result = patch("max", small, 8192, given=False)

    assert (result.thinking, result.max_tokens) == (budget(12_000), 16_000)
    assert result.notes


def test_a_foreign_server_gets_no_budget_that_does_not_fit() -> None:
    result = patch("high", FOREIGN, 512)

    assert (result.thinking, result.effort) == (None, "high")
    assert result.notes


# Native thinking


@pytest.mark.parametrize(
    ("thinking", "of"),
    [
        ({"type": "adaptive", "display": "omitted"}, ALWAYS),
        (budget(5000), BUDGETED),
        ({**budget(5000), "display": "summarized"}, BOTH),
        (OFF, ON_DEMAND),
        (BETWEEN_TOOLS, BETWEEN),
        ({"type": "of_the_future", "depth": 3}, ALWAYS),
        (budget(10), FOREIGN),
    ],
)
def test_a_type_that_the_model_takes_passes_verbatim(
    thinking: dict[str, Any], of: ModelInfo
) -> None:
    assert native_thinking(thinking, of) == (thinking, None, ())


def test_no_thinking_is_nothing() -> None:
    assert native_thinking(None, ALWAYS) == (None, None, ())


@pytest.mark.parametrize(
    ("tokens", "level"),
    [
        (1024, "low"),
        (4000, "low"),
        (8000, "medium"),
        (10_000, "medium"),
        (16_384, "high"),
        (31_999, "xhigh"),
        (100_000, "xhigh"),
    ],
)
def test_a_budget_on_an_adaptive_model_becomes_an_effort(tokens: int, level: str) -> None:
    given = {**budget(tokens), "display": "summarized"}

    thinking, effort, notes = native_thinking(given, ON_DEMAND)

    assert (thinking, effort) == ({"type": "adaptive", "display": "summarized"}, level)
    assert str(tokens) in notes[0]
    assert given["budget_tokens"] == tokens


@pytest.mark.parametrize(
    ("given", "of", "thinking", "effort", "noted"),
    [
        (OFF, ALWAYS, None, "low", True),
        (OFF, BETWEEN, BETWEEN_TOOLS, "low", True),
        (OFF, model("enabled"), None, None, False),
        (OFF, THOUGHTLESS, None, None, False),
        (ADAPTIVE, THOUGHTLESS, None, None, True),
        (ADAPTIVE, BUDGETED, budget(1024), None, True),
        (BETWEEN_TOOLS, ALWAYS, ADAPTIVE, "low", True),
        (BETWEEN_TOOLS, BUDGET_ONLY, budget(1024), None, True),
        (ADAPTIVE, model("disabled"), None, None, True),
        (budget(2000), model("disabled"), None, None, True),
        (budget(2000), model("adaptive", levels=()), ADAPTIVE, None, True),
    ],
)
def test_a_type_that_the_model_refuses_becomes_the_nearest(
    given: dict[str, Any], of: ModelInfo, thinking: Any, effort: str | None, noted: bool
) -> None:
    got, level, notes = native_thinking(given, of)

    assert (got, level, bool(notes)) == (thinking, effort, noted)


def test_the_budget_for_adaptive_thinking_fits_into_max_tokens() -> None:
    assert native_thinking(ADAPTIVE, BUDGETED, max_tokens=32_000)[0] == budget(8192)
    assert native_thinking(ADAPTIVE, BUDGETED, max_tokens=4096)[0] == budget(3072)
    assert native_thinking(ADAPTIVE, BUDGETED, max_tokens=512)[0] is None


@pytest.mark.parametrize(
    ("thinking", "param"),
    [
        ("enabled", "thinking"),
        (True, "thinking"),
        ([], "thinking"),
        ({}, "thinking"),
        ({"type": None}, "thinking"),
        ({"type": "enabled"}, "thinking.budget_tokens"),
        ({"type": "enabled", "budget_tokens": "many"}, "thinking.budget_tokens"),
        ({"type": "enabled", "budget_tokens": True}, "thinking.budget_tokens"),
    ],
)
def test_malformed_thinking_is_refused(thinking: Any, param: str) -> None:
    with pytest.raises(Refusal) as caught:
        native_thinking(thinking, ALWAYS)

    assert (caught.value.param, caught.value.code) == (param, "invalid_value")


# The whole catalogue


def _assert_taken(thinking: dict[str, Any] | None, effort: str | None, of: ModelInfo) -> None:
    """The rules that the API enforces for each model."""
    assert effort is None or effort in of.effort_levels
    if thinking is None:
        return
    kind = thinking["type"]
    assert kind in of.thinking.types
    if kind in {"disabled", "between_tools"}:
        assert thinking.keys() == {"type"}
        # Both are refused at the efforts above `high`.
        assert (effort or of.default_effort) in {None, "low", "medium", "high"}
    assert thinking.get("display") in {None, "summarized", "omitted"}


CATALOGUE = [*all_models(), lookup("claude-opus-99")]


@pytest.mark.parametrize("of", CATALOGUE, ids=lambda of: of.id)
@pytest.mark.parametrize("effort", [None, *EFFORTS])
@given(max_tokens=st.integers(1, 200_000), given_=st.booleans(), text=st.booleans())
def test_every_model_is_sent_only_what_it_takes(
    of: ModelInfo, effort: str | None, max_tokens: int, given_: bool, text: bool
) -> None:
    result = reasoning_patch(effort, of, max_tokens, given_, text)

    _assert_taken(result.thinking, result.effort, of)
    final = result.max_tokens or max_tokens
    assert result.max_tokens is None or (not given_ and max_tokens < final <= of.max_output_tokens)
    if result.thinking is not None and result.thinking["type"] == "enabled":
        assert 1024 <= result.thinking["budget_tokens"] < final
    if effort is None:
        assert result.effort is None
        assert result.notes == ()


@pytest.mark.parametrize("of", CATALOGUE, ids=lambda of: of.id)
@given(
    thinking=st.sampled_from([OFF, ADAPTIVE, BETWEEN_TOOLS, {**ADAPTIVE, "display": "omitted"}])
    | st.integers(1024, 200_000).map(budget),
    max_tokens=st.none() | st.integers(1, 200_000),
)
def test_native_thinking_is_adapted_to_every_model(
    of: ModelInfo, thinking: dict[str, Any], max_tokens: int | None
) -> None:
    got, effort, notes = native_thinking(thinking, of, max_tokens=max_tokens)

    _assert_taken(got, effort, of)
    assert got == thinking or notes or thinking == OFF


@pytest.mark.parametrize(
    ("name", "effort", "thinking", "level"),
    [
        ("claude-opus-5-5", "none", None, "low"),
        ("claude-sonnet-5-5", "none", BETWEEN_TOOLS, "low"),
        ("claude-haiku-5-5", "none", OFF, None),
        ("claude-opus-5", "xhigh", None, "xhigh"),
        ("claude-opus-4-8", "medium", ADAPTIVE, "medium"),
        ("claude-sonnet-4-6", "xhigh", ADAPTIVE, "max"),
        ("claude-opus-4-5", "high", budget(16_384), "high"),
        ("claude-haiku-4-5", "medium", budget(8192), None),
        ("claude-3-opus-20240229", "high", None, None),
        ("qwen3:8b", "low", budget(2048), "low"),
    ],
)
def test_well_known_models(name: str, effort: str, thinking: Any, level: str | None) -> None:
    result = patch(effort, lookup(name))

    assert (result.thinking, result.effort) == (thinking, level)


def test_an_effort_for_a_model_with_levels_that_cannot_think_says_so():
    thinking = Thinking(types=frozenset({"disabled"}))
    model = replace(lookup("claude-opus-4-8"), thinking=thinking)
    patch = reasoning_patch("high", model, 8000, max_tokens_given=True, wants_text=True)
    assert (patch.thinking, patch.effort) == (None, "high")
    assert "cannot think" in patch.notes[0]


def test_an_effort_alone_sets_what_a_model_thinks_between_tools():
    thinking = Thinking(types=frozenset({"between_tools"}), default="adaptive")
    model = replace(lookup("claude-opus-4-8"), thinking=thinking)
    patch = reasoning_patch("high", model, 8000, max_tokens_given=True, wants_text=True)
    assert patch == ReasoningPatch(None, "high")
