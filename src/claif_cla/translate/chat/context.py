"""What every rule of a Chat Completions request may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from claif_cla.catalog.model_info import ModelInfo
from claif_cla.translate.call import Settings
from claif_cla.translate.chat.tools import ToolBox
from claif_cla.translate.receipts import Receipts

__all__ = ["Context"]


@dataclass(frozen=True, slots=True)
class Context:
    """One request under translation.

    Attributes:
        request: the caller's JSON; never changed.
        settings: of the client.
        model: the facts about the model that will answer.
        tools: the tools of the request, already translated: names in `messages` and
            `tool_choice` follow them.
        receipts: where adaptations are written down.
    """

    request: Mapping[str, Any]
    settings: Settings
    model: ModelInfo
    tools: ToolBox
    receipts: Receipts
