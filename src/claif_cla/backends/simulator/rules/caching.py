"""Rules about `cache_control`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from claif_cla.backends.simulator.conversation import Turn, blocks_of
from claif_cla.backends.simulator.rejection import Rejection
from claif_cla.backends.simulator.rules.shapes import fail

__all__ = ["MAX_BREAKPOINTS", "check_cache_control"]

MAX_BREAKPOINTS = 4


def check_cache_control(payload: Mapping[str, Any], turns: Sequence[Turn]) -> None:
    """At most four breakpoints, none on empty text, longer lifetimes before shorter ones."""
    marks = list(_marks(payload, turns))
    automatic = payload.get("cache_control")
    found = len(marks) + (automatic is not None)
    if found > MAX_BREAKPOINTS:
        raise Rejection(
            f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. "
            f"Found {found}."
        )
    for path, block in marks:
        if block.get("type") == "text" and not block["text"]:
            fail(f"{path}.cache_control", "cache_control cannot be set for empty text blocks")
    places = [(path, block["cache_control"]) for path, block in marks]
    if automatic is not None:
        places.append(("", automatic))
    short = False
    for path, control in places:
        if control.get("ttl", "5m") == "5m":
            short = True
        elif short:
            fail(
                f"{path}.cache_control.ttl".lstrip("."),
                "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control "
                "block. Note that blocks are processed in the following order: `tools`, "
                "`system`, `messages`.",
            )


def _marks(
    payload: Mapping[str, Any], turns: Sequence[Turn]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What carries a breakpoint, in the order of the prompt."""
    for path, block in _prompt(payload, turns):
        if block.get("cache_control") is not None:
            yield path, block


def _prompt(
    payload: Mapping[str, Any], turns: Sequence[Turn]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, tool in enumerate(payload.get("tools") or ()):
        yield f"tools.{index}", tool
    for index, block in enumerate(blocks_of(payload.get("system"))):
        yield f"system.{index}", block
    for turn in turns:
        for path, block in turn.located():
            nested = blocks_of(block.get("content")) if block["type"] == "tool_result" else ()
            for place, inner in enumerate(nested):
                yield f"{path}.tool_result.content.{place}", inner
            yield path, block
