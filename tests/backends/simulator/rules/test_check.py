"""Each rule, by the request that breaks it and the message that says so."""

from __future__ import annotations

import base64
import struct

import pytest

ADAPTIVE = "claude-sonnet-5-5"
ENABLED = "claude-haiku-4-5"
TOOL = {"name": "look", "input_schema": {"type": "object"}}
FORMAT = {"format": {"type": "json_schema", "schema": {"type": "string"}}}


def png(width=1, height=1):
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"
    return base64.b64encode(head + struct.pack(">II", width, height) + b"\x08\x02\0\0\0").decode()


def user(*blocks):
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks):
    return {"role": "assistant", "content": list(blocks)}


def system(text="Be terse."):
    return {"role": "system", "content": text}


def text(words="words", **more):
    return {"type": "text", "text": words, **more}


def call(identity="toolu_1", name="look", **more):
    return {"type": "tool_use", "id": identity, "name": name, "input": {}, **more}


def result(identity="toolu_1", **more):
    return {"type": "tool_result", "tool_use_id": identity, **more}


def image(data=None, media_type="image/png", **more):
    source = {"type": "base64", "media_type": media_type, "data": data or png()}
    return {"type": "image", "source": source, **more}


def pdf(data):
    data = base64.b64encode(data).decode()
    source = {"type": "base64", "media_type": "application/pdf", "data": data}
    return {"type": "document", "source": source}


def document(**more):
    source = {"type": "text", "media_type": "text/plain", "data": "words"}
    return {"type": "document", "source": source, **more}


def server_call(identity="srvtoolu_1"):
    return {"type": "server_tool_use", "id": identity, "name": "web_search", "input": {}}


def server_result(identity="srvtoolu_1"):
    return {"type": "web_search_tool_result", "tool_use_id": identity, "content": []}


EPHEMERAL = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
EXTRA = "Extra inputs are not permitted"
UNANSWERED = "`tool_use` ids were found without `tool_result` blocks immediately after: toolu_1"
EMPTY = "all messages must have non-empty content except for the optional final assistant message"

