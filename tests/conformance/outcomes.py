"""What a caller got, in one form for all subjects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Answer", "Chunks", "Stream", "plain", "reasoning_of"]

Chunks = Iterator[dict[str, Any]]


def plain(value: Any) -> dict[str, Any]:
    """A completion or chunk as plain data, with the extra fields that it carries."""
    if isinstance(value, dict):
        return value
    dumped: dict[str, Any] = value.model_dump(warnings=False)
    return dumped


def reasoning_of(message: dict[str, Any]) -> str:
    """The text of the reasoning in a message or delta, under either name that is in use."""
    found = message.get("reasoning_content") or message.get("reasoning") or ""
    return (found.get("content") or "") if isinstance(found, dict) else found


class Answer:
    """A whole completion."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.dump = plain(raw)

    @property
    def choice(self) -> dict[str, Any]:
        first: dict[str, Any] = self.dump["choices"][0]
        return first

    @property
    def message(self) -> dict[str, Any]:
        first: dict[str, Any] = self.choice["message"]
        return first

    @property
    def text(self) -> str | None:
        return self.message["content"]

    @property
    def calls(self) -> list[dict[str, Any]]:
        return self.message.get("tool_calls") or []

    @property
    def finish(self) -> str | None:
        return self.choice["finish_reason"]

    @property
    def usage(self) -> dict[str, Any]:
        return self.dump.get("usage") or {}

    @property
    def reasoning(self) -> str:
        return reasoning_of(self.message)

    @property
    def echo(self) -> Any:
        """The message as agents append it to the history: the object itself."""
        return self.raw.choices[0].message

    @property
    def stripped(self) -> dict[str, Any]:
        """The message as a client rebuilds it that knows OpenAI's fields only."""
        rebuilt = {"role": "assistant", "content": self.text}
        if self.calls:
            known = ("id", "type", "function")
            rebuilt["tool_calls"] = [{key: call[key] for key in known} for call in self.calls]
        return rebuilt


@dataclass
class Stream:
    """A stream read to its end, or to its error."""

    chunks: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None

    @classmethod
    def read(cls, chunks: Iterable[dict[str, Any]]) -> Stream:
        stream = cls()
        try:
            for chunk in chunks:
                stream.chunks.append(chunk)
        except Exception as error:  # noqa: BLE001  # which one is for the check to say
            stream.error = error
        return stream

    @property
    def choices(self) -> list[dict[str, Any]]:
        return [choice for chunk in self.chunks for choice in chunk.get("choices") or []]

    @property
    def deltas(self) -> list[dict[str, Any]]:
        return [choice.get("delta") or {} for choice in self.choices]

    @property
    def text(self) -> str:
        return "".join(delta.get("content") or "" for delta in self.deltas)

    @property
    def reasoning(self) -> str:
        return "".join(reasoning_of(delta) for delta in self.deltas)

    @property
    def finishes(self) -> list[str]:
        reasons = (choice.get("finish_reason") for choice in self.choices)
        return [reason for reason in reasons if reason]

    @property
    def finish(self) -> str | None:
        return self.finishes[-1] if self.finishes else None

    @property
    def call_deltas(self) -> list[dict[str, Any]]:
        return [call for delta in self.deltas for call in delta.get("tool_calls") or []]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The calls, put together by index as clients do: ids and names concatenated."""
        made: dict[int, dict[str, Any]] = {}
        for delta in self.call_deltas:
            call = made.setdefault(
                delta["index"], {"id": "", "function": {"name": "", "arguments": ""}}
            )
            call["id"] += delta.get("id") or ""
            for key, value in (delta.get("function") or {}).items():
                if key in call["function"]:
                    call["function"][key] += value or ""
        return [made[index] for index in sorted(made)]

    @property
    def usage(self) -> dict[str, Any]:
        found = [chunk["usage"] for chunk in self.chunks if chunk.get("usage")]
        return found[-1] if found else {}
