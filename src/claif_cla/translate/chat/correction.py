"""A request that the API refused, translated once more as its refusal teaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from claif_cla.errors import Refusal
from claif_cla.translate.call import Call
from claif_cla.translate.chat.lessons import Lesson, lesson_of
from claif_cla.translate.chat.plan import Plan
from claif_cla.translate.chat.request import plan_request
from claif_cla.translate.flow import Answer

__all__ = ["Correction", "corrected"]

MAX_QUOTE = 300
"""Characters of the API's words in a receipt."""


class Correction(NamedTuple):
    """A plan to try instead, and what it was made by."""

    plan: Plan
    lesson: Lesson

    def keep(self, call: Call) -> None:
        """Remember the lesson for later calls: the API has taken the plan.

        Not under a version of the API that the caller chose: what that one refuses may be fine
        under the one that we choose.
        """
        lessons = call.settings.lessons
        ours = "anthropic-version" not in call.headers
        if lessons is not None and self.lesson.lasting and ours:
            lessons.learn(self.lesson.facts)


def corrected(plan: Plan, call: Call, answer: Answer) -> Correction | None:
    """The plan to try after the error `answer` to `plan`; None where there is no better one.

    Under `strict` there is none if the correction needs an adaptation.
    """
    said = _refusal_of(answer)
    lesson = lesson_of(said, plan.model, plan.body) if said else None
    if lesson is None:
        return None
    try:
        better = plan_request(call, lesson)
    except Refusal:
        return None
    if (better.data, better.headers) == (plan.data, plan.headers):
        return None
    if lesson.facts != plan.model and call.settings.compat != "strict":
        better.receipts.adapt("model", f"The API said: {said[:MAX_QUOTE].removesuffix('.')}.")
    return Correction(better, lesson)


def _refusal_of(answer: Answer) -> str:
    """The message of a 400; empty for any other answer, which the request is not to blame for."""
    error = answer.body.get("error") if isinstance(answer.body, Mapping) else None
    if answer.status != 400 or not isinstance(error, Mapping):
        return ""
    return str(error.get("message") or "")