FIELDS = [
    ({"max_tokens": ...}, "max_tokens: Field required"),
    ({"model": ...}, "model: Field required"),
    ({"messages": ...}, "messages: Field required"),
    ({"messages": []}, "messages: at least one message is required"),
    ({"messages": "hi"}, "messages: Input should be a valid list"),
    ({"messages": ["hi"]}, "messages.0: Input should be an object"),
    ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    ({"messages": [{"content": "x"}]}, "messages.0.role: Field required"),
    ({"stranger": 1}, f"stranger: {EXTRA}"),
    ({"temperature": 1}, f"temperature: {EXTRA}"),
    ({"top_p": 0.5}, f"top_p: {EXTRA}"),
    ({"top_k": 5}, f"top_k: {EXTRA}"),
    ({"context_management": {}}, f"context_management: {EXTRA}"),
    ({"max_tokens": "many"}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
    ({"stream": "yes"}, "stream: Input should be a valid boolean"),
    ({"metadata": {"user": "x"}}, f"metadata.user: {EXTRA}"),
    ({"service_tier": "fast"}, "service_tier: Input should be 'auto' or 'standard_only'"),
    ({"stop_sequences": "x"}, "stop_sequences: Input should be a valid list"),
    ({"stop_sequences": [1]}, "stop_sequences.0: Input should be a valid string"),
    (
        {"stop_sequences": ["\n"]},
        "stop_sequences: each stop sequence must contain non-whitespace",
    ),
    (
        {"messages": [{"role": "tool", "content": "x"}]},
        "messages.0.role: Input should be 'user', 'assistant' or 'system'",
    ),
    (
        {"messages": [user({"type": "text"})]},
        "messages.0.content.0.text.text: Field required",
    ),
    (
        {"messages": [user({"type": "text", "text": "a", "index": 0})]},
        f"messages.0.content.0.text.index: {EXTRA}",
    ),
    ({"messages": [user({"text": "a"})]}, "messages.0.content.0.type: Field required"),
    (
        {"messages": [user(call("a.b"))]},
        "messages.0.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
    ),
]

TURNS = [
    ([assistant(text()), user(text())], 'messages: first message must use the "user" role'),
    ([user()], f"messages.0: {EMPTY}"),
    ([{"role": "user", "content": ""}], f"messages.0: {EMPTY}"),
    ([user(text()), assistant(), user(text())], f"messages.1: {EMPTY}"),
    ([user(text(""))], "messages: text content blocks must be non-empty"),
    ([user(text(" \n"))], "messages: text content blocks must contain non-whitespace text"),
    (
        [{"role": "user", "content": "\t"}],
        "messages: text content blocks must contain non-whitespace text",
    ),
    (
        [user(text()), assistant(call()), user(result(content=[text("")]))],
        "messages: text content blocks must be non-empty",
    ),
    (
        [user(text()), assistant(text()), system(), user(text())],
        "messages.2: role 'system' must follow a 'user' message or a server tool result",
    ),
    (
        [user(text()), system(), user(text())],
        "messages.1: role 'system' must precede an 'assistant' message or end the array",
    ),
    ([system(), user(text())], "messages.0: role 'system' must follow a 'user' message"),
    (
        [user(text()), assistant(image()), user(text())],
        "messages.1.content.0: `image` blocks can only be in `user` messages",
    ),
    ([user(call())], "messages.0.content.0: `tool_use` blocks can only be in `assistant` messages"),
    (
        [user(text()), assistant(document()), user(text())],
        "messages.1.content.0: `document` blocks can only be in `user` messages",
    ),
    (
        [user(text(citations=[{"type": "char_location"}]))],
        f"messages.0.content.0.text.citations: {EXTRA}",
    ),
    (
        [user(text()), assistant(text())],
        (
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        ),
    ),
]

PAIRS = [
    ([user(text()), assistant(call()), user(text())], f"messages.1: {UNANSWERED}"),
    ([user(text()), assistant(call())], f"messages.1: {UNANSWERED}"),
    ([user(text()), assistant(call()), user(text(), result())], f"messages.1: {UNANSWERED}"),
    (
        [user(text()), assistant(call()), system(), user(result())],
        "messages.2: role 'system' must follow a 'user' message",
    ),
    (
        [user(result())],
        "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1",
    ),
    (
        [user(text()), assistant(call()), user(result(), result("toolu_2"))],
        "messages.2.content.1: unexpected `tool_use_id` found in `tool_result` blocks: toolu_2",
    ),
    (
        [user(text()), assistant(call()), user(result(), result())],
        "messages.2.content.0: each tool_use must have a single result.",
    ),
    (
        [user(text()), assistant(call(), call()), user(result())],
        "messages: `tool_use` ids must be unique",
    ),
    (
        [user(text()), assistant(server_result()), user(text())],
        "messages.1.content.0: unexpected `tool_use_id` found in `web_search_tool_result` blocks",
    ),
    (
        [user(text()), assistant(server_call()), user(text())],
        "messages.1: `web_search` tool use with id `srvtoolu_1` was found without",
    ),
]

MEDIA = [
    (image(media_type="image/bmp"), "image.source.base64.media_type: Input should be 'image/jpeg'"),
    (image(data="%%%"), "image.source.base64: invalid base64 data"),
    (image(data="AAAA"), "image.source.base64: Could not process image"),
    (
        image(media_type="image/jpeg"),
        (
            "image.source.base64: The image was specified using the image/jpeg media type, but the "
            "image appears to be a image/png image"
        ),
    ),
    (image(data=png(8001, 1)), "image.source.base64.data: At least one of the image dimensions"),
    (image(data="A" * 10_485_764), "image.source.base64: image exceeds 10 MB maximum"),
    (
        {"type": "image", "source": {"type": "url", "url": "http://example.com/a.png"}},
        "image.source.url.url: Only HTTPS URLs are supported.",
    ),
    (pdf(b"no pdf"), "document.source.base64.data: The PDF specified was not valid."),
    (
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": " "}},
        "document.source.text.data: Text document must contain non-whitespace text",
    ),
]

TOOLS = [
    ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
    ({"tools": [{"name": "look"}]}, "tools.0.custom.input_schema: Field required"),
    (
        {"tools": [{"name": "a b", "input_schema": {"type": "object"}}]},
        "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'",
    ),
    (
        {"tools": [{"name": "a", "input_schema": {}}]},
        "tools.0.custom.input_schema.type: Field required",
    ),
    (
        {"tools": [{"name": "a", "input_schema": {"type": "string"}}]},
        "tools.0.custom.input_schema.type: Input should be 'object'",
    ),
    (
        {"tools": [{"name": "a", "input_schema": {"type": "object", "anyOf": []}}]},
        "input_schema does not support oneOf, allOf, or anyOf at the top level",
    ),
    (
        {"tools": [{"name": "a", "input_schema": {"type": "object", "required": True}}]},
        "JSON schema is invalid. It must match JSON Schema draft 2020-12",
    ),
    ({"tools": [{"type": "web_search_1999", "name": "w"}]}, "tools.0: Input tag 'web_search_1999'"),
    (
        {"tools": [{**TOOL, "strict": True}]},
        "'additionalProperties' must be explicitly set to false",
    ),
    (
        {
            "tools": [
                {
                    "name": f"t{n}",
                    "strict": True,
                    "input_schema": {"type": "object", "additionalProperties": False},
                }
                for n in range(21)
            ]
        },
        "tools: Too many strict tools (21).",
    ),
    ({"tool_choice": {"type": "auto"}}, "tool_choice may only be specified while providing tools"),
    ({"tools": [TOOL], "tool_choice": "auto"}, "tool_choice: Input should be an object"),
    (
        {"tools": [TOOL], "tool_choice": {"type": "none", "disable_parallel_tool_use": True}},
        f"tool_choice.none.disable_parallel_tool_use: {EXTRA}",
    ),
    (
        {"tools": [TOOL], "tool_choice": {"type": "any"}},
        "tool_choice: type 'any' forces tool use, which is not supported on this model.",
    ),
    (
        {"model": ENABLED, "tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}},
        "Tool 'other' not found in provided tools",
    ),
    (
        {
            "model": ENABLED,
            "max_tokens": 2000,
            "tools": [TOOL],
            "tool_choice": {"type": "any"},
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        },
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
]

MODELS = [
    (
        {"model": ENABLED, "max_tokens": 64_001},
        (
            "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens for "
            "claude-haiku-4-5-20251001"
        ),
    ),
    ({"max_tokens": 0, "stream": True}, "max_tokens: 0 cannot be combined with streaming"),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive"',
    ),
    (
        {"thinking": {"type": "disabled"}},
        (
            '"thinking.type.disabled" is not supported for this model. '
            'Use "thinking.type.between_tools" instead.'
        ),
    ),
    (
        {"model": ENABLED, "thinking": {"type": "adaptive"}},
        "adaptive thinking is not supported on this model",
    ),
    (
        {"model": ENABLED, "thinking": {"type": "enabled", "budget_tokens": 1023}},
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    ),
    (
        {"model": ENABLED, "max_tokens": 1024, "thinking": {"type": "enabled"}},
        "thinking.enabled.budget_tokens: Field required",
    ),
    (
        {
            "model": ENABLED,
            "max_tokens": 1024,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        },
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
    ),
    ({"thinking": {"type": "adaptive", "block_binding": {}}}, f"block_binding: {EXTRA}"),
    (
        {"model": "claude-opus-4-6", "output_config": {"effort": "xhigh"}},
        (
            "This model does not support effort level 'xhigh'. "
            "Supported levels: high, low, max, medium."
        ),
    ),
    (
        {"model": ENABLED, "output_config": {"effort": "low"}},
        "This model does not support the effort parameter.",
    ),
    (
        {"thinking": {"type": "between_tools"}, "output_config": {"effort": "max"}},
        "\"thinking.type.between_tools\" is not supported with effort level 'max'.",
    ),
    (
        {"model": ENABLED, "messages": [user(text()), system()]},
        "role 'system' is not supported on this model",
    ),
    ({"speed": "fast"}, "speed: fast mode is not supported on this model"),
]

CACHING = [
    (
        {
            "messages": [user(*[text(cache_control=EPHEMERAL)] * 4)],
            "cache_control": EPHEMERAL,
        },
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    (
        {"messages": [user(text("", cache_control=EPHEMERAL))]},
        "messages.0.content.0.cache_control: cache_control cannot be set for empty text blocks",
    ),
    (
        {"messages": [user(text(cache_control=EPHEMERAL), text(cache_control=HOUR))]},
        (
            "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come "
            "after a ttl='5m' cache_control block."
        ),
    ),
    (
        {
            "system": [text(cache_control=EPHEMERAL)],
            "messages": [user(text(cache_control=HOUR))],
        },
        "messages.0.content.0.cache_control.ttl: a ttl='1h'",
    ),
    (
        {"messages": [user(text(cache_control={"type": "ephemeral", "ttl": "30m"}))]},
        "cache_control.ttl: Input should be '5m' or '1h'",
    ),
    (
        {
            "messages": [
                user(text()),
                assistant(
                    {
                        "type": "thinking",
                        "thinking": "",
                        "signature": "x",
                        "cache_control": EPHEMERAL,
                    }
                ),
            ]
        },
        f"messages.1.content.0.thinking.cache_control: {EXTRA}",
    ),
]


@pytest.mark.parametrize(("fields", "message"), FIELDS + TOOLS + MODELS + CACHING)
def test_a_broken_rule_is_told(ask, fields, message):
    answer = ask(**fields)
    assert answer.status == 400
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert message in answer.message


@pytest.mark.parametrize(("messages", "message"), TURNS + PAIRS)
def test_a_wrong_conversation_is_told(ask, messages, message):
    answer = ask(messages=messages, tools=[TOOL])
    assert answer.status == 400
    assert message in answer.message


@pytest.mark.parametrize(("block", "message"), MEDIA)
def test_wrong_media_are_told_also_inside_tool_results(ask, block, message):
    direct = ask(messages=[user(block)])
    assert direct.status == 400
    assert message in direct.message
    inside = [user(text()), assistant(call()), user(result(content=[block]))]
    nested = ask(messages=inside, tools=[TOOL])
    assert nested.status == 400
    assert message in nested.message


@pytest.mark.parametrize(
    ("model", "count", "message"),
    [
        (ENABLED, 101, "messages: too many images: 101 > 100 maximum"),
        (ADAPTIVE, 601, "messages: too many images: 601 > 600 maximum"),
        (ENABLED, 100, None),
    ],
)
def test_images_are_counted(ask, model, count, message):
    answer = ask(model=model, messages=[user(*[image()] * count)])
    assert answer.status == (200 if message is None else 400)
    assert message is None or answer.message == message


def test_many_images_must_be_smaller(ask):
    wide = image(data=png(2001, 1))
    assert ask(messages=[user(*[wide] * 20)]).status == 200
    refused = ask(messages=[user(*[wide] * 21)])
    assert refused.message.endswith("size for many-image requests: 2000 pixels")


def test_citations_are_for_all_documents_or_none(ask):
    answer = ask(messages=[user(document(citations={"enabled": True}), document(), text())])
    assert "on all documents or on none" in answer.message


def test_citations_do_not_go_with_structured_output(ask):
    cited = [user(document(citations={"enabled": True}))]
    answer = ask(messages=cited, output_config=FORMAT)
    assert answer.message.startswith("messages: Citations are not supported together")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"temperature": 1.1}, "temperature: range: 0..1"),
        (
            {"temperature": 0.5, "top_p": 0.5},
            "`temperature` and `top_p` cannot both be specified for this model.",
        ),
        (
            {
                "temperature": 0.5,
                "max_tokens": 2000,
                "thinking": {"type": "enabled", "budget_tokens": 1024},
            },
            "`temperature` may only be set to 1 when thinking is enabled.",
        ),
        (
            {
                "top_p": 0.5,
                "max_tokens": 2000,
                "thinking": {"type": "enabled", "budget_tokens": 1024},
            },
            "`top_p` must be greater than or equal to 0.95",
        ),
        (
            {
                "top_k": 5,
                "max_tokens": 2000,
                "thinking": {"type": "enabled", "budget_tokens": 1024},
            },
            "`top_k` must be unset when thinking is enabled.",
        ),
        ({"model": ADAPTIVE, "temperature": 0.5}, "`temperature` is deprecated for this model."),
    ],
)
def test_sampling_rules_of_the_older_version(ask_old, fields, message):
    answer = ask_old(**{"model": ENABLED, **fields})
    assert answer.status == 400
    assert message in answer.message


