"""The survey of reported failures: each has its check, or a reason to have none.

The survey lies beside the checkout, as the recordings do, and the test that reads it skips
without it. What the project itself can tell is held in any case.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance import all_checks
from conformance.not_applicable import NOT_APPLICABLE

CHECKS = all_checks()
REPRODUCED = {number for check in CHECKS for number in check.reports}

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
SURVEY = ROOT.parent / "shared" / "reference" / "peer_bugs.md"
CASES = 89
"""How many of the survey concern Chat Completions in a client."""

_CASE = re.compile(r"^\*\*(\d+)\. \[", re.MULTILINE)


@pytest.mark.skipif(not SURVEY.exists(), reason=f"the survey is not at {SURVEY}")
def test_every_case_of_the_survey_has_its_check_or_a_reason() -> None:
    cases = {int(number) for number in _CASE.findall(SURVEY.read_text(encoding="utf-8"))}
    assert cases, "the survey has another form than it had"
    assert REPRODUCED | set(NOT_APPLICABLE) == cases


def test_no_case_has_both_a_check_and_a_reason_to_have_none() -> None:
    assert not REPRODUCED & set(NOT_APPLICABLE)


def test_no_reproduction_was_lost() -> None:
    assert len(REPRODUCED) == CASES


def test_the_page_lists_what_does_not_apply() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for failure, why in NOT_APPLICABLE.values():
        assert f"| {failure} | {why} |" in page
