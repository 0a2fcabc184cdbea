from __future__ import annotations

import re
from collections import Counter
from datetime import date
from typing import Any, get_args

import pytest

from claif_cla.catalog.data_file import parse, undated
from claif_cla.catalog.model_info import (
    EFFORT_LEVELS,
    THINKING_TYPES,
    ModelInfo,
    active_models,
    all_models,
)

MODELS = all_models()
EACH = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)

REQUIRED = {
    "display_name",
    "line",
    "lifecycle",
    "released",
    "context_window",
    "max_output_tokens",
    "thinking_types",
    "thinking_default",
    "thinking_display",
    "thinking_max_effort",
    "effort_levels",
    "default_effort",
    "sampling",
    "forced_tool_choice",
    "mid_conversation_system",
    "prefill",
    "structured_outputs",
    "fast_mode",
    "cache_minimum_tokens",
}
PRICE_KINDS = {"input", "output", "cache_read", "cache_write_5m", "cache_write_1h"}


def facts_of(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    groups = [(entry["id"], entry["facts"]) for entry in document["models"]]
    groups += list(document["rules"].items())
    return [(owner, name, fact) for owner, facts in groups for name, fact in facts.items()]


def test_no_name_belongs_to_two_models() -> None:
    names = Counter(name for model in MODELS for name in (model.id, *model.aliases))
    assert [name for name, count in names.items() if count > 1] == []


def test_active_ids_are_those_of_the_anthropic_sdk() -> None:
    module = pytest.importorskip("anthropic.types.model")
    literal, _ = get_args(module.Model)
    ours = {name for model in active_models() for name in (model.id, *model.aliases)}
    assert ours == set(get_args(literal))


def test_every_model_that_the_anthropic_sdk_calls_deprecated_is_not_active_here() -> None:
    module = pytest.importorskip("anthropic.resources.messages.messages")
    by_name = {name: model for model in MODELS for name in (model.id, *model.aliases)}
    assert {by_name[name].lifecycle for name in module.DEPRECATED_MODELS} <= {
        "deprecated",
        "retired",
    }


def test_every_fact_has_a_source_that_the_table_lists(document: dict[str, Any]) -> None:
    sources = document["sources"]
    assert [f for f in facts_of(document) if f[2]["source"] not in sources] == []


def test_every_source_is_used(document: dict[str, Any]) -> None:
    used = {fact["source"] for _, _, fact in facts_of(document)}
    assert used == set(document["sources"])


def test_every_source_is_titled_and_dated(document: dict[str, Any]) -> None:
    for source in document["sources"].values():
        assert source["title"]
        assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", source["date"])
        assert date.fromisoformat(source["checked"]).year >= 2026


def test_a_fact_is_null_exactly_where_an_assumption_or_no_value_stands(
    document: dict[str, Any],
) -> None:
    for owner, name, fact in facts_of(document):
        keys = set(fact) - {"note"}
        assert keys in ({"value", "source"}, {"value", "assume", "source"}), (owner, name)
        if "assume" in fact:
            assert fact["value"] is None, (owner, name)
            assert fact["source"].startswith("assumed-"), (owner, name)


def test_a_note_is_a_sentence_about_a_conflict_of_sources(document: dict[str, Any]) -> None:
    noted = {
        (owner, name): fact["note"] for owner, name, fact in facts_of(document) if "note" in fact
    }
    assert ("claude-sonnet-4-5-20250929", "context_window") in noted  # the API said otherwise
    assert all(isinstance(note, str) and len(note) > 20 for note in noted.values())


def test_a_date_that_has_passed_without_its_retirement_is_noted(document: dict[str, Any]) -> None:
    for entry in document["models"]:
        facts = entry["facts"]
        if facts["lifecycle"]["value"] == "retired":
            continue
        for name in ("retires_at", "retires_not_before"):
            fact = facts.get(name, {"value": None})
            checked = document["sources"][fact["source"]]["checked"] if fact["value"] else ""
            assert not fact["value"] or fact["value"] >= checked or "note" in fact, entry["id"]


def test_the_rules_for_names_outside_the_catalogue_cover_each_required_fact(
    document: dict[str, Any],
) -> None:
    own = {"display_name", "lifecycle", "released"}
    for rules in document["rules"].values():
        assert set(rules) == REQUIRED - own


@EACH
def test_each_model_states_every_required_fact_with_its_source(model: ModelInfo) -> None:
    assert set(model.sources) >= REQUIRED


@EACH
def test_a_replacement_is_an_active_model_and_open_unless_the_old_one_was_not(
    model: ModelInfo,
) -> None:
    if model.lifecycle == "active":
        assert model.replacement is None
        return
    by_id = {other.id: other for other in MODELS}
    successor = by_id[model.replacement or ""]
    assert successor.lifecycle == "active"
    assert successor.restricted <= model.restricted


@EACH
def test_a_model_on_its_way_out_has_a_date(model: ModelInfo) -> None:
    assert (model.retires_at is None) == (model.lifecycle == "active")


@EACH
def test_dates_are_iso(model: ModelInfo) -> None:
    for day in (model.released, model.retires_at, model.retires_not_before):
        assert day is None or date.fromisoformat(day)


@EACH
def test_efforts_are_known_ordered_and_hold_the_default(model: ModelInfo) -> None:
    assert model.effort_levels == tuple(e for e in EFFORT_LEVELS if e in model.effort_levels)
    if model.effort_levels:
        assert model.default_effort in model.effort_levels
    else:
        assert model.default_effort is None


@EACH
def test_thinking_is_consistent(model: ModelInfo) -> None:
    thinking = model.thinking
    assert thinking.types <= set(THINKING_TYPES)
    assert (thinking.display is None) == (not thinking.types)
    assert thinking.default == "off" or "adaptive" in thinking.types
    assert thinking.default == "adaptive" or not thinking.always_on
    assert set(thinking.max_effort) <= thinking.types
    assert set(thinking.max_effort.values()) <= set(model.effort_levels)


@EACH
def test_a_model_that_takes_no_sampling_takes_no_prefill_either(model: ModelInfo) -> None:
    # Both went with the models after 4.6; a row that breaks this is a slip of the pen.
    assert not (model.sampling == "none" and model.prefill)


@EACH
def test_prices_come_as_a_whole_and_in_order(model: ModelInfo) -> None:
    prices = model.prices
    if not prices:
        assert model.lifecycle != "active"
        return
    assert set(prices) >= PRICE_KINDS
    assert prices["cache_read"] < prices["input"] < prices["cache_write_5m"]
    assert prices["cache_write_5m"] == pytest.approx(1.25 * prices["input"])
    assert prices["cache_write_1h"] == pytest.approx(2 * prices["input"])
    assert prices["input"] < prices["output"]
    for kind in ("input", "output", "long_input", "long_output"):
        batch = f"long_batch_{kind[5:]}" if kind.startswith("long_") else f"batch_{kind}"
        assert (batch in prices) == (kind in prices)
        assert kind not in prices or prices[batch] == pytest.approx(prices[kind] / 2)
    assert ("fast_input" in prices) == (model.fast_mode is not None)
    assert ("long_input" in prices) == (model.long_prompt_tokens is not None)


def test_models_stand_newest_first_and_the_retired_ones_last() -> None:
    for retired in (False, True):
        days = [m.released or "" for m in MODELS if (m.lifecycle == "retired") is retired]
        assert days == sorted(days, reverse=True)
    order = [model.lifecycle == "retired" for model in MODELS]
    assert order == sorted(order)


def test_parse_refuses_a_name_that_two_models_claim(document: dict[str, Any]) -> None:
    models = document["models"]
    doubled = {**models[1], "aliases": [models[0]["id"]]}
    with pytest.raises(ValueError, match="names both"):
        parse({**document, "models": [models[0], doubled]})


@pytest.mark.parametrize(
    ("name", "fact", "message"),
    [
        ("sampling", {"value": "none", "source": "hearsay"}, "no source `hearsay`"),
        ("colour", {"value": "red", "source": "overview"}, "no fact `colour`"),
    ],
)
def test_parse_refuses_facts_that_it_cannot_place(
    document: dict[str, Any], name: str, fact: dict[str, Any], message: str
) -> None:
    first = document["models"][0]
    broken = {**first, "facts": {**first["facts"], name: fact}}
    with pytest.raises(ValueError, match=message):
        parse({**document, "models": [broken]})


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("claude-opus-4-2025051", "claude-opus-4-2025051"),
        ("latest", "latest"),
        ("20251001", "20251001"),
    ],
)
def test_undated_takes_off_a_date_or_latest_and_nothing_else(name: str, stem: str) -> None:
    assert undated(name) == stem
