"""Checks of one answer that must hold for the whole answer and for its stream alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.bench import Bench
from conformance.outcomes import Answer, Stream
from conformance.registry import check

__all__ = ["Got", "both"]

Got = Answer | Stream


def both(
    name: str,
    *reports: int,
    blocks: list[Any],
    request: dict[str, Any] | None = None,
    ours: bool = False,
    awaits: str | None = None,
    **options: Any,
) -> Callable[[Callable[[Got], None]], Callable[[Got], None]]:
    """Register `answer.{name}` and `stream.{name}`: what must hold of either.

    Args:
        name: without the group.
        reports, ours, awaits: see `Check`.
        blocks: what the upstream answers.
        request: fields of the request.
        options: of `Bench.says`.
    """
    params = request or {}

    def registered(judge: Callable[[Got], None]) -> Callable[[Got], None]:
        def whole(bench: Bench) -> None:
            bench.says(*blocks, **options)
            judge(bench.ask(**params))

        def streamed(bench: Bench) -> None:
            bench.says(*blocks, **options)
            stream = bench.stream(**params)
            assert stream.error is None, f"the stream raised {stream.error!r}"
            judge(stream)

        check(f"answer.{name}", *reports, ours=ours, awaits=awaits)(whole)
        check(f"stream.{name}", *reports, ours=ours, awaits=awaits)(streamed)
        return judge

    return registered
