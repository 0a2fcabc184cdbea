"""What a check is, and the list of all of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conformance.bench import Bench

__all__ = ["MODULES", "Check", "all_checks", "check", "expects", "refuses"]

MODULES = (
    "request_messages",
    "request_tools",
    "request_tool_choice",
    "tool_names",
    "request_params",
    "request_sampling",
    "request_media",
    "request_headers",
    "schemas",
    "structured",
    "thinking",
    "answers",
    "reasoning",
    "citations",
    "streams",
    "stream_order",
    "transport",
    "errors",
    "error_bodies",
    "multi_turn",
    "caching",
    "usage",
    "clients",
    "runtime",
    "ours",
)


@dataclass(frozen=True)
class Check:
    """One named expectation.

    Attributes:
        name: `group.what_must_hold`; stable, since scoreboards are compared by it.
        run: makes the calls on a `Bench` and asserts; returns nothing.
        reports: numbers of the reported failures of translators that it reproduces, in the
            project's survey of them.
        ours: whether it tests an extension or a choice of this package, which says nothing about
            others.
        needs: what the subject must be able to do for the check to apply: `client` for the
            methods of the openai client beside `create`, `exceptions` for openai's classes of
            them, `key` for being given the upstream's key, `own` for this package's constructor.
        awaits: a feature that this package does not have yet; its check is expected to fail.
    """

    name: str
    run: Callable[[Bench], None]
    reports: tuple[int, ...] = ()
    ours: bool = False
    needs: frozenset[str] = frozenset()
    awaits: str | None = None

    @property
    def group(self) -> str:
        return self.name.partition(".")[0]


_CHECKS: dict[str, Check] = {}


def check(
    name: str, *reports: int, ours: bool = False, needs: str = "", awaits: str | None = None
) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
    """Register the function as a check; see `Check`. Raises ValueError for a name used twice."""

    def registered(run: Callable[[Bench], None]) -> Callable[[Bench], None]:
        if name in _CHECKS:
            raise ValueError(f"two checks are named {name!r}")
        _CHECKS[name] = Check(name, run, reports, ours, frozenset(needs.split()), awaits)
        return run

    return registered


def all_checks() -> list[Check]:
    """Every check, by group, in the order of definition within it."""
    for module in MODULES:
        importlib.import_module(f"conformance.{module}")
    return sorted(_CHECKS.values(), key=lambda one: one.group)


def expects(  # each says one thing about a check
    name: str,
    *reports: int,
    wire: dict[str, Any] | None = None,
    without: str = "",
    ours: bool = False,
    awaits: str | None = None,
    **request: Any,
) -> None:
    """Register a check of one request: what its body on the wire must and must not hold.

    Args:
        name: see `Check`.
        reports: see `Check`.
        wire: values by path (`tools.0.name`), compared with `==`.
        without: paths that must be absent, separated by white space.
        ours: see `Check`.
        awaits: see `Check`.
        request: the request; `messages` and `model` have defaults.
    """

    def run(bench: Bench) -> None:
        bench.ask(**request)
        for path, value in (wire or {}).items():
            assert bench.sent(path) == value, f"{path} is {bench.sent(path)!r}, not {value!r}"
        for path in without.split():
            assert bench.sent(path) is None, f"{path} is {bench.sent(path)!r}, not absent"
        bench.legal()

    check(name, *reports, ours=ours, awaits=awaits)(run)


def refuses(  # each says one thing about a check
    name: str,
    *reports: int,
    param: str | None = None,
    late: bool = True,
    ours: bool = False,
    **request: Any,
) -> None:
    """Register a check that the request is refused as OpenAI would.

    Args:
        name: see `Check`.
        reports: see `Check`.
        param: the beginning of the exception's `param`, where the subject has OpenAI's fields.
        late: whether it is enough, for a subject without such fields, to send what the API
            itself refuses.
        ours: see `Check`.
        request: the request.
    """

    def run(bench: Bench) -> None:
        try:
            error = bench.fails(**request)
        except AssertionError:
            if bench.subject.openai_errors or not late or not bench.complaints():
                raise
            return
        bench.is_refusal(error)
        if param is not None and bench.subject.openai_errors:
            found = str(getattr(error, "param", None))
            assert found.startswith(param), f"param is {found!r}, not {param!r}"

    check(name, *reports, ours=ours)(run)
