from __future__ import annotations

import json

import pytest

from claif_cla.catalog.model_info import ModelInfo, Thinking, all_models, lookup


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        lookup("claude-opus-5-5").prefill = True  # type: ignore[misc]


@pytest.mark.parametrize("name", ["prices", "sources"])
def test_mappings_of_a_record_cannot_be_changed(name: str) -> None:
    with pytest.raises(TypeError):
        getattr(lookup("claude-opus-5-5"), name)["input"] = 0


@pytest.mark.parametrize("name", ["prices", "sources"])
def test_default_mappings_cannot_be_changed(name: str) -> None:
    with pytest.raises(TypeError):
        getattr(ModelInfo("x", "X"), name)["input"] = 0


def test_what_as_json_gives_is_the_callers_own() -> None:
    info = lookup("claude-haiku-5-5")
    info.as_json()["prices"]["input"] = 99
    assert info.prices["input"] == 0.1


@pytest.mark.parametrize("model", all_models(), ids=lambda model: model.id)
def test_as_json_can_be_written_and_loses_nothing(model: ModelInfo) -> None:
    written = json.loads(json.dumps(model.as_json()))
    assert set(written) == set(ModelInfo._fields)
    assert written["thinking"]["types"] == sorted(model.thinking.types)
    assert written["prices"] == dict(model.prices)


@pytest.mark.parametrize(
    ("model", "always_on"),
    [
        ("claude-fable-5-2", True),
        ("claude-opus-5-5", True),
        ("claude-mythos-preview", True),
        ("claude-sonnet-5-5", False),
        ("claude-haiku-5-5", False),
        ("claude-opus-4-8", False),
        ("claude-3-haiku-20240307", False),
    ],
)
def test_thinking_is_always_on_where_nothing_turns_it_off(model: str, always_on: bool) -> None:
    assert lookup(model).thinking.always_on is always_on


@pytest.mark.parametrize(
    ("model", "kind", "effort", "taken"),
    [
        ("claude-opus-5", "disabled", "high", True),
        ("claude-opus-5", "disabled", "xhigh", False),
        ("claude-haiku-5-5", "disabled", "max", False),
        ("claude-haiku-5-5", "disabled", None, True),
        ("claude-haiku-5-5", "adaptive", "max", True),
        ("claude-sonnet-5-5", "between_tools", "high", True),
        ("claude-sonnet-5-5", "between_tools", "xhigh", False),
        ("claude-sonnet-5-5", "disabled", "low", False),
        ("claude-sonnet-5", "disabled", "max", True),
        ("claude-haiku-4-5", "enabled", None, True),
        ("claude-haiku-4-5", "adaptive", None, False),
    ],
)
def test_a_kind_of_thinking_may_be_bound_to_an_effort(
    model: str, kind: str, effort: str | None, taken: bool
) -> None:
    assert lookup(model).thinking.takes(kind, effort) is taken


def test_an_effort_of_the_future_is_not_judged() -> None:
    thinking = Thinking(frozenset({"disabled"}), max_effort={"disabled": "low"})
    assert thinking.takes("disabled", "ultra")
