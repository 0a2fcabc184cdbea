"""The reported failures that no check reproduces, each with the reason.

They concern something else than answering Chat Completions in a client. What they describe is
told in words, since the survey that numbers them is not part of the project.
"""

from __future__ import annotations

__all__ = ["NOT_APPLICABLE", "Reason"]

from typing import NamedTuple


class Reason(NamedTuple):
    """What a reported failure is about, and why it has no check."""

    failure: str
    why: str


NOT_APPLICABLE: dict[int, Reason] = {
    20: Reason(
        "Reasoning items lost, or shown as text, in the Responses API",
        "another endpoint; the blocks behind them are judged by `replay.` and `answer.`",
    ),
    97: Reason(
        "Usage of 0 in the first event of `/v1/messages`, never corrected",
        "the reverse route, whose caller speaks Anthropic's API",
    ),
    155: Reason(
        "`count_tokens` missing, guessed, or hiding errors", "an endpoint of the reverse route"
    ),
    159: Reason(
        "Cache fields lost, or Anthropic's keys leaking into schemas, on `/v1/messages`",
        "the reverse route",
    ),
    160: Reason(
        "Keys bypassed by forged hosts, encoded paths, double headers",
        "a gateway's own access control",
    ),
    161: Reason(
        "Code that runs at the start of Python in a release",
        "a matter of the built package, not of an answer",
    ),
    169: Reason("`/v1/messages` refusing what Claude Code sends", "the reverse route"),
    170: Reason("`previous_response_id` losing the history", "the Responses API"),
    171: Reason("Statuses, error files and shortened ids of batches", "the Batch API"),
}
