"""What the API has taught a client about models: facts that correct the catalogue's.

Shared by a client and its copies, as long as they talk to the same server; see
`translate.chat.lessons` for how a lesson comes about.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from claif_cla.after_fork import lock_across_forks
from claif_cla.catalog.model_info import ModelInfo

__all__ = ["LIFETIME", "MAX_MODELS", "ModelLessons"]

MAX_MODELS = 256
"""Models that are kept; the one that was corrected longest ago is forgotten first."""


LIFETIME = 24 * 3600.0
"""Seconds for which a lesson holds: what the API refused for a while may come back, and a wrong
lesson must not outlive the day. The price is one refused request."""


class ModelLessons:
    """Corrected facts by the model's id in the catalogue. Safe to share between threads.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._facts: OrderedDict[str, tuple[float, ModelInfo]] = OrderedDict()
        self._lock = lock_across_forks()
        self._clock = clock

    def facts(self, model_id: str) -> ModelInfo | None:
        """The corrected facts; None where nothing was learnt, or too long ago."""
        if not self._facts:  # as nearly always
            return None
        with self._lock:
            learnt, facts = self._facts.get(model_id, (0.0, None))
            return facts if facts is not None and self._clock() - learnt <= LIFETIME else None

    def learn(self, facts: ModelInfo) -> None:
        """Keep `facts` for their model, in place of earlier ones."""
        with self._lock:
            self._facts[facts.id] = (self._clock(), facts)
            self._facts.move_to_end(facts.id)
            if len(self._facts) > MAX_MODELS:
                self._facts.popitem(last=False)
