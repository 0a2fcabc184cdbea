from __future__ import annotations

from typing import get_args

import pytest
from anthropic.types.beta import BetaStopReason
from openai.types.chat.chat_completion import Choice

from claif_cla.translate.stop_reason import FINISH_REASONS, finish_reason

OF_OPENAI = set(get_args(Choice.model_fields["finish_reason"].annotation))


def test_every_stop_reason_of_the_sdk_is_known():
    assert set(FINISH_REASONS) == set(get_args(BetaStopReason))


def test_only_finish_reasons_of_openai_are_given():
    assert set(FINISH_REASONS.values()) < OF_OPENAI


@pytest.mark.parametrize(
    ("stop_reason", "without_calls", "with_calls"),
    [
        ("end_turn", "stop", "tool_calls"),
        ("stop_sequence", "stop", "tool_calls"),
        ("tool_use", "stop", "tool_calls"),
        ("max_tokens", "length", "length"),
        ("model_context_window_exceeded", "length", "length"),
        ("pause_turn", "length", "tool_calls"),
        ("compaction", "length", "length"),
        ("refusal", "content_filter", "content_filter"),
        ("of_the_future", "stop", "tool_calls"),
        (None, "stop", "tool_calls"),
        (["no", "string"], "stop", "tool_calls"),
    ],
)
def test_finish_reason_tells_of_calls_unless_the_answer_was_cut(
    stop_reason, without_calls, with_calls
):
    assert finish_reason(stop_reason, calls_tools=False) == without_calls
    assert finish_reason(stop_reason, calls_tools=True) == with_calls


def test_legacy_functions_finish_with_function_call():
    assert finish_reason("tool_use", calls_tools=True, legacy=True) == "function_call"
    assert finish_reason("end_turn", calls_tools=False, legacy=True) == "stop"
