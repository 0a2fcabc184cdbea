from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.catalog.live import LIVE_SOURCE, merge_live
from claif_cla.catalog.model_info import lookup

YES, NO = {"supported": True}, {"supported": False}


def told(**changes: Any) -> dict[str, Any]:
    """One object of the list, as the anthropic SDK 2.12.0 types it."""
    return {
        "type": "model",
        "id": "claude-opus-6",
        "display_name": "Claude Opus 6",
        "created_at": "2027-01-15T00:00:00Z",
        "lifecycle": "active",
        "line": "opus",
        "deprecated_at": None,
        "retires_at": None,
        "max_input_tokens": 2_000_000,
        "max_tokens": 256_000,
        "capabilities": {
            "structured_outputs": NO,
            "effort": {"supported": True, "low": YES, "medium": YES, "high": NO, "max": NO},
            "thinking": {
                "supported": True,
                "types": {"adaptive": YES, "between_tools": YES, "disabled": NO, "enabled": NO},
            },
        },
        **changes,
    }


def thinking(**types: dict[str, bool]) -> dict[str, Any]:
    return {"capabilities": {"thinking": {"supported": True, "types": types}}}


def effort(**levels: Any) -> dict[str, Any]:
    return {"capabilities": {"effort": {"supported": True, **levels}}}


def test_an_unknown_model_gets_all_that_the_api_tells() -> None:
    info = merge_live(lookup("claude-opus-6"), told())
    assert info.display_name == "Claude Opus 6"
    assert (info.line, info.lifecycle, info.retires_at) == ("opus", "active", None)
    assert info.released == "2027-01-15"
    assert (info.context_window, info.max_output_tokens) == (2_000_000, 256_000)
    assert info.thinking.types == {"adaptive", "between_tools"}
    # The answer is silent about `xhigh`, so the rule of the newest generation stands.
    assert info.effort_levels == ("low", "medium", "xhigh")
    assert info.default_effort == "xhigh"
    assert not info.structured_outputs


def test_what_the_api_does_not_tell_stays() -> None:
    before = lookup("claude-opus-4-8")
    after = merge_live(before, told())
    for name in ("id", "aliases", "sampling", "prices", "fast_mode", "prefill", "released"):
        assert getattr(after, name) == getattr(before, name)


def test_each_told_fact_has_the_api_as_source_and_is_no_assumption_any_more() -> None:
    before = lookup("claude-opus-6")
    after = merge_live(before, told())
    for name in ("line", "context_window", "thinking_types", "effort_levels", "structured_outputs"):
        assert name in before.assumed
        assert name not in after.assumed
        assert after.sources[name] == LIVE_SOURCE
    assert "sampling" in after.assumed
    assert after.sources["sampling"] == before.sources["sampling"]


def test_neither_argument_is_changed() -> None:
    before, answer = lookup("claude-opus-4-8"), told()
    spare, lifecycle = copy.deepcopy(answer), before.lifecycle
    merge_live(before, answer)
    assert answer == spare
    assert before.lifecycle == lifecycle
    assert lookup("claude-opus-4-8") is before


def test_a_retirement_is_taken_over_with_its_day() -> None:
    answer = {"lifecycle": "deprecated", "retires_at": "2027-02-05T00:00:00Z"}
    info = merge_live(lookup("claude-opus-4-6"), answer)
    assert (info.lifecycle, info.retires_at) == ("deprecated", "2027-02-05")


def test_a_cancelled_retirement_is_forgotten() -> None:
    info = merge_live(lookup("claude-sonnet-4-5"), {"lifecycle": "active", "retires_at": None})
    assert (info.lifecycle, info.retires_at) == ("active", None)


def test_a_retirement_date_without_a_lifecycle_changes_nothing() -> None:
    before = lookup("claude-sonnet-4-5")
    assert merge_live(before, {"retires_at": None}) is before


