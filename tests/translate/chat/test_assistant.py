import pytest

from chat_requests import (
    FOREIGN,
    assistant,
    call,
    function_tool,
    planned,
    receipts,
    refused,
    result,
    user,
)
from claif_cla import ThinkingMemory

LENIENT = {"settings": {"compat": "lenient"}}
SIGNED = {"type": "thinking", "thinking": "t \n", "signature": "S"}
HIDDEN = {"type": "thinking", "thinking": "", "signature": "S"}
REDACTED = {"type": "redacted_thinking", "data": "XYZ"}
SERVER_USE = {
    "type": "server_tool_use",
    "id": "srv_1",
    "name": "web_search",
    "input": {"query": "q"},
}
SERVER_RESULT = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []}


def text(content, **more):
    return {"type": "text", "text": content, **more}


def tool_use(id="a", name="f", value=None):  # noqa: A002
    return {"type": "tool_use", "id": id, "name": name, "input": value or {}}


def conversation(*messages):
    """The messages, with results for the calls of the last one, and a user's turn after them."""
    return [
        user(),
        *messages,
        *[result(c["id"]) for c in messages[-1].get("tool_calls", ())],
        user(),
    ]


def said(*messages, **request):
    """The blocks of the assistant's first turn."""
    body = planned(messages=conversation(*messages), **request)
    return next(turn["content"] for turn in body["messages"] if turn["role"] == "assistant")


def notes(*messages, **request):
    return receipts(messages=conversation(*messages), **request)


@pytest.mark.parametrize(
    ("message", "made"),
    [
        (assistant("hi"), [text("hi")]),
        (assistant([text("a"), text(" "), text("b")]), [text("a"), text("b")]),
        (assistant([{"type": "refusal", "refusal": "no"}]), [text("no")]),
        (assistant([{"type": "output_text", "text": "hi"}]), [text("hi")]),
        (assistant(None, refusal="no"), [text("no")]),
        (assistant("hi", refusal="no"), [text("hi")]),
        (assistant("hi", call()), [text("hi"), tool_use()]),
        (assistant("", call()), [tool_use()]),
        (assistant(None, call("a"), call("b", "g")), [tool_use(), tool_use("b", "g")]),
    ],
)
def test_a_message_becomes_blocks(message, made):
    assert said(message) == made
    assert notes(message) == []


def test_what_a_dumped_message_holds_besides_is_passed_over():
    dumped = {"annotations": [], "audio": None, "refusal": None, "function_call": None}
    tool_call = {**call(), "index": 0}
    tool_call["function"]["parsed_arguments"] = None
    message = assistant(None, tool_call, parsed=None, **dumped)
    assert said(message) == [tool_use()]
    assert notes(message) == []


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ('{"x": 1}', {"x": 1}),
        ("", {}),
        (None, {}),
        ({"x": 1}, {"x": 1}),
        ('{"x": 9007199254740993}', {"x": 9007199254740993}),
    ],
)
def test_arguments_become_the_input(arguments, value):
    assert said(assistant(None, call(arguments=arguments)))[0]["input"] == value


@pytest.mark.parametrize("arguments", ["no json", "[1]", "5", "null", '{"x":'])
def test_arguments_that_are_no_object_are_kept_as_text_with_a_receipt(arguments):
    message = assistant(None, call(arguments=arguments))
    assert said(message)[0]["input"] == {"_raw": arguments}
    assert notes(message) == [("messages[].tool_calls[].function.arguments", "adapted")]


def test_arguments_of_a_wrapped_schema_are_wrapped():
    tools = [function_tool("f", {"type": "string"})]
    [block] = said(assistant(None, call(arguments='"x"')), tools=tools)
    [key] = planned(tools=tools)["tools"][0]["input_schema"]["properties"]
    assert block["input"] == {key: "x"}


def test_parsed_arguments_of_a_wrapped_schema_are_wrapped():
    tools = [function_tool("f", {"type": "array", "items": {}})]
    [block] = said(assistant(None, call(arguments={"x": 1})), tools=tools)
    assert [*block["input"].values()] == [{"x": 1}]


def test_a_custom_call_carries_its_text():
    custom = {"id": "a", "type": "custom", "custom": {"name": "c", "input": "raw text"}}
    assert said(assistant(None, custom)) == [tool_use("a", "c", {"input": "raw text"})]


