"""What comes of planning a Chat Completions request: all that is sent, and told of it later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from claif_cla.catalog.model_info import ModelInfo
from claif_cla.translate.chat.tools import ToolBox
from claif_cla.translate.receipts import Receipts
from claif_cla.wire import json_text
from claif_cla.wire.http import UpstreamRequest

__all__ = ["MESSAGES_PATH", "ORDER", "Plan"]

MESSAGES_PATH = "/v1/messages"
ORDER = ("model", "max_tokens", "stream", "system", "messages", "tools", "tool_choice")
"""Of the fields of a request; all others stand behind these, by their names."""


@dataclass(eq=False, repr=False)  # it holds a prompt; and what is not made costs no import
class Plan:
    """What to send, and what the answer needs to know about the request.

    Attributes:
        body: the Messages request.
        data: the same in bytes.
        headers, query: those of the upstream request.
        model: the facts about the model that it was made by.
        tools: the names and forms to translate the answer's tool calls back with.
        receipts: what was adapted.
        stream: whether the caller wants chunks. The upstream may be streamed without that.
        include_usage: whether the chunks end with the usage.
        n: how many answers the caller wants.
        breakpoints: where the prompt may be cached, and for how long.
        insistence: what to say, once, to an answer that makes none of the calls which the caller
            forced; empty where nothing is to be said.
        unfence: whether a code fence around the answer is none of it.
        remarks: what the caller should know about the model.
    """

    body: Mapping[str, Any]
    data: bytes
    headers: Mapping[str, str]
    query: str
    model: ModelInfo
    tools: ToolBox
    receipts: Receipts
    stream: bool
    include_usage: bool
    n: int = 1
    breakpoints: tuple[Mapping[str, str], ...] = ()
    insistence: str = ""
    unfence: bool = False
    remarks: tuple[str, ...] = ()

    def upstream(
        self, messages: list[Any] | None = None, container: str | None = None
    ) -> UpstreamRequest:
        """The request, or its continuation with other `messages` in the same `container`."""
        data = self.data
        if messages is not None:
            where = {} if container is None else {"container": container}
            data = json_text.dump_bytes({**self.body, **where, "messages": messages})
        return UpstreamRequest("POST", MESSAGES_PATH, self.headers, data, self.query)
