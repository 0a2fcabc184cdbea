"""A deadline for what one task does, at the price of one timer.

`anyio`'s cancel scope does more (it can be cancelled by others, and holds against tasks that fight
back), and costs each request a tenth of what the gateway may take.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from typing_extensions import Self

__all__ = ["Deadline"]


class Deadline:
    """A context manager: `with Deadline(seconds) as deadline: …`, and then look at `passed`.

    What runs within is cancelled at that time and left in silence. A cancellation that comes from
    elsewhere goes on its way, also one that comes at the same time (on Python 3.10, which does not
    count them, that one is lost).

    Args:
        seconds: from its beginning on; none or less: what runs within gets to its first wait.
        loop: that runs; up to Python 3.11 it takes a system call to find it.

    Attributes:
        passed: whether it was left because the time had come.
    """

    __slots__ = ("_loop", "_seconds", "_task", "_timer", "passed")

    def __init__(self, seconds: float, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._seconds, self._loop = seconds, loop
        self.passed = False

    def __enter__(self) -> Self:
        loop = self._loop or asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - only tasks can be cancelled
        self._task = task
        self._timer = loop.call_later(self._seconds, self._end)
        return self

    def _end(self) -> None:
        self.passed = True
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self._timer.cancel()
        if not self.passed:
            return False
        # The cancellation is raised where the task waits, so that nothing of it is left over here.
        others = getattr(self._task, "uncancel", int)()
        return kind is asyncio.CancelledError and not others