@pytest.mark.parametrize(
    "fields",
    [
        {"model": ENABLED, "temperature": 0.5},
        {"model": ENABLED, "top_p": 0.5, "top_k": 5},
        {"model": ADAPTIVE, "temperature": 1},
        {"model": ENABLED, "temperature": None},
        {"messages": [assistant(text()), user(text())]},
    ],
)
def test_the_older_version_takes(ask_old, fields):
    assert ask_old(**fields).status == 200


@pytest.mark.parametrize(
    "model",
    ["gpt-4o", "opus", "claude-9-new", "claude-3-haiku-20240307", "claude-opus-4-1", "llama"],
)
def test_what_is_unknown_or_retired_is_not_found(ask, model):
    answer = ask(model=model)
    assert (answer.status, answer.message) == (404, f"model: {model}")
    assert answer.json["error"]["type"] == "not_found_error"


@pytest.mark.parametrize(
    "messages",
    [
        [user(text()), assistant(call()), user(result()), assistant(text()), user(text())],
        [user(text()), assistant(call()), user(result(), text())],
        [user(text()), user(text())],
        [user(text()), assistant(text(" "), call()), user(result())],
        [user(text()), system()],
        [user(text()), system(), assistant(text()), user(text())],
        [user(text()), assistant(server_call(), server_result()), system()],
        [user(text()), assistant(server_call())],
        [user(text()), assistant(server_call(), server_result(), text()), user(text())],
        [user(image(), document(), text())],
        [user(text()), assistant(call()), user(result(content="", is_error=True))],
        [user(text()), assistant(call()), user(result(content=[text(), image()]))],
    ],
)
def test_right_conversations_are_answered(ask, messages):
    assert ask(messages=messages, tools=[TOOL]).status == 200


