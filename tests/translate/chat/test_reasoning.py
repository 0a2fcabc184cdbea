"""`reasoning_effort` against the facts about models."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_requests.minds import (
    ADAPTIVE,
    ALWAYS,
    BETWEEN,
    BETWEEN_TOOLS,
    BOTH,
    BUDGET_ONLY,
    BUDGETED,
    CATALOGUE,
    DEFAULT_ON,
    FOREIGN,
    OFF,
    ON_DEMAND,
    THOUGHTLESS,
    assert_taken,
    budget,
    model,
)
from claif_cla.catalog.model_info import ModelInfo, Thinking, lookup
from claif_cla.errors import Refusal
from claif_cla.translate.chat.efforts import EFFORTS
from claif_cla.translate.chat.reasoning import ReasoningPatch, reasoning_patch


def patch(
    effort: Any, of: ModelInfo, max_tokens: int = 32_000, text: bool = False
) -> ReasoningPatch:
    return reasoning_patch(effort, of, max_tokens, wants_text=text)


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
    assert bool(result.notes) is (tokens < 16_384)


@pytest.mark.parametrize("max_tokens", [1, 100, 1024])
def test_thinking_is_skipped_where_not_even_the_smallest_budget_fits(max_tokens: int) -> None:
    result = patch("low", BUDGETED, max_tokens)

    assert (result.thinking, result.effort) == (None, "low")
    assert "leaves no room for thinking" in result.notes[0]


def test_a_foreign_server_gets_no_budget_that_does_not_fit() -> None:
    result = patch("high", FOREIGN, 512)

    assert (result.thinking, result.effort) == (None, "high")
    assert result.notes


# The whole catalogue


@pytest.mark.parametrize("of", CATALOGUE, ids=lambda of: of.id)
@pytest.mark.parametrize("effort", [None, *EFFORTS])
@given(max_tokens=st.integers(1, 200_000), text=st.booleans())
def test_every_model_is_sent_only_what_it_takes(
    of: ModelInfo, effort: str | None, max_tokens: int, text: bool
) -> None:
    result = reasoning_patch(effort, of, max_tokens, wants_text=text)

    assert_taken(result.thinking, result.effort, of)
    if result.thinking is not None and result.thinking["type"] == "enabled":
        assert 1024 <= result.thinking["budget_tokens"] < max_tokens
    if effort is None:
        assert result.effort is None
        assert result.notes == ()


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
    mind = lookup("claude-opus-4-8")._replace(thinking=thinking)
    patch = reasoning_patch("high", mind, 8000, wants_text=True)
    assert (patch.thinking, patch.effort) == (None, "high")
    assert "cannot think" in patch.notes[0]


def test_an_effort_alone_sets_what_a_model_thinks_between_tools():
    thinking = Thinking(types=frozenset({"between_tools"}), default="adaptive")
    mind = lookup("claude-opus-4-8")._replace(thinking=thinking)
    patch = reasoning_patch("high", mind, 8000, wants_text=True)
    assert patch == ReasoningPatch(None, "high")
