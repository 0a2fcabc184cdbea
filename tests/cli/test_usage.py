from __future__ import annotations

import csv
import io
import json
import sys
from datetime import datetime, timedelta, timezone

import pytest

from claif_cla.gateway.ledger import Entry, Ledger


def _at(day):
    return datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()


def _entry(number, **facts):
    usual = {
        "at": _at("2026-11-23"),
        "key": "key_a",
        "key_name": "team a",
        "model": "claude-opus-5-5",
        "status": 200,
        "input": 1_000,
        "output": 50,
        "cache_read": 7,
        "cache_write_5m": 2,
        "cache_write_1h": 3,
        "cost": 1_234_567,
    }
    return Entry(f"req_{number}", **{**usual, **facts})


@pytest.fixture
def file(tmp_path):
    return tmp_path / "ledger.db"


@pytest.fixture
def filled(file):
    """Write entries; the gateway that did is still running."""
    books = []

    def write(*facts):
        book = Ledger(file, keep_days=36_500, move_seconds=3_600)
        books.append(book)
        for number, one in enumerate(facts):
            book.append(_entry(number, **one))
        return book

    yield write
    for book in books:
        book.close()


@pytest.fixture
def usage(cli, file):
    return lambda *argv, **options: cli("usage", "--file", str(file), *argv, **options)


TWO_DAYS = (
    {},
    {"cost": 1, "model": "claude-haiku-5-5"},
    {"at": _at("2026-11-22"), "key": "key_b", "key_name": "b", "cost": 20},
    {"at": _at("2026-11-22"), "key": "", "key_name": "", "status": 500, "cost": 300},
)


def test_the_table_is_by_day_and_ends_with_the_total(filled, usage):
    filled(*TWO_DAYS)
    outcome = usage()
    assert (outcome.code, outcome.err) == (0, "")
    assert [line.split() for line in outcome.out.splitlines()] == [
        ["DAY", "REQUESTS", "INPUT", "CACHED", "WRITTEN", "OUTPUT", "COST"],
        ["2026-11-22", "2", "2,000", "14", "10", "100", "$0.0003"],
        ["2026-11-23", "2", "2,000", "14", "10", "100", "$1.2346"],
        ["TOTAL", "4", "4,000", "28", "20", "200", "$1.2349"],
    ]
    assert len({len(line) for line in outcome.out.splitlines()}) == 1


def test_groups_may_be_combined_in_any_order(filled, usage):
    filled(*TWO_DAYS)
    rows = [line.split("  ")[0] for line in usage("--by", "key", "--by", "model").out.splitlines()]
    assert rows == ["KEY", "(no key)", "team a (key_a)", "team a (key_a)", "b (key_b)", "TOTAL"]
    head = usage("--by", "model", "--by", "day", "--by", "model").out.splitlines()[0]
    assert head.split()[:3] == ["MODEL", "DAY", "REQUESTS"]


@pytest.mark.parametrize(
    ("argv", "requests"),
    [
        (["--since", "2026-11-23"], 2),
        (["--until", "2026-11-22"], 2),
        (["--since", "2026-11-22", "--until", "2026-11-22"], 2),
        (["--key", "key_a"], 2),
        (["--key", "team a"], 2),
        (["--key", "b", "--by", "model"], 1),
    ],
)
def test_days_and_a_key_narrow_it_down(filled, usage, argv, requests):
    filled(*TWO_DAYS)
    assert sum(row["requests"] for row in json.loads(usage("--json", *argv).out)) == requests


def test_days_back_are_counted_from_today(filled, usage):
    now = datetime.now(timezone.utc)
    days = [now, now - timedelta(days=6), now - timedelta(days=7, hours=1)]
    filled(*({"at": day.timestamp()} for day in days))
    (row,) = json.loads(usage("--json", "--by", "key", "--since", "7d").out)
    assert row["requests"] == 2


def test_json_has_all_sums_and_exact_cost(filled, usage):
    filled({}, {"status": 429, "cost": None})
    assert json.loads(usage("--json", "--by", "key", "--by", "day").out) == [
        {
            "key": "key_a",
            "day": "2026-11-23",
            "key_name": "team a",
            "requests": 2,
            "failed": 1,
            "unpriced": 1,
            "input": 2_000,
            "cache_read": 14,
            "cache_write": 10,
            "output": 100,
            "cost_micro_usd": 1_234_567,
            "cost_usd": 1.234567,
        }
    ]


