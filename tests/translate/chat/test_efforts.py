from __future__ import annotations

import pytest

from chat_requests.minds import BOTH, BUDGET_ONLY, BUDGETED, DEFAULT_ON
from claif_cla.errors import Refusal
from claif_cla.translate.chat.efforts import (
    EFFORTS,
    budget_of,
    checked_effort,
    fitting_budget,
    level_of_budget,
    lowest_level,
    nearest_level,
)


@pytest.mark.parametrize("effort", [None, *EFFORTS])
def test_each_effort_of_openais_is_known(effort):
    assert checked_effort(effort) == effort


def test_another_effort_is_refused_with_those_there_are():
    with pytest.raises(Refusal, match="none, minimal, low, medium, high, xhigh, max"):
        checked_effort("extreme")


@pytest.mark.parametrize(
    ("effort", "model", "level", "noted"),
    [
        ("high", DEFAULT_ON, "high", False),
        ("minimal", DEFAULT_ON, "low", True),
        ("xhigh", BOTH, "max", True),
        ("max", BUDGETED, "high", True),
        ("high", BUDGET_ONLY, None, True),
    ],
)
def test_an_effort_that_a_model_lacks_is_the_next_higher_one_else_the_highest(
    effort, model, level, noted
):
    found, notes = nearest_level(effort, model)
    assert (found, bool(notes)) == (level, noted)


def test_the_lowest_level_is_the_first_there_is():
    assert lowest_level(BUDGETED) == "low"
    assert lowest_level(BUDGET_ONLY) is None


@pytest.mark.parametrize("effort", ["low", "medium", "high", "xhigh"])
def test_a_budget_speaks_of_the_effort_that_it_stands_for(effort):
    assert level_of_budget(budget_of(effort)) == effort


@pytest.mark.parametrize(
    ("wanted", "max_tokens", "budget"),
    [(8192, 1024, None), (8192, 1025, 1024), (8192, 8192, 6144), (8192, 64_000, 8192)],
)
def test_a_budget_leaves_room_for_the_answer(wanted, max_tokens, budget):
    assert fitting_budget(wanted, max_tokens) == budget