def test_prefill_is_taken_where_the_model_has_it(ask):
    answer = ask(model=ENABLED, messages=[user(text()), assistant(text("The answer"))])
    assert answer.status == 200
    assert answer.text.startswith(" … continued.")


def test_prefill_may_not_end_with_white_space(ask):
    answer = ask(model=ENABLED, messages=[user(text()), assistant(text("The answer "))])
    assert answer.message == "messages: final assistant content cannot end with trailing whitespace"


def test_prefill_does_not_go_with_structured_output(ask):
    messages = [user(text()), assistant(text("{"))]
    answer = ask(model=ENABLED, messages=messages, output_config=FORMAT)
    assert answer.message.startswith("Prefilling assistant messages is not supported")


def test_a_beta_header_lets_the_fields_of_betas_through(ask):
    answer = ask(context_management={"edits": []}, headers={"anthropic-beta": "some-beta-2026"})
    assert answer.status == 200


def test_a_beta_header_lets_no_invented_field_through(ask):
    answer = ask(stranger=1, headers={"anthropic-beta": "some-beta-2026"})
    assert answer.message == f"stranger: {EXTRA}"


def test_consecutive_messages_of_one_role_are_one_turn(ask):
    messages = [
        user(text()),
        assistant(text()),
        assistant(call()),
        user(result()),
        user(text()),
    ]
    assert ask(messages=messages, tools=[TOOL]).status == 200