def test_csv_is_read_back_as_it_was(filled, usage):
    filled({}, {"cost": 1, "model": 'a "strange", model'})
    rows = list(csv.DictReader(io.StringIO(usage("--csv", "--by", "model").out)))
    assert [(row["model"], row["cost_usd"]) for row in rows] == [
        ('a "strange", model', "0.000001"),
        ("claude-opus-5-5", "1.234567"),
    ]
    assert rows[0].keys() == {
        *("model", "requests", "failed", "unpriced"),
        *("input", "cache_read", "cache_write", "output", "cost_usd"),
    }


@pytest.mark.parametrize("model", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)"])
def test_no_name_is_a_formula_in_a_spreadsheet(filled, usage, model):
    filled({"model": model})
    (row,) = csv.DictReader(io.StringIO(usage("--csv", "--by", "model").out))
    assert row["model"] == f"'{model}"


def test_a_name_cannot_break_the_table_or_drive_the_terminal(filled, usage):
    filled({"model": "a\nb\x1b[31m"})
    lines = usage("--by", "model").out.splitlines()
    assert lines[1].startswith("a?b?[31m ")
    assert len(lines) == 3


def test_requests_of_unknown_cost_are_told(filled, usage, one_line):
    filled({"cost": None, "model": "gpt-5"}, {"cost": None})
    note = one_line(usage().err)
    assert note == "claif-cla: the cost of 2 requests is not known; set prices under `[prices]`"
    assert "1 request is" not in note


def test_a_request_without_a_model_has_a_line(filled, usage):
    filled({"model": ""})
    assert usage("--by", "model").out.splitlines()[1].startswith("(unknown)")


def test_a_span_without_requests_says_so(filled, usage, one_line):
    filled({})
    outcome = usage("--since", "2027-01-01")
    assert (outcome.code, outcome.out) == (0, "")
    assert one_line(outcome.err) == "claif-cla: no requests in that time"
    assert usage("--since", "2027-01-01", "--json").out == "[]\n"


# Where it lies


def test_no_ledger_is_one_line_and_exit_code_1(usage, file, one_line):
    outcome = usage()
    assert outcome.code == 1
    assert f"there is no ledger at {file}" in one_line(outcome.err)


def test_the_configuration_names_the_ledger_and_needs_no_account(filled, cli, file, tmp_path):
    filled({})
    config = tmp_path / "gateway.toml"
    config.write_text(f'[ledger]\nfile = "{file}"\n')
    outcome = cli("usage", "--config", str(config))
    assert outcome.code == 0, outcome.err
    assert "$1.2346" in outcome.out


def test_the_environment_names_the_ledger_too(filled, cli, file, monkeypatch):
    filled({})
    monkeypatch.setenv("CLAIF_CLA_GATEWAY_LEDGER__FILE", str(file))
    outcome = cli("usage")
    assert outcome.code == 0, outcome.err


def test_the_state_directory_has_the_ledger_unless_told(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    Ledger(tmp_path / "claif-cla" / "ledger.db").close()
    assert cli("usage", "--json").out == "[]\n"


def test_a_wrong_configuration_is_wrong_usage(cli, tmp_path):
    config = tmp_path / "gateway.toml"
    config.write_text("[ledger]\nfiel = 1\nkeep_days = -1\n")
    outcome = cli("usage", "--config", str(config))
    assert outcome.code == 2
    assert "fiel" in outcome.err
    assert "keep_days" in outcome.err


def test_a_library_that_is_missing_is_named(usage, monkeypatch, one_line):
    monkeypatch.setitem(sys.modules, "claif_cla.gateway.ledger", None)
    outcome = usage()
    assert outcome.code == 1
    assert "which is not there: see the extra `gateway`" in one_line(outcome.err)


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["--since", "yesterday"], "is no day; expected one such as 2026-11-01, or 7d"),
        (["--since", "2026-13-01"], "is no day"),
        (["--until", "20261101"], "is no day"),
        (["--until", "0d"], "is no day"),
        (["--until", "99999999999d"], "is no day"),
        (["--by", "hour"], "invalid choice"),
        (["--json", "--csv"], "not allowed with"),
        (["--config", "x"], "not allowed with"),
    ],
)
def test_wrong_arguments_are_exit_code_2(usage, capsys, argv, complaint):
    outcome = usage(*argv)
    assert outcome.code == 2
    assert complaint in outcome.err + capsys.readouterr().err
