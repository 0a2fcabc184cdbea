"""The process around the gateway: its event loop, and what its signals do."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from importlib import import_module
from typing import Any, TypeVar

__all__ = ["in_a_loop", "settle_collector", "signals"]

_Outcome = TypeVar("_Outcome")


def in_a_loop(course: Coroutine[Any, Any, _Outcome]) -> _Outcome:
    """Run to the end, on uvloop where there is one."""
    try:
        new_loop: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    except ImportError:
        new_loop = asyncio.new_event_loop
    loop = new_loop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(course)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()


def settle_collector() -> None:
    """Let Python's garbage collector look less often, and never again at what stays for good.

    A request makes a thousand objects and few cycles, and all of them die with it. Looking at each
    700th object, as Python does by default, took 8 % of the time of a request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@contextlib.contextmanager
def signals(actions: Mapping[str, Callable[[], None]]) -> Iterator[None]:
    """The actions as handlers, called in the event loop. Only the main thread may have any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    numbers = [getattr(signal, name) for name in actions if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        action = actions[signal.Signals(number).name]
        # Not the loop's own handlers, which Windows lacks. Both loops wake for these as well.
        signal.signal(number, lambda *_, action=action: loop.call_soon_threadsafe(action))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
