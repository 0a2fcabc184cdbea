"""Chunks as openai's own client puts them together, and what every list of chunks must keep."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
from openai.lib.streaming._deltas import accumulate_delta

from claif_cla.translate.receipts import Receipts

Chunks = list[dict[str, Any]]


def _folded(chunks: Chunks) -> dict[str, Any]:
    answer: dict[str, Any] = {"message": {}}
    for chunk in copy.deepcopy(chunks):
        for choice in chunk["choices"]:
            accumulate_delta(answer["message"], choice.pop("delta"))
            answer |= {key: value for key, value in choice.items() if value is not None}
        if chunk.get("usage"):
            answer["usage"] = chunk["usage"]
    return answer


def _judged(chunks: Chunks) -> None:
    """One id, created and model; the role first; one finish reason, last; calls as openai's."""
    assert len({(c["id"], c["created"], c["model"], c["object"]) for c in chunks}) == 1
    spoken = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    assert [c["choices"] for c in chunks[len(spoken) :]] in ([], [[]])
    assert [choice["delta"].get("role") for choice in spoken] == ["assistant"] + [None] * (
        len(spoken) - 1
    )
    assert all(choice["delta"] for choice in spoken[:-1])
    assert spoken[-1]["delta"] == {}
    reasons = [choice["finish_reason"] for choice in spoken]
    assert reasons[-1]
    assert reasons[:-1] == [None] * (len(spoken) - 1)
    _judge_calls([call for choice in spoken for call in choice["delta"].get("tool_calls", ())])


def _judge_calls(calls: list[dict[str, Any]]) -> None:
    seen = 0
    for call in calls:
        if call["index"] == seen:
            seen += 1
            assert {"id", "type"} < set(call)
            assert call[call["type"]]["name"]
        else:
            assert 0 <= call["index"] < seen
            assert set(call) == {"index", "function"}
            assert set(call["function"]) == {"arguments"}


@pytest.fixture(scope="session")
def folded() -> Callable[[Chunks], dict[str, Any]]:
    """`{"message": …, "finish_reason": …, "usage": …}` of chunks."""
    return _folded


@pytest.fixture(scope="session")
def judged() -> Callable[[Chunks], None]:
    """Asserts the grammar of a complete list of chunks."""
    return _judged


_SENTENCE = re.compile(r"[`'A-Z].*\.", re.DOTALL)
_BARE_ID = re.compile(r"(?<![`'\w/.-])claude-\w")


@pytest.fixture(autouse=True)
def _each_receipt_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test is about, its receipts read alike: sentences, with ids in backticks."""
    note = Receipts._note

    def read(self: Receipts, param: str, action: Any, detail: str) -> None:
        assert _SENTENCE.fullmatch(detail), detail
        assert not _BARE_ID.search(detail), detail
        note(self, param, action, detail)

    monkeypatch.setattr(Receipts, "_note", read)
