"""`python -m benchmarks.gateway.soak`: many streams at once, then a long run; is it flat?"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path

import uvloop

from benchmarks.ambient import stay_on_loopback
from benchmarks.gateway.driver import Driver, Target, with_upstream
from benchmarks.gateway.subjects import HERE, MAKERS, Running, free_port, running

WORDS = 40
ROUNDS = 10
LEAVERS = 5
"""Each fifth caller leaves in the middle."""


def _leaves(number: int, heard: int) -> bool:
    return number % LEAVERS == 0 and heard == WORDS // 2


async def _soak(driver: Driver, gateway: Running, options: argparse.Namespace) -> None:
    driver.target = gateway.subject.target
    driver.leaves = _leaves
    load = await driver.run(options.streams, options.streams, WORDS)
    await asyncio.sleep(1)  # what was left may be noticed later: that is the question
    late = max(load.noticed, default=0.0)
    print(f"{options.streams:,} streams at once: {load.done:,} told, {load.failures} failed")
    print(
        f"left: {load.left:,}, noticed upstream: {len(load.noticed):,}, at the latest {late:.3f} s"
    )
    driver.leaves = None
    for at in range(ROUNDS):
        whole = await driver.run(64, options.requests // ROUNDS)
        streams = await driver.run(64, options.long_streams // ROUNDS, WORDS)
        print(
            f"round {at + 1}: {gateway.memory() / 1e6:.1f} MB, {driver.upstreams} connections"
            f" upstream, {whole.done + streams.done:,} answered,"
            f" {whole.failures + streams.failures} failed",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway.soak", description=__doc__)
    parser.add_argument("--streams", type=int, default=2_000, help="at once")
    parser.add_argument("--requests", type=int, default=200_000, help="afterwards, in ten rounds")
    parser.add_argument("--long-streams", type=int, default=20_000, help="likewise")
    options = parser.parse_args()
    stay_on_loopback()
    port = free_port()
    driver = Driver(Target(port))
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))

        async def work(driver: Driver) -> None:
            starting = running(MAKERS["ours"](port, place, HERE), place / "log")
            gateway = await asyncio.to_thread(stack.enter_context, starting)
            print(f"started: {gateway.memory() / 1e6:.1f} MB, in {gateway.ready_seconds:.2f} s")
            await _soak(driver, gateway, options)

        uvloop.run(with_upstream(port, work, driver))


if __name__ == "__main__":
    main()