def test_a_call_without_an_id_gets_one():
    calls = [{"type": "function", "function": {"name": "f"}}] * 2
    body = planned(messages=[user(), assistant(None, *calls), user()])
    ids = [block["id"] for block in body["messages"][1]["content"]]
    assert all(ids)
    assert len(set(ids)) == 2


def test_a_breakpoint_on_a_call_stands_on_its_block():
    marked = {**call(), "cache_control": {"type": "ephemeral"}}
    assert said(assistant(None, marked))[0]["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (assistant(5), "content"),
        (assistant(None, refusal=5), "refusal"),
        (assistant(None, tool_calls=5), "tool_calls"),
        (assistant(None, tool_calls=["f"]), "tool_calls[0]"),
        (assistant(None, tool_calls=[{"id": "a"}]), "tool_calls[0].function"),
        (assistant(None, call(id=5)), "tool_calls[0].id"),
        (assistant(None, call(name=None)), "tool_calls[0].function.name"),
        (assistant(None, call(arguments=[1])), "tool_calls[0].function.arguments"),
        (assistant(None, tool_calls=[{"id": "a", "custom": "c"}]), "tool_calls[0].custom"),
        (assistant(None, tool_calls=[{"id": "a", "custom": {}}]), "tool_calls[0].custom.name"),
        (
            assistant(None, tool_calls=[{"id": "a", "custom": {"name": "c"}}]),
            "tool_calls[0].custom.input",
        ),
        (assistant(None, function_call="f"), "function_call"),
        (assistant(None, function_call={}), "function_call.name"),
        (assistant([{"type": "tool_use", "id": "a", "input": {}}]), "content[0].name"),
        (assistant([tool_use(id=5)]), "content[0].id"),
    ],
)
def test_a_malformed_message_is_refused_with_its_place(message, path):
    assert refused(messages=[user(), message, user()]).param == f"messages[1].{path}"


def test_stored_audio_is_refused_and_in_lenient_left_out():
    message = assistant("hi", audio={"id": "audio_1"})
    assert refused(messages=[user(), message, user()]).param == "messages[1].audio"
    assert said(message, **LENIENT) == [text("hi")]


def test_the_transcript_of_stored_audio_is_sent_with_a_receipt():
    message = assistant(None, audio={"id": "audio_1", "transcript": "hi"})
    assert said(message) == [text("hi")]
    assert notes(message) == [("messages[].audio", "adapted")]
    assert said({**message, "content": "ho"}) == [text("ho")]


@pytest.mark.parametrize("field", ["provider_specific_fields", "usage", "reasoning"])
def test_a_field_that_nobody_reads_leaves_a_receipt(field):
    assert notes(assistant("a", **{field: {"x": 1}})) == [(f"messages[].{field}", "dropped")]


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"extra_content": {"x": 1}}, "messages[].tool_calls[].extra_content"),
        ({"function": {"name": "f", "x": 1}}, "messages[].tool_calls[].function.x"),
        ({"custom": {"name": "f", "input": "", "x": 1}}, "messages[].tool_calls[].custom.x"),
    ],
)
def test_a_field_of_a_call_that_nobody_reads_leaves_a_receipt(changed, param):
    assert notes(assistant(None, call() | changed)) == [(param, "dropped")]


@pytest.mark.parametrize("calls", [0, False, "", {}, {"a": 1}, "x"])
def test_calls_are_an_array(calls):
    message = assistant("a") | {"tool_calls": calls}
    assert refused(messages=[user(), message, user()]).param == "messages[1].tool_calls"


def test_an_echo_with_what_is_the_users_alone_is_none():
    source = {"type": "text", "media_type": "text/plain", "data": "x"}
    message = assistant("a", content_blocks=[{"type": "document", "source": source}, text("a")])
    assert said(message) == [text("a")]


# Native blocks in `content`


def test_native_blocks_pass_in_their_order():
    made = [SIGNED, text("a"), SERVER_USE, SERVER_RESULT, text("b")]
    assert said(assistant(made)) == made


def test_a_native_call_is_a_call():
    messages = [
        user(),
        assistant([text("t"), tool_use("toolu_1")]),
        user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "r"}]),
    ]
    body = planned(messages=messages, tools=[function_tool()])
    assert body["messages"][1]["content"] == [text("t"), tool_use("toolu_1")]
    assert body["messages"][2]["content"][0]["content"] == "r"


def test_a_call_that_stands_in_both_places_is_one():
    assert said(assistant([tool_use("a")], call("a"))) == [tool_use("a")]


