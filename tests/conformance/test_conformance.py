"""The checks, on our own clients."""

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


def test_there_are_enough_checks_and_their_names_can_be_read() -> None:
    assert len(CHECKS) >= 250
    for check in CHECKS:
        assert check.name.count(".") >= 1, check.name
        assert " " not in check.name
