from __future__ import annotations

import pytest

from claif_cla.catalog.model_info import lookup
from claif_cla.translate.chat.binding import thinking_key
from claif_cla.translate.chat.lessons import lesson_of

MODEL = lookup("claude-opus-4-8")._replace(
    sampling="any",
    prefill=True,
    fast_mode="ga",
    max_output_tokens=64_000,
)
LEVELS = MODEL.effort_levels


def learnt(said, body=None, model=MODEL):
    """The facts that differ after a refusal."""
    lesson = lesson_of(said, model, body or {})
    if lesson is None:
        return {}
    return {
        name: fact for name, fact in lesson.facts._asdict().items() if fact != getattr(model, name)
    }


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("`temperature` is deprecated for this model.", {"sampling": "none"}),
        ("temperature: Extra inputs are not permitted", {"sampling": "none"}),
        ("top_k: Extra inputs are not permitted", {"sampling": "none"}),
        ("`temperature` may only be set to 1 for this model.", {"sampling": "none"}),
        (
            (
                "`temperature` and `top_p` cannot both be specified for this model. "
                "Please use only one."
            ),
            {"sampling": "one_of"},
        ),
        ("role 'system' is not supported on this model", {"mid_conversation_system": False}),
        (
            (
                'messages: Unexpected role "system". The Messages API accepts a top-level `system`'
                ' parameter, not "system" as an input message role.'
            ),
            {"mid_conversation_system": False},
        ),
        (
            (
                "tool_choice: type 'any' forces tool use, which is not supported on this model. "
                "Use type 'auto'."
            ),
            {"forced_tool_choice": False},
        ),
        (
            (
                "This model does not support assistant message prefill. The conversation must end "
                "with a user message."
            ),
            {"prefill": False},
        ),
        ("Prefilling assistant messages is not supported for this model.", {"prefill": False}),
        (
            "output_config.format: structured outputs are not supported on this model",
            {"structured_outputs": False},
        ),
        ("output_config.format: Extra inputs are not permitted", {"structured_outputs": False}),
        ("tools.0.custom.strict: Extra inputs are not permitted", {"structured_outputs": False}),
        (
            "output_config: Extra inputs are not permitted",
            {"structured_outputs": False, "effort_levels": (), "default_effort": None},
        ),
        ("speed: fast mode is not supported on this model", {"fast_mode": None}),
        ("speed: Extra inputs are not permitted", {"fast_mode": None}),
        (
            "This model does not support the effort parameter.",
            {"effort_levels": (), "default_effort": None},
        ),
        (
            "output_config.effort: Extra inputs are not permitted",
            {"effort_levels": (), "default_effort": None},
        ),
        (
            "max_tokens: 64000 > 32000, which is the maximum allowed number of output tokens for x",
            {"max_output_tokens": 32_000},
        ),
    ],
)
def test_a_refusal_corrects_the_fact_that_it_speaks_of(said, facts):
    expected = {name: value for name, value in facts.items() if getattr(MODEL, name) != value}
    assert learnt(said) == expected
    assert learnt(said)


def test_an_effort_that_is_refused_is_left_out_of_the_levels():
    said = "This model does not support effort level 'xhigh'."
    body = {"output_config": {"effort": "xhigh"}}
    assert learnt(said, body) == {"effort_levels": tuple(x for x in LEVELS if x != "xhigh")}
    assert learnt(said) == {}


def test_levels_that_are_named_are_the_levels():
    said = "This model does not support effort level 'xhigh'. Supported levels: high, low, max."
    assert learnt(said) == {"effort_levels": ("low", "high", "max")}


@pytest.mark.parametrize(
    ("said", "kind", "types"),
    [
        ("adaptive thinking is not supported on this model", "adaptive", {"disabled"}),
        ('"thinking.type.disabled" is not supported for this model.', "disabled", {"adaptive"}),
        (
            (
                '"thinking.type.disabled" is not supported for this model. '
                'Use "thinking.type.between_tools" instead.'
            ),
            "disabled",
            {"adaptive", "between_tools"},
        ),
        (
            (
                '"thinking.type.enabled" is not supported for this model. Use '
                '"thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
            ),
            "enabled",
            {"adaptive", "disabled"},
        ),
    ],
)
def test_a_kind_of_thinking_that_is_refused_makes_room_for_the_others(said, kind, types):
    thinking = MODEL.thinking._replace(types=frozenset({"adaptive", "disabled", kind}))
    model = MODEL._replace(thinking=thinking)
    facts = learnt(said, {"thinking": {"type": kind}}, model)
    assert facts["thinking"].types == types


@pytest.mark.parametrize(
    "said",
    [
        "",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "max_tokens: Field required",
        "temperature: range: 0..1",
        "`temperature` may only be set to 1 when thinking is enabled.",
        "Thinking may not be enabled when tool_choice forces tool use.",
        "tool_choice may only be specified while providing tools",
        "Prefilling assistant messages is not supported with `output_config.format`.",
        "output_config.format.schema: For 'integer' type, properties minimum are not supported",
        "output_config.format.schema: this model's schema type 'x' is not supported",
        "tools.0.custom.input_schema: input_schema does not support oneOf at the top level",
        (
            "\"thinking.type.disabled\" is not supported with effort level 'max'. Use effort level "
            "'high' or lower."
        ),
        "messages.1: role 'system' must follow a 'user' message",
        "File 'file_1' is not downloadable",
        "messages.0.content.0.text: Extra inputs are not permitted",
        "Your credit balance is too low to access the Anthropic API.",
    ],
)
def test_what_is_no_fact_about_the_model_teaches_nothing(said):
    body = {"output_config": {"effort": "max"}, "thinking": {"type": "disabled"}}
    assert lesson_of(said, MODEL, body) is None


def test_what_is_known_already_teaches_nothing():
    model = MODEL._replace(sampling="none")
    assert lesson_of("`temperature` is deprecated for this model.", model, {}) is None


@pytest.mark.parametrize(
    "said",
    [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
        (
            "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to "
            "a different conversation: the system prompt, the tools or the messages before it have "
            "changed."
        ),
        (
            "messages.5.content.0: `thinking` or `redacted_thinking` blocks in the latest "
            "assistant message cannot be modified. These blocks must remain as they were in the "
            "original response."
        ),
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`.",
    ],
)
def test_thinking_that_does_not_fit_is_left_out_of_that_request_only(said):
    thought = {"type": "thinking", "thinking": "", "signature": "s"}
    body = {"messages": [{"role": "assistant", "content": [thought, {"type": "text"}]}]}
    lesson = lesson_of(said, MODEL, body)
    assert (lesson.facts, lesson.lasting) == (MODEL, False)
    assert lesson.unfit == {thinking_key(thought)}


@pytest.mark.parametrize(
    "said",
    [
        "Schema is too complex for compilation.",
        "Too many strict tools (21). The maximum number of strict tools supported is 20.",
        (
            "Schemas contains too many optional parameters (30), which would make grammar "
            "compilation inefficient."
        ),
    ],
)
def test_strict_tools_that_are_too_much_are_loosened_for_that_request_only(said):
    lesson = lesson_of(said, MODEL, {})
    assert not lesson.facts.structured_outputs
    assert not lesson.lasting
    assert lesson_of(said, MODEL, {"output_config": {"format": {}}}) is None
