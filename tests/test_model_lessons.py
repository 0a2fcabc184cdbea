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


def test_a_lesson_holds_for_a_day():
    now = [0.0]
    lessons, model = ModelLessons(clock=lambda: now[0]), lookup("claude-zeta-1")
    lessons.learn(model)
    now[0] = model_lessons.LIFETIME
    assert lessons.facts(model.id) == model
    now[0] += 1
    assert lessons.facts(model.id) is None
    lessons.learn(model)
    assert lessons.facts(model.id) == model


def test_lessons_are_bounded_and_the_oldest_goes_first(monkeypatch):
    monkeypatch.setattr(model_lessons, "MAX_MODELS", 2)
    lessons = ModelLessons()
    for name in ("claude-a", "claude-b", "claude-a", "claude-c"):
        lessons.learn(lookup(name))
    assert lessons.facts("claude-b") is None
    assert lessons.facts("claude-a") is not None