@pytest.mark.parametrize(
    ("model", "answer", "types", "default"),
    [
        ("claude-opus-4-8", thinking(), {"adaptive", "disabled"}, "off"),
        ("claude-opus-4-8", thinking(adaptive=YES, enabled=NO), {"adaptive", "disabled"}, "off"),
        ("claude-opus-4-8", thinking(disabled=NO), {"adaptive"}, "adaptive"),
        ("claude-opus-5", thinking(between_tools=YES), None, "adaptive"),
        ("claude-haiku-4-5", thinking(enabled=NO), {"disabled"}, "off"),
        ("claude-fable-5-2", thinking(adaptive=NO, enabled=YES), {"enabled"}, "off"),
    ],
)
def test_kinds_of_thinking(
    model: str, answer: dict[str, Any], types: set[str] | None, default: str
) -> None:
    refined = merge_live(lookup(model), answer).thinking
    assert refined.types == (types or {"adaptive", "disabled", "between_tools"})
    assert refined.default == default


def test_a_model_that_cannot_think_has_no_kinds_although_the_api_tolerates_disabled() -> None:
    answer = {"capabilities": {"thinking": {"supported": False, "types": {"disabled": YES}}}}
    refined = merge_live(lookup("claude-opus-6"), answer).thinking
    assert refined.types == frozenset()
    assert (refined.default, refined.display) == ("off", None)


def test_the_bound_of_a_kind_goes_with_the_kind() -> None:
    before = lookup("claude-opus-5")
    assert merge_live(before, thinking(disabled=YES)).thinking.max_effort == {"disabled": "high"}
    assert merge_live(before, thinking(disabled=NO)).thinking.max_effort == {}


@pytest.mark.parametrize(
    ("answer", "levels", "default"),
    [
        (effort(), ("low", "medium", "high", "xhigh", "max"), "medium"),
        (effort(xhigh=None, max=NO), ("low", "medium", "high", "xhigh"), "medium"),
        (effort(medium=NO), ("low", "high", "xhigh", "max"), "high"),
        (effort(medium=NO, high=NO, xhigh=NO, max=NO), ("low",), "low"),
        ({"capabilities": {"effort": {"supported": False, "low": YES}}}, (), None),
    ],
)
def test_effort_levels_and_their_default(
    answer: dict[str, Any], levels: tuple[str, ...], default: str | None
) -> None:
    info = merge_live(lookup("claude-opus-5-5"), answer)
    assert (info.effort_levels, info.default_effort) == (levels, default)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"max_tokens": None, "max_input_tokens": True},
        {"max_tokens": -1, "max_input_tokens": "200000"},
        {"display_name": "", "line": None},
        {"lifecycle": "asleep"},
        {"capabilities": None},
        {"capabilities": {"structured_outputs": True, "thinking": None, "effort": []}},
        {"created_at": "1970-01-01T00:00:00Z"},
        {"created_at": 5},
    ],
)
def test_what_is_absent_or_misshapen_changes_nothing(answer: dict[str, Any]) -> None:
    before = lookup("claude-opus-6")
    assert merge_live(before, answer) is before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["lifecycle", "retires_at", "max_tokens", "capabilities", "line", "created_at"]
)
GROUPS = st.sampled_from(["thinking", "effort", "structured_outputs"])


@given(st.dictionaries(KEYS, JSON | st.dictionaries(GROUPS, JSON)))
def test_no_answer_breaks_a_record(answer: dict[str, Any]) -> None:
    info = merge_live(lookup("claude-opus-6"), answer)
    assert info.max_output_tokens > 0
    assert (info.default_effort is None) == (not info.effort_levels)


@given(st.sampled_from(["claude-opus-6", "claude-haiku-5-5", "claude-opus-4-5", "gpt-4o"]))
def test_merging_twice_is_merging_once(model: str) -> None:
    once = merge_live(lookup(model), told())
    assert merge_live(once, told()) == once


def test_the_anthropic_sdk_reads_what_these_tests_tell() -> None:
    types = pytest.importorskip("anthropic.types")
    declared = types.ModelInfo.model_fields
    assert set(told()) <= set(declared)


def test_the_recorded_list_agrees_with_the_catalogue(recorded_models: list[dict[str, Any]]) -> None:
    # In August 2026 Sonnet 4.5 still had the 1M window of a beta that has ended.
    ended = {("claude-sonnet-4-5-20250929", "context_window")}
    names = ("context_window", "max_output_tokens", "effort_levels", "structured_outputs")
    wrong = set()
    for answer in recorded_models:
        before = lookup(answer["id"])
        after = merge_live(before, answer)
        assert before.known
        assert after.thinking == before.thinking
        wrong |= {(before.id, n) for n in names if getattr(after, n) != getattr(before, n)}
    assert wrong == ended
