from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.catalog import data_file
from claif_cla.catalog.model_info import (
    EFFORT_LEVELS,
    THINKING_TYPES,
    active_models,
    all_models,
    lookup,
    newest_of_line,
)

HAIKU = "claude-haiku-4-5-20251001"
SONNET = "claude-sonnet-4-5-20250929"

SPELLINGS = {
    # ids and aliases
    "claude-opus-5-5": "claude-opus-5-5",
    "claude-haiku-4-5": HAIKU,
    HAIKU: HAIKU,
    "claude-sonnet-4-0": "claude-sonnet-4-20250514",
    "claude-3-7-sonnet-latest": "claude-3-7-sonnet-20250219",
    "claude-2.1": "claude-2.1",
    # dated, undated, another date
    "claude-sonnet-4": "claude-sonnet-4-20250514",
    "claude-3-opus": "claude-3-opus-20240229",
    "claude-3-5-sonnet": "claude-3-5-sonnet-20241022",
    "claude-3-5-sonnet-20240620": "claude-3-5-sonnet-20240620",
    "claude-opus-5-5-20260922": "claude-opus-5-5",
    "claude-haiku-4-5-latest": HAIKU,
    # the other order, dots
    "claude-4-5-haiku": HAIKU,
    "claude-4-opus-20250514": "claude-opus-4-20250514",
    "claude-sonnet-3.7": "claude-3-7-sonnet-20250219",
    "claude-3.5-haiku": "claude-3-5-haiku-20241022",
    "claude-5.5-opus": "claude-opus-5-5",
    # routers
    "anthropic/claude-sonnet-4.5": SONNET,
    "openrouter/anthropic/claude-3.7-sonnet:thinking": "claude-3-7-sonnet-20250219",
    "claude/claude-opus-5": "claude-opus-5",
    "Anthropic/Claude-Opus-5": "claude-opus-5",
    # Bedrock
    "anthropic.claude-sonnet-4-5-20250929-v1:0": SONNET,
    "us.anthropic.claude-sonnet-4-20250514-v1:0": "claude-sonnet-4-20250514",
    "global.anthropic.claude-opus-4-6-v1": "claude-opus-4-6",
    "anthropic.claude-haiku-5-5": "claude-haiku-5-5",
    "anthropic.claude-3-5-sonnet-20241022-v2:0": "claude-3-5-sonnet-20241022",
    "anthropic.claude-3-sonnet-20240229-v1:0:28k": "claude-3-sonnet-20240229",
    "anthropic.claude-v2:1": "claude-2.1",
    "anthropic.claude-v2": "claude-2.0",
    "anthropic.claude-instant-v1": "claude-instant-1.2",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-6": (
        "claude-sonnet-4-6"
    ),
    # Vertex
    "claude-opus-4-1@20250805": "claude-opus-4-1-20250805",
    "claude-3-5-sonnet-v2@20241022": "claude-3-5-sonnet-20241022",
    "claude-sonnet-4-5@default": SONNET,
    # Claude Code
    "claude-opus-4-6[1m]": "claude-opus-4-6",
}


@pytest.mark.parametrize(("name", "model_id"), SPELLINGS.items())
def test_lookup_finds_the_model_behind_each_spelling(name: str, model_id: str) -> None:
    info = lookup(name)
    assert (info.id, info.known) == (model_id, True)


@pytest.mark.parametrize(
    "name",
    [
        "claude-opus-6",
        "claude-sonnet-5-6-20270101",
        "claude-nova-1",
        "claude-",
        "anthropic/claude-opus-7",
        "us.anthropic.claude-opus-7-v1:0",
        "claude/claude-next",
    ],
)
def test_an_unknown_claude_follows_the_newest_generation(name: str) -> None:
    info = lookup(name)
    assert (info.id, info.family, info.known, info.lifecycle) == (name, "claude", False, "unknown")
    assert info.thinking.types == {"adaptive"}
    assert info.thinking.default == "adaptive"
    assert info.sampling == "none"
    assert not info.forced_tool_choice
    assert not info.prefill
    assert info.mid_conversation_system
    assert info.effort_levels == EFFORT_LEVELS
    assert info.max_output_tokens == 128_000
    assert "max_output_tokens" in info.assumed


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o",
        "qwen3:32b",
        "meta-llama/Llama-4-70B",
        "somebody/claude-distill-7b",
        "my-claude-3-haiku-20240307",
        "not claude-opus-5",
        "claude",
        "",
        "claude-opus-5" + "x" * 300,
    ],
)
def test_any_other_name_is_foreign_and_takes_everything(name: str) -> None:
    info = lookup(name)
    assert (info.id, info.family, info.known, info.lifecycle) == (name, "foreign", False, "unknown")
    assert info.thinking.types == set(THINKING_TYPES)
    assert info.sampling == "any"
    assert info.forced_tool_choice
    assert info.prefill
    assert info.structured_outputs
    assert not info.mid_conversation_system
    assert info.effort_levels == EFFORT_LEVELS
    assert info.max_output_tokens == 16_384


@given(st.text() | st.from_regex(r"(us\.)?(anthropic[./])?claude-[a-z0-9.@:\[\]-]{0,40}"))
def test_lookup_answers_for_every_text_and_keeps_the_name_of_what_it_does_not_know(
    name: str,
) -> None:
    info = lookup(name)
    assert info.known or info.id == name
    assert info.family == "claude" or not info.known


@given(st.sampled_from(all_models()), st.sampled_from(["", "anthropic/", "eu.anthropic."]))
def test_a_makers_prefix_changes_no_fact(model: object, prefix: str) -> None:
    assert lookup(prefix + model.id) is model  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "model_id"),
    [
        ("opus", "claude-opus-5-5"),
        ("sonnet", "claude-sonnet-5-5"),
        ("haiku", "claude-haiku-5-5"),
        ("fable", "claude-fable-5-2"),
    ],
)
def test_newest_of_line(line: str, model_id: str) -> None:
    assert newest_of_line(line).id == model_id


@pytest.mark.parametrize("line", ["mythos", "instant", "", "Opus"])
def test_there_is_no_newest_of_a_restricted_or_unknown_line(line: str) -> None:
    with pytest.raises(KeyError):
        newest_of_line(line)


def test_active_models_answer_today() -> None:
    assert {model.lifecycle for model in active_models()} == {"active", "deprecated"}
    assert set(active_models()) < set(all_models())


def test_every_claude_that_answered_in_a_recording_is_known(recordings: Path) -> None:
    lines = (recordings / "index.jsonl").read_text(encoding="utf-8").splitlines()
    named = {
        entry["model"]
        for entry in map(json.loads, lines)
        if entry["api"] == "anthropic" and entry["status"] == 200 and entry["model"]
    }
    assert len(named) > 10
    assert {name for name in named if not lookup(name).known} == set()


def test_importing_the_catalogue_reads_no_file() -> None:
    code = (
        "import claif_cla.catalog.names, claif_cla.catalog.live\n"
        "from claif_cla.catalog.data_file import catalogue\n"
        "print(catalogue.cache_info().currsize)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "0"


def test_the_file_is_read_once() -> None:
    lookup("claude-opus-5-5")
    assert data_file.catalogue() is data_file.catalogue()
