"""How fast the simulator answers: time to first token, and tokens per second."""

from __future__ import annotations

import math
from dataclasses import dataclass

from claif_cla.backends.simulator.rejection import Rejection

__all__ = ["Pace"]

_MAX_SECONDS = 600.0
_GRAMMAR = "`ttft=SECONDS;tps=TOKENS_PER_SECOND`, either alone or both, as in `ttft=0.2;tps=50`"


@dataclass(frozen=True, slots=True)
class Pace:
    """A pace; the default is at once.

    Attributes:
        ttft: seconds until the answer begins, up to 600.
        tps: output tokens per second after that; None for no wait.
    """

    ttft: float = 0.0
    tps: float | None = None

    @classmethod
    def parse(cls, text: str) -> Pace:
        """Read `ttft=0.2;tps=50`.

        Raises:
            Rejection: 400, with the grammar, for anything else.
        """
        values: dict[str, float] = {}
        for part in filter(None, (piece.strip() for piece in text.split(";"))):
            name, _, amount = part.partition("=")
            try:
                value = float(amount)
            except ValueError:
                value = math.nan
            lowest = 0.0 if name == "ttft" else 1e-3
            if name not in ("ttft", "tps") or name in values or not lowest <= value < math.inf:
                raise Rejection(f"x-simulator-pace: `{part}` is not understood; write {_GRAMMAR}")
            values[name] = value
        if values.get("ttft", 0.0) > _MAX_SECONDS:
            raise Rejection(f"x-simulator-pace: ttft is at most {_MAX_SECONDS:g} seconds")
        return cls(values.get("ttft", 0.0), values.get("tps"))

    def seconds(self, tokens: int) -> float:
        """How long so many tokens take."""
        return 0.0 if self.tps is None else tokens / self.tps
