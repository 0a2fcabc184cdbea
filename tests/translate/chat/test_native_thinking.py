"""A caller's own `thinking` against the facts about models."""

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
    FOREIGN,
    OFF,
    ON_DEMAND,
    THOUGHTLESS,
    assert_taken,
    budget,
    model,
)
from claif_cla.catalog.model_info import ModelInfo
from claif_cla.errors import Refusal
from claif_cla.translate.chat.native_thinking import native_thinking
from claif_cla.translate.chat.reasoning import ReasoningPatch

ROOM = 200_000


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
    assert native_thinking(thinking, of, ROOM) == ReasoningPatch(thinking)


@pytest.mark.parametrize(
    ("tokens", "max_tokens", "sent"),
    [(500, 8000, 1024), (8000, 8000, 6000), (9000, 3000, 1976), (200_000, 64_000, 59_904)],
)
def test_a_budget_out_of_its_bounds_is_brought_into_them(
    tokens: int, max_tokens: int, sent: int
) -> None:
    given = {**budget(tokens), "display": "omitted"}

    patch = native_thinking(given, BUDGETED, max_tokens)

    assert patch.thinking == {**budget(sent), "display": "omitted"}
    assert str(tokens) in patch.notes[0]


def test_a_budget_that_cannot_be_brought_into_them_is_left_out() -> None:
    patch = native_thinking(budget(2000), BUDGETED, 1000)

    assert patch.thinking is None
    assert "leaves no room" in patch.notes[0]


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

    patch = native_thinking(given, ON_DEMAND, ROOM)

    assert patch.thinking == {"type": "adaptive", "display": "summarized"}
    assert patch.effort == level
    assert str(tokens) in patch.notes[0]
    assert given["budget_tokens"] == tokens


def test_the_effort_of_the_caller_stands_beside_adaptive_thinking_for_a_budget() -> None:
    patch = native_thinking(budget(8000), ON_DEMAND, ROOM, "max")

    assert patch.effort == "max"
    assert "with effort `max`" in patch.notes[0]


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
    patch = native_thinking(given, of, 2048)

    assert (patch.thinking, patch.effort, bool(patch.notes)) == (thinking, effort, noted)


def test_the_budget_for_adaptive_thinking_fits_into_max_tokens() -> None:
    assert native_thinking(ADAPTIVE, BUDGETED, 32_000).thinking == budget(8192)
    assert native_thinking(ADAPTIVE, BUDGETED, 4096).thinking == budget(3072)
    assert native_thinking(ADAPTIVE, BUDGETED, 512).thinking is None


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
        native_thinking(thinking, ALWAYS, ROOM)

    assert (caught.value.param, caught.value.code) == (param, "invalid_value")


@pytest.mark.parametrize("of", CATALOGUE, ids=lambda of: of.id)
@given(
    thinking=st.sampled_from([OFF, ADAPTIVE, BETWEEN_TOOLS, {**ADAPTIVE, "display": "omitted"}])
    | st.integers(1024, 200_000).map(budget),
    max_tokens=st.integers(1, 200_000),
)
def test_native_thinking_is_adapted_to_every_model(
    of: ModelInfo, thinking: dict[str, Any], max_tokens: int
) -> None:
    patch = native_thinking(thinking, of, max_tokens)

    assert_taken(patch.thinking, patch.effort, of)
    assert patch.thinking == thinking or patch.notes or thinking == OFF
    if patch.thinking is not None and patch.thinking["type"] == "enabled":
        assert 1024 <= patch.thinking["budget_tokens"] < max_tokens
