"""What every rule of a Chat Completions request may look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.catalog.model_info import ModelInfo
from claif_cla.translate.call import Settings
from claif_cla.translate.chat.tools import ToolBox
from claif_cla.translate.receipts import Receipts

__all__ = ["Context"]


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
        insistence: what Claude is told once more if it calls no tool though the caller forced a
            call that its model takes no force for.
        unfit: keys of thinking blocks that no longer fit the conversation; see `binding`.
        rich_messages, rich_turns: the caller's messages, and the turns of Claude's, that hold
            more than plain text. Who looks for something in the conversation looks there: most
            are long, and plain.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the facts of a request
        self,
        request: Mapping[str, Any],
        settings: Settings,
        model_id: str,
        model: ModelInfo,
        tools: ToolBox,
        receipts: Receipts,
        unfit: frozenset[str] = frozenset(),
    ) -> None:
        self.request = request
        self.settings = settings
        self.model_id = model_id
        self.model = model
        self.tools = tools
        self.receipts = receipts
        self.unfit = unfit
        self.instructions: list[str] = []
        self.insistence: list[str] = []
        self.rich_messages: list[Mapping[str, Any]] = []
        self.rich_turns: list[dict[str, Any]] = []