def test_thinking_that_stands_in_both_places_is_one():
    assert said(assistant([SIGNED, text("a")], thinking_blocks=[SIGNED])) == [SIGNED, text("a")]


# Thinking


@pytest.mark.parametrize("block", [SIGNED, HIDDEN, REDACTED])
def test_signed_thinking_comes_back_first_and_byte_for_byte(block):
    assert said(assistant("a", thinking_blocks=[block])) == [block, text("a")]
    assert said(assistant(None, call(), thinking_blocks=[block])) == [block, tool_use()]


def test_each_thinking_block_keeps_its_own_signature():
    other = {"type": "thinking", "thinking": "b", "signature": "S2"}
    assert said(assistant("a", thinking_blocks=[SIGNED, other]))[:2] == [SIGNED, other]


def test_only_the_keys_that_the_api_knows_are_kept():
    grown = {**SIGNED, "index": 0, "cache_control": {"type": "ephemeral"}}
    assert said(assistant("a", thinking_blocks=[grown]))[0] == SIGNED


@pytest.mark.parametrize(
    ("detail", "block"),
    [
        ({"type": "reasoning.text", "text": "x", "signature": "S"}, {**SIGNED, "thinking": "x"}),
        ({"type": "reasoning.text", "text": None, "signature": "S"}, HIDDEN),
        ({"type": "reasoning.encrypted", "data": "XYZ"}, REDACTED),
    ],
)
def test_openrouters_spelling_is_understood(detail, block):
    assert said(assistant("a", reasoning_details=[detail])) == [block, text("a")]


def test_what_openrouter_adds_besides_is_passed_over():
    details = [{"type": "reasoning.summary", "summary": "x"}]
    assert said(assistant("a", reasoning_details=details)) == [text("a")]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "x"},
        {"type": "thinking", "thinking": "x", "signature": ""},
        {"type": "thinking", "thinking": "x", "signature": 5},
        {"type": "redacted_thinking"},
    ],
)
def test_unsigned_thinking_is_dropped_with_a_receipt(block):
    for message in (assistant("a", thinking_blocks=[block]), assistant([block, text("a")])):
        assert said(message) == [text("a")]
        assert notes(message) == [("messages[].thinking_blocks", "dropped")]


def test_reasoning_text_alone_is_dropped_with_a_receipt_and_never_made_text():
    message = assistant("a", reasoning_content="hmm")
    assert said(message) == [text("a")]
    assert notes(message) == [("messages[].reasoning_content", "dropped")]


def test_reasoning_text_beside_its_blocks_is_no_loss():
    assert notes(assistant("a", reasoning_content="t", thinking_blocks=[SIGNED])) == []


@pytest.mark.parametrize("blocks", ["x", [5], [{"thinking": "x"}], [{"type": "other"}], None])
def test_thinking_in_an_unknown_form_is_passed_over(blocks):
    assert said(assistant("a", thinking_blocks=blocks)) == [text("a")]


def test_thinking_in_a_message_of_its_own_leads_the_next_one():
    messages = [user(), assistant("", thinking_blocks=[REDACTED]), assistant("a"), user()]
    assert planned(messages=messages)["messages"][1]["content"] == [REDACTED, text("a")]


def test_what_only_we_remembered_goes_without_a_word_to_a_model_that_cannot_think():
    memory = ThinkingMemory()
    memory.keep(
        ["call:toolu_1"], [SIGNED, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]
    )
    message = assistant(None, call("toolu_1"))
    for model, kinds in (
        ("claude-3-haiku-20240307", ["tool_use"]),
        (FOREIGN, ["thinking", "tool_use"]),
    ):
        settings = {"official": False, "memory": memory, "compat": "strict"}
        messages = [user(), message, result("toolu_1")]
        body = planned(messages=messages, model=model, settings=settings)
        assert [block["type"] for block in body["messages"][1]["content"]] == kinds


def test_a_remembered_answer_that_was_edited_is_what_the_caller_says_now():
    memory = ThinkingMemory()
    memory.keep(
        ["call:toolu_1"],
        [SIGNED, text("b"), {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}],
    )
    messages = [user(), assistant("a", call("toolu_1")), result("toolu_1")]
    body = planned(messages=messages, settings={"memory": memory})
    assert [block["type"] for block in body["messages"][1]["content"]] == ["text", "tool_use"]


