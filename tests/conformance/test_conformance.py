"""The checks, on our own clients; and that there are all that the survey asks for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from callers import AsyncCaller, SyncCaller
from conformance import Check, all_checks
from conformance.bench import Bench
from conformance.subjects import Claif

CHECKS = all_checks()


def marked(check: Check) -> Any:
    marks = [pytest.mark.xfail(strict=True, reason=check.awaits)] if check.awaits else []
    return pytest.param(check, id=check.name, marks=marks)


@pytest.fixture(params=[SyncCaller, AsyncCaller], ids=["sync", "async"])
def subject(request: pytest.FixtureRequest, server: Any) -> Iterator[Claif]:
    made = Claif(request.param, server.url)
    yield made
    made.close()


@pytest.mark.parametrize("check", [marked(check) for check in CHECKS])
def test_our_client_meets(check: Check, subject: Claif, server: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an adaptation is no fault here
        check.run(Bench(subject, server))


CHAT_COMPLETIONS = {
    *(1, 3, 4, 6, 7, 8, 9, 10, 13, 16, 17, 21, 23, 28, 33, 34, 35, 36, 37, 39, 42, 45, 46, 48),
    *(51, 52, 53, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 67, 68, 69, 71, 74, 76, 77, 78, 79, 80),
    *(81, 82, 83, 85, 87, 88, 89, 93, 94, 95, 96, 103, 105, 106, 107, 108, 114, 117, 118, 120),
    *(121, 123, 124, 128, 132, 133, 134, 135, 137, 138, 139, 143, 145, 146, 149, 150, 152, 154),
    *(158, 164, 165, 166),
}
"""The reported failures that concern Chat Completions in a client."""


def test_every_reported_failure_has_a_check() -> None:
    reproduced = {number for check in CHECKS for number in check.reports}
    assert reproduced == CHAT_COMPLETIONS


def test_there_are_enough_checks_and_their_names_can_be_read() -> None:
    assert len(CHECKS) >= 250
    for check in CHECKS:
        assert check.name.count(".") >= 1, check.name
        assert " " not in check.name
