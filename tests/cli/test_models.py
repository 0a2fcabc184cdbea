from __future__ import annotations

import json

import pytest

from claif_cla.catalog.model_info import active_models, all_models
from loopback import error_body, json_answer


def _ids(outcome):
    assert outcome.code == 0, outcome.err
    table = outcome.out.partition("\n\n")[0]
    return [line.split()[0] for line in table.splitlines()[1:]]


def test_table_has_the_models_that_answer_newest_first(cli):
    outcome = cli("models")
    assert _ids(outcome) == [model.id for model in active_models()]
    assert outcome.err == ""


def test_all_has_the_retired_ones_as_well(cli):
    assert _ids(cli("models", "--all")) == [model.id for model in all_models()]


def test_row_tells_lifecycle_sizes_thinking_and_price(cli):
    rows = {line.split()[0]: line for line in cli("models", "--all").out.splitlines() if line}
    assert (
        rows["claude-sonnet-4-5-20250929"].split()
        == (
            "claude-sonnet-4-5-20250929 sonnet deprecated 2026-11-30 200k 64k enabled, off 3 / 15"
        ).split()
    )
    assert ">= 2027-07-24" in rows["claude-opus-5"]
    assert "active*" in rows["claude-mythos-5-2"]
    assert "(over 100k: 0.5 / 2.5)" in rows["claude-haiku-5-5"]
    assert "adaptive, always" in rows["claude-fable-5"]
    assert rows["claude-3-haiku-20240307"].split()[-2:] == ["-", "-"]


def test_columns_are_aligned(cli):
    head, *rows = cli("models").out.partition("\n\n")[0].splitlines()
    start = head.index("LIFECYCLE")
    assert all(row[start - 1] == " " and row[start] != " " for row in rows)


def test_json_has_every_fact(cli):
    shown = json.loads(cli("models", "--json", "--all").out)
    assert shown == [json.loads(json.dumps(model.as_json())) for model in all_models()]


def test_live_shows_what_the_api_lists(cli, server, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    model = {
        "type": "model",
        "id": "claude-opus-4-6",
        "display_name": "Claude Opus 4.6",
        "created_at": "2026-02-05T00:00:00Z",
        "lifecycle": "deprecated",
        "line": "opus",
        "max_input_tokens": 123_000,
        "max_tokens": 45_000,
        "retires_at": "2027-03-01T00:00:00Z",
        "capabilities": None,
    }
    page = {"data": [model], "has_more": False, "first_id": model["id"], "last_id": model["id"]}
    server.answer_with(lambda request: json_answer(page))
    outcome = cli("models", "--live", "--base-url", server.url)
    assert server.last.path == "/v1/models"
    assert _ids(outcome) == ["claude-opus-4-6"]
    row = outcome.out.splitlines()[1]
    assert row.split()[2:6] == ["deprecated", "2027-03-01", "123k", "45k"]
    assert row.endswith("5 / 25")
    retired = _ids(cli("models", "--live", "--all", "--base-url", server.url))
    assert retired[0] == "claude-opus-4-6"
    assert sorted(retired) == sorted(model.id for model in all_models())


def test_live_works_on_the_simulator(cli):
    outcome = cli("models", "--live", "--backend", "simulator")
    assert _ids(outcome) == [model.id for model in active_models()]


def test_live_without_a_key_is_wrong_usage(cli, one_line):
    outcome = cli("models", "--live")
    assert outcome.code == 2
    assert "ANTHROPIC_API_KEY" in one_line(outcome.err)


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_live_tells_what_the_api_said(cli, server, monkeypatch, one_line, flags):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    server.enqueue(json_answer(error_body("authentication_error", "invalid x-api-key"), 401))
    outcome = cli("models", "--live", *flags, "--base-url", server.url)
    assert (outcome.code, outcome.out) == (1, "")
    assert "error 401 invalid_api_key: invalid x-api-key" in one_line(outcome.err)
