"""`python -m conformance`: the scoreboard of one subject."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from typing import Any

from conformance import all_checks
from conformance.board import MakeSubject, as_markdown, as_text, judge, stay_on_loopback
from conformance.subjects import AnyLLM, Claif, Gateway, LiteLLM
from loopback import LoopbackServer
from loopback.connection import Connection


def _claif(kind: str) -> list[MakeSubject]:
    import callers  # noqa: PLC0415  # others are tested where this package is not installed

    caller = getattr(callers, kind)
    return [lambda url: Claif(caller, url)]


NAMED: dict[str, Callable[[], list[MakeSubject]]] = {
    "claif": lambda: _claif("SyncCaller"),
    "claif-async": lambda: _claif("AsyncCaller"),
    "litellm": lambda: [LiteLLM, lambda url: LiteLLM(url, forgiving=True)],
    "any-llm": lambda: [AnyLLM],
}


class _FixedPort(LoopbackServer):
    """The fake upstream on a port that a gateway can be told beforehand."""

    wanted = 0

    async def _listen(self) -> asyncio.Server:
        make = lambda: Connection(self)  # noqa: E731  # the protocol's factory
        return await self._loop.create_server(make, "127.0.0.1", self.wanted, backlog=512)


def main(arguments: list[str] | None = None) -> int:
    """Run, print, and return 0 if every check passed."""
    options = _parser().parse_args(arguments)
    chosen = [check for check in all_checks() if check.name.startswith(tuple(options.only))]
    options_of_judge: dict[str, Any] = {}
    if options.subject_url:
        _FixedPort.wanted = options.upstream_port
        options_of_judge["server"] = _FixedPort
        settings: list[MakeSubject] = [lambda _: Gateway(options.subject_url, options.api_key)]
    else:
        settings = NAMED[options.subject]()
    stay_on_loopback()
    outcomes = judge(chosen, settings, **options_of_judge)
    name = options.subject_url or options.subject
    shown = as_markdown({name: outcomes}) if options.markdown else as_text(name, outcomes)
    print(shown)  # noqa: T201  # a command
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("--subject", choices=sorted(NAMED), default="claif")
    parser.add_argument("--subject-url", help="an OpenAI-compatible server, with its /v1")
    parser.add_argument(
        "--upstream-port",
        type=int,
        default=18_080,
        help="where that server looks for Claude on 127.0.0.1 (default: 18080)",
    )
    parser.add_argument("--api-key", default="sk-conformance", help="the server's own key")
    parser.add_argument(
        "--only", nargs="*", default=[""], help="beginnings of the names of checks, as `stream.`"
    )
    parser.add_argument("--markdown", action="store_true", help="a table instead of the list")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
