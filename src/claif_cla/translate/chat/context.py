"""What every rule of a Chat Completions request may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
        model_id: the name that goes upstream.
        model: the facts about the model of that name.
        tools: the tools of the request, already translated: names in `messages` and
            `tool_choice` follow them.
        receipts: where adaptations are written down.
        instructions: sentences for Claude that stand in for what it has no field for; they
            make one system block after the caller's own.
        without_thinking: whether the thinking of the history is left out, since the API said
            that it does not fit the conversation.
    """

    request: Mapping[str, Any]
    settings: Settings
    model_id: str
    model: ModelInfo
    tools: ToolBox
    receipts: Receipts
    instructions: list[str] = field(default_factory=list)
    without_thinking: bool = False