def test_another_makers_model_gets_thinking_too():
    assert said(assistant("a", thinking_blocks=[SIGNED]), model=FOREIGN) == [SIGNED, text("a")]


def test_a_model_that_cannot_think_gets_none_and_says_so():
    # Retired by Anthropic, but a proxy may have it still.
    request = {"model": "claude-3-haiku-20240307", "settings": {"official": False}}
    message = assistant("a", thinking_blocks=[SIGNED, REDACTED])
    assert said(message, **request) == [text("a")]
    assert notes(message, **request) == [("messages[].thinking_blocks", "dropped")]
    assert notes(assistant("a"), **request) == []


# Our own echo


ECHO = [
    SIGNED,
    text("Let me"),
    SERVER_USE,
    SERVER_RESULT,
    text(" see."),
    tool_use("toolu_1", value={"x": 1}),
]


def echoed(**changed):
    message = assistant(
        "Let me\n\n see.", call("toolu_1", arguments='{"x":1}'), content_blocks=ECHO
    )
    return message | {"thinking_blocks": [SIGNED]} | changed


def test_the_complete_echo_comes_back_as_it_was():
    assert said(echoed()) == ECHO


def test_an_echo_in_a_tuple_is_one_too():
    assert said(echoed(content_blocks=tuple(ECHO))) == ECHO


def test_an_echo_of_a_legacy_call_comes_back():
    legacy = {"name": "f", "arguments": '{"x":1}'}
    message = assistant("Let me see.", function_call=legacy, content_blocks=ECHO)
    body = planned(messages=[user(), message, {"role": "function", "name": "f", "content": "r"}])
    assert body["messages"][1]["content"] == ECHO


def test_the_index_of_accumulated_blocks_is_taken_out():
    grown = [{**block, "index": at} for at, block in enumerate(ECHO)]
    assert said(echoed(content_blocks=grown)) == ECHO


def test_white_space_between_other_blocks_is_kept_and_empty_text_is_not():
    blocks = [SIGNED, text("\n"), text(""), text("a")]
    assert said(assistant("a", content_blocks=blocks)) == [SIGNED, text("\n"), text("a")]


def test_an_echo_of_white_space_alone_says_nothing():
    body = planned(messages=[user(), assistant(" ", content_blocks=[text(" ")]), user()])
    assert [turn["role"] for turn in body["messages"]] == ["user"]


@pytest.mark.parametrize("place", ["content", "tool_calls"])
def test_a_breakpoint_beside_the_echo_stands_on_its_last_block(place):
    marker = {"type": "ephemeral"}
    changed = {"content": [text("Let me see.", cache_control=marker)]}
    if place == "tool_calls":
        changed = {
            "tool_calls": [{**call("toolu_1", arguments='{"x":1}'), "cache_control": marker}]
        }
    assert said(echoed(**changed)) == [*ECHO[:-1], {**ECHO[-1], "cache_control": marker}]


FIELDS = [SIGNED, text("Let me\n\n see."), tool_use("toolu_1", value={"x": 1})]


@pytest.mark.parametrize(
    ("changed", "made"),
    [
        ({"content": "Other."}, [SIGNED, text("Other."), FIELDS[2]]),
        (
            {"tool_calls": [call("toolu_1", arguments='{"x":2}')]},
            [*FIELDS[:2], tool_use("toolu_1", value={"x": 2})],
        ),
        (
            {"tool_calls": [call("toolu_1", "g", '{"x":1}')]},
            [*FIELDS[:2], tool_use("toolu_1", "g", {"x": 1})],
        ),
        (
            {"tool_calls": [call("toolu_2", arguments='{"x":1}')]},
            [*FIELDS[:2], tool_use("toolu_2", value={"x": 1})],
        ),
        ({"tool_calls": []}, FIELDS[:2]),
        ({"content_blocks": "x"}, FIELDS),
        ({"content_blocks": [5]}, FIELDS),
        ({"content_blocks": [{"type": "text", "text": 5}]}, FIELDS),
        ({"content_blocks": []}, FIELDS),
    ],
)
def test_an_edited_message_wins_over_its_echo(changed, made):
    assert said(echoed(**changed)) == made


def test_unsigned_thinking_in_an_echo_is_dropped():
    unsigned = {"type": "thinking", "thinking": "x", "signature": ""}
    assert said(assistant("a", content_blocks=[unsigned, text("a")])) == [text("a")]
