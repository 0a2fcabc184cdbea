from __future__ import annotations

from claif_cla import model_lessons
from claif_cla.catalog.model_info import lookup
from claif_cla.model_lessons import ModelLessons


def test_what_was_learnt_last_counts():
    lessons, first, second = ModelLessons(), lookup("claude-zeta-1"), lookup("claude-zeta-2")
    assert lessons.facts(first.id) is None
    lessons.learn(first)
    lessons.learn(second)
    assert (lessons.facts(first.id), lessons.facts(second.id)) == (first, second)


def test_lessons_are_bounded_and_the_oldest_goes_first(monkeypatch):
    monkeypatch.setattr(model_lessons, "MAX_MODELS", 2)
    lessons = ModelLessons()
    for name in ("claude-a", "claude-b", "claude-a", "claude-c"):
        lessons.learn(lookup(name))
    assert lessons.facts("claude-b") is None
    assert lessons.facts("claude-a") is not None
