"""What the API has taught a client about models: facts that correct the catalogue's.

Shared by a client and its copies, as long as they talk to the same server; see
`translate.chat.lessons` for how a lesson comes about.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from claif_cla.catalog.model_info import ModelInfo

__all__ = ["MAX_MODELS", "ModelLessons"]

MAX_MODELS = 256
"""Models that are kept; the one that was corrected longest ago is forgotten first."""


class ModelLessons:
    """Corrected facts by the model's id in the catalogue. Safe to share between threads."""

    def __init__(self) -> None:
        self._facts: OrderedDict[str, ModelInfo] = OrderedDict()
        self._lock = threading.Lock()

    def facts(self, model_id: str) -> ModelInfo | None:
        """The corrected facts; None where nothing was learnt."""
        with self._lock:
            return self._facts.get(model_id)

    def learn(self, facts: ModelInfo) -> None:
        """Keep `facts` for their model, in place of earlier ones."""
        with self._lock:
            self._facts[facts.id] = facts
            self._facts.move_to_end(facts.id)
            if len(self._facts) > MAX_MODELS:
                self._facts.popitem(last=False)
