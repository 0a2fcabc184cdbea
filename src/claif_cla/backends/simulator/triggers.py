"""Words in the user's last text that make the simulator do something special.

| in the text | effect |
|---|---|
| `[[simulator:refusal]]`, `[[simulator:refusal=bio]]` | `stop_reason: refusal` with no content |
| `[[simulator:late-refusal]]` | the same, after some text |
| `[[simulator:pause]]`, `[[simulator:pause=2]]` | `stop_reason: pause_turn`, once or so often |
| `[[simulator:redacted-thinking]]` | a `redacted_thinking` block before the thinking |
| `[[simulator:empty]]` | an answer without content, as Claude gives after some tool results |
| `write 500 words` | an answer of that many words, at most 100,000 |

Anthropic's own test strings for refusals and redacted thinking work as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["MAX_WORDS", "Triggers"]

MAX_WORDS = 100_000
_MAX_PAUSES = 100
_MARK = re.compile(
    r"\[\[simulator:(?P<name>refusal|late-refusal|pause|redacted-thinking|empty)"
    r"(?:=(?P<value>\w{1,32}))?\]\]"
)
_WORDS = re.compile(r"\bwrite (?P<count>\d{1,6}) words\b", re.IGNORECASE)
_REFUSAL = "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL"
_REDACTED = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING"
_CATEGORIES = ("cyber", "bio", "frontier_llm", "reasoning_extraction", "general_harms")


@dataclass(frozen=True, slots=True)
class Triggers:
    """What a text asks the simulator for.

    Attributes:
        refusal: whether to refuse.
        late: whether the refusal comes after some text.
        category: of the refusal; None where it has none.
        pauses: how often the turn pauses before it ends.
        redacted: whether thinking is partly redacted.
        empty: whether the answer has no content.
        words: length of the answer, None for the usual one.
    """

    refusal: bool = False
    late: bool = False
    category: str | None = None
    pauses: int = 0
    redacted: bool = False
    empty: bool = False
    words: int | None = None

    @classmethod
    def read(cls, text: str) -> Triggers:
        """The triggers in a text."""
        marks = {mark["name"]: mark["value"] or "" for mark in _MARK.finditer(text)}
        count = _WORDS.search(text)
        category = marks.get("refusal") or marks.get("late-refusal") or ""
        pauses = marks.get("pause")
        return cls(
            refusal="refusal" in marks or "late-refusal" in marks or _REFUSAL in text,
            late="late-refusal" in marks,
            category=category if category in _CATEGORIES else None,
            pauses=0
            if pauses is None
            else min(_MAX_PAUSES, int(pauses) if pauses.isdigit() else 1),
            redacted="redacted-thinking" in marks or _REDACTED in text,
            empty="empty" in marks,
            words=None if count is None else min(MAX_WORDS, int(count["count"])),
        )
