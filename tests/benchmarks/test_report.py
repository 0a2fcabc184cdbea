"""The tables say what was measured, and what was not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.__main__ import main, with_tables
from benchmarks.measure import Figure, in_turns
from benchmarks.report import Report, as_json, as_markdown

ROOT = Path(__file__).resolve().parents[2]


def report(**groups):
    names = ("ours", "openai", "anthropic")
    return Report("A machine.", names, {name: f"{name} 1" for name in names}, **groups)


def test_every_library_is_first_in_its_turn():
    assert "".join(in_turns("abc", 3)) == "abcbcacab"


@pytest.mark.parametrize(
    ("ours", "anthropic", "reached"),
    [(0.5, 0.9, "yes"), (0.7, 0.9, "**no**"), (0.5, 0.4, "**no**")],
)
def test_a_goal_needs_both_ratios(ours, anthropic, reached):
    row = {"ours": Figure([ours]), "openai": Figure([1.0]), "anthropic": Figure([anthropic])}
    shown = as_markdown(report(times={"small": row}))
    assert f"| small request | {ours:.2f} | ≤ 0.60 | {ours / anthropic:.2f} | {reached} |" in shown


def test_a_failure_is_named_and_spoils_no_ratio():
    row = {"ours": Figure([1.0]), "openai": Figure(error="TypeError: a|b")}
    shown = report(times={"small": row})
    assert "| small | openai | TypeError: a\\|b |" in as_markdown(shown)
    assert as_json(shown)["calls"]["small"]["ours_against"] == {"openai": None}


def test_what_one_more_costs_is_free_of_the_base():
    cost = {"messages20": 1e-3, "messages200": 1e-3 + 180e-6, "messages2000": 4.78e-3}
    times = {row: {"ours": Figure([seconds])} for row, seconds in cost.items()}
    assert "| per message | 1.0 → 2.0 | – | – |" in as_markdown(report(times=times))


def test_only_what_is_between_the_marks_of_the_page_is_replaced():
    page = "before\n<!-- benchmarks -->\nold\n<!-- end of benchmarks -->\nafter\n"
    assert with_tables(page, "new\n") == page.replace("old", "\nnew\n")
    kept = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert with_tables(kept, "new\n") != kept


def test_a_tiny_run_measures_every_kind(tmp_path, capsys):
    target = tmp_path / "run.json"
    rows = "small,async-small,messages20,image,stream300,async-stream300,at-once1,footprint,start"
    chosen = ["--subjects", "ours,openai,anthropic", "--only", rows, "--json", str(target)]
    assert main(["--quick", "--rounds", "1", *chosen]) == 0
    told = json.loads(target.read_text(encoding="utf-8"))
    assert set(told["calls"]) | {"footprint", "start"} == set(rows.split(","))
    for group in ("calls", "starts"):
        for row in told[group].values():
            for name, figure in row["figures"].items():
                assert figure.get("median", 0) > 0, (name, figure)
    assert {name: found["packages"] > 5 for name, found in told["footprints"].items()} == {
        "ours": True,
        "openai": True,
        "anthropic": True,
    }
    assert "### Calls" in capsys.readouterr().out


@pytest.mark.parametrize("option", [["--only", "smal"], ["--subjects", "urs"]])
def test_an_unknown_name_is_answered_with_the_known_ones(option):
    with pytest.raises(SystemExit, match=r"there are .*(small|openai)"):
        main(option)
