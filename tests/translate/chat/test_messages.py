import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_requests import (
    FOREIGN,
    MIDDLE,
    NEWEST,
    OLD,
    assistant,
    call,
    function_tool,
    plan,
    planned,
    receipts,
    refused,
    result,
    system,
    user,
)
from claif_cla.errors import Refusal
from claif_cla.translate.chat.messages import CONTINUATION, NO_RESULT, OPENING, _Conversation

LENIENT = {"settings": {"compat": "lenient"}}
STRICT = {"settings": {"compat": "strict"}}
MARKER = {"type": "ephemeral"}


def text(content, **more):
    return {"type": "text", "text": content, **more}


def says(role, *contents):
    return {"role": role, "content": [text(content) for content in contents]}


def use(id, name="f"):  # noqa: A002
    return {"type": "tool_use", "id": id, "name": name, "input": {}}


def answer(id, content="r", **more):  # noqa: A002
    made = {"type": "tool_result", "tool_use_id": id, "content": content, **more}
    return {key: value for key, value in made.items() if value is not None}


def reminder(content):
    return text(f"<system-reminder>\n{content}\n</system-reminder>")


def turns(*messages, **request):
    return planned(messages=list(messages), **request)["messages"]


def notes(*messages, **request):
    return receipts(messages=list(messages), **request)


# System messages


@pytest.mark.parametrize("role", ["system", "developer"])
def test_the_first_instructions_are_the_system_prompt(role):
    body = planned(messages=[{"role": role, "content": "Start with SYSOK:"}, user("hi")])
    assert body["system"] == [text("Start with SYSOK:")]
    assert body["messages"] == [says("user", "hi")]


def test_both_kinds_of_instructions_are_kept_in_order():
    body = planned(messages=[{"role": "developer", "content": "D"}, system("S"), user()])
    assert body["system"] == [text("D"), text("S")]


def test_parts_of_instructions_stay_blocks_with_their_breakpoints():
    parts = [text("a", cache_control=MARKER), text("b")]
    assert planned(messages=[system(parts), user()])["system"] == parts


@pytest.mark.parametrize("content", ["", " \n", [], [text("")]])
def test_blank_instructions_are_left_out(content):
    assert "system" not in planned(messages=[system(content), user()])


def test_instructions_alone_are_sent_as_the_users_turn():
    body = planned(messages=[system("Say hi.")])
    assert body["messages"] == [says("user", "Say hi.")]
    assert "system" not in body
    assert notes(system("Say hi.")) == [("messages", "adapted")]


MIDWAY = [user("q"), assistant("a"), system("French"), user("q2")]


@pytest.mark.parametrize("model", [NEWEST, "claude-opus-4-8", "claude-zeta-9"])
def test_a_later_system_message_follows_the_turn_it_stands_before(model):
    assert turns(*MIDWAY, model=model)[2:] == [says("user", "q2"), says("system", "French")]
    assert notes(*MIDWAY, model=model) == []


@pytest.mark.parametrize("model", ["claude-sonnet-5", MIDDLE, OLD, FOREIGN])
def test_where_the_model_takes_none_it_stands_in_place_in_the_users_turn(model):
    made = {"role": "user", "content": [reminder("French"), text("q2")]}
    assert turns(*MIDWAY, model=model)[2:] == [made]
    assert notes(*MIDWAY, model=model) == [("messages[].role", "adapted")]


def test_a_system_message_between_a_call_and_its_result_waits_for_the_result():
    messages = [user(), assistant(None, call()), system("S"), result()]
    assert turns(*messages)[2:] == [{"role": "user", "content": [answer("a")]}, says("system", "S")]
    made = [{"role": "user", "content": [answer("a"), reminder("S")]}]
    assert turns(*messages, model=OLD)[2:] == made


def test_a_system_message_between_two_assistant_messages_is_a_users_turn():
    messages = [user(), assistant("a"), system("S"), assistant("b"), user("c")]
    middle = {"role": "user", "content": [reminder("S")]}
    assert turns(*messages)[1:] == [
        says("assistant", "a"),
        middle,
        says("assistant", "b"),
        says("user", "c"),
    ]
    assert notes(*messages) == [("messages[].role", "adapted")]


def test_a_system_message_at_the_end_follows_the_users_turn():
    assert turns(user("q"), system("S")) == [says("user", "q"), says("system", "S")]


@pytest.mark.parametrize("model", [NEWEST, OLD])
def test_a_system_message_after_the_assistants_last_is_a_users_turn(model):
    messages = [user(), assistant("a"), system("S"), system("T")]
    made = {"role": "user", "content": [reminder("S"), reminder("T")]}
    assert turns(*messages, model=model)[2:] == [made]
    assert notes(*messages, model=model) == [("messages[].role", "adapted")]
    caught = refused(messages=messages, model=model, **STRICT)
    assert caught.param == "messages[2].role"


@pytest.mark.parametrize("model", [NEWEST, MIDDLE])
def test_a_conversation_that_ended_in_a_system_message_keeps_its_bytes(model):
    short = [user(), assistant("a"), system("S")]
    assert turns(*short, assistant("b"), user(), model=model)[:3] == turns(*short, model=model)


def test_a_system_message_between_parallel_results_waits_for_the_last():
    messages = [
        user(),
        assistant(None, call("a"), call("b")),
        result("a"),
        system("S"),
        result("b"),
    ]
    made = [{"role": "user", "content": [answer("a"), answer("b")]}, says("system", "S")]
    assert turns(*messages)[2:] == made
    made = [{"role": "user", "content": [answer("a"), answer("b"), reminder("S")]}]
    assert turns(*messages, model=MIDDLE)[2:] == made


@pytest.mark.parametrize("model", [NEWEST, MIDDLE])
def test_a_breakpoint_on_a_later_system_message_stays_on_it(model):
    made = turns(user(), system("S", cache_control=MARKER), model=model)
    assert made[-1]["content"][-1]["cache_control"] == MARKER


def test_a_blank_system_message_in_between_says_nothing():
    for model in (NEWEST, OLD):
        assert len(turns(user(), assistant("a"), system(" "), user(), model=model)) == 3


# Turns


def test_neighbours_of_one_role_are_merged_as_blocks():
    messages = [user("a"), user("b"), assistant("c"), assistant("d"), user("e")]
    assert turns(*messages) == [
        says("user", "a", "b"),
        says("assistant", "c", "d"),
        says("user", "e"),
    ]


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant"])
def test_names_of_participants_leave_a_receipt(role):
    named = {"role": role, "content": "a", "name": "ann"}
    assert notes(user(), named, user()) == [("messages[].name", "dropped")]


@pytest.mark.parametrize("content", ["\n", "", None, []])
def test_an_empty_assistant_message_is_left_out_and_its_neighbours_merged(content):
    assert turns(user("a"), assistant(content), user("b")) == [says("user", "a", "b")]


def test_an_empty_user_message_is_left_out():
    assert turns(user("a"), user(" ")) == [says("user", "a")]


@pytest.mark.parametrize("model", [NEWEST, MIDDLE, OLD])
@pytest.mark.parametrize("content", ["", " \n", [], [text("")]])
def test_an_empty_last_word_of_the_users_is_no_wish_for_a_prefill(model, content):
    messages = [user("a"), assistant("b"), user(content)]
    assert turns(*messages, model=model)[1:] == [says("assistant", "b"), says("user", OPENING)]
    assert notes(*messages, model=model) == [("messages[].content", "adapted")]
    assert refused(messages=messages, model=model, **STRICT).param == "messages[2].content"


@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool", "function"])
def test_a_field_that_nobody_reads_leaves_a_receipt(role):
    message = {"role": role, "content": "a", "tool_call_id": "a", "mood": "good"}
    messages = [user(), assistant(None, call()), result(), user()]
    messages[{"assistant": 1, "tool": 2, "function": 2}.get(role, 3)] |= {"mood": "good"}
    if role in ("system", "function"):
        message.pop("tool_call_id")
        messages[2 if role == "function" else 3] = message
    if role == "system":
        messages.append(user())
    assert notes(*messages) == [("messages[].mood", "dropped")]


def test_a_conversation_that_the_assistant_opens_gets_a_users_turn_before():
    messages = [system("s"), assistant("Arrgh, I am a pirate"), user("hi")]
    made = [says("user", OPENING), says("assistant", "Arrgh, I am a pirate"), says("user", "hi")]
    assert turns(*messages) == made
    assert notes(*messages) == [("messages", "adapted")]


@pytest.mark.parametrize("messages", [[user(" ")], [assistant("")], [system(""), user("")]])
def test_a_conversation_without_a_word_is_refused(messages):
    refusal = refused(messages=messages)
    assert (refusal.param, refusal.code) == ("messages", "invalid_value")


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([], "messages"),
        ("hi", "messages"),
        ({"role": "user"}, "messages"),
        (["hi"], "messages[0]"),
        ([{}], "messages[0].role"),
        ([{"role": "robot", "content": "x"}], "messages[0].role"),
        ([user(None)], "messages[0].content"),
        ([system(None), user()], "messages[0].content"),
        ([user(), {"role": "tool", "content": "x"}], "messages[1].tool_call_id"),
        ([user(), assistant(None, call()), result(is_error="yes")], "messages[2].is_error"),
        ([user(), assistant(None, call()), result(content=5)], "messages[2].content"),
        ([user([{"type": "tool_result"}])], "messages[0].content[].tool_use_id"),
    ],
)
def test_malformed_messages_are_refused_with_their_place(messages, param):
    assert refused(messages=messages).param == param


# Prefill


PREFILL = [user("q"), assistant("Answer: \n")]


@pytest.mark.parametrize("model", [OLD, FOREIGN])
def test_an_older_model_continues_the_last_message(model):
    assert turns(*PREFILL, model=model)[1:] == [says("assistant", "Answer:")]
    assert notes(*PREFILL, model=model) == []


@pytest.mark.parametrize("model", [MIDDLE, NEWEST, "claude-sonnet-5"])
def test_a_newer_model_is_asked_to_continue(model):
    assert turns(*PREFILL, model=model)[1:] == [
        says("assistant", "Answer: \n"),
        says("user", CONTINUATION),
    ]
    assert notes(*PREFILL, model=model) == [("messages", "adapted")]


def test_strict_refuses_what_the_model_would_not_continue():
    assert refused(messages=PREFILL, settings={"compat": "strict"}).param == "messages"


@pytest.mark.parametrize(
    "format_",
    [
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "o", "schema": {"type": "object", "properties": {}}},
            }
        },
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
    ],
)
def test_a_structured_answer_continues_nothing(format_):
    assert turns(*PREFILL, model=OLD, **format_)[-1] == says("user", CONTINUATION)
    assert notes(*PREFILL, model=OLD, **format_) == [("messages", "adapted")]


def test_json_mode_may_continue():
    given = {"model": OLD, "response_format": {"type": "json_object"}}
    assert turns(*PREFILL, **given)[-1]["role"] == "assistant"


def test_white_space_blocks_at_the_end_of_a_continued_message_fall_away():
    echo = [text("So"), text("\n")]
    message = assistant("So", content_blocks=echo)
    assert turns(user(), message, model=OLD)[-1] == says("assistant", "So")


SIGNED = {"type": "thinking", "thinking": "t", "signature": "s"}
SEARCH = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}


def unfinished(content, *after, **request):
    """The blocks of an assistant's turn as they are sent."""
    message = assistant([]) | {"content_blocks": content}
    message["content"] = "".join(block.get("text", "") for block in content)
    return turns(user(), message, *after, **request)


@pytest.mark.parametrize("model", [OLD, NEWEST])
@pytest.mark.parametrize("after", [[], [user("b")]])
def test_thinking_that_led_to_nothing_is_left_out(model, after):
    made = unfinished([says("x", "a")["content"][0], SIGNED], *after, model=model)
    assert made[1] == says("assistant", "a")


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ([text("a"), SIGNED, text(" ")], [text("a")]),
        ([SEARCH, FOUND, text(" ")], [SEARCH, FOUND]),
    ],
)
def test_a_continued_message_ends_in_what_was_said(content, kept):
    made = unfinished(content, model=OLD)
    assert made[1] == {"role": "assistant", "content": kept}


def test_a_server_tool_that_waits_for_the_callers_results_is_kept():
    called = assistant(None, call("a"), content_blocks=[SEARCH, use("a")])
    made = turns(user(), called, result("a"))
    assert made[1] == {"role": "assistant", "content": [SEARCH, use("a")]}


@pytest.mark.parametrize("model", [OLD, NEWEST])
def test_a_last_message_of_thinking_alone_is_none(model):
    assert unfinished([SIGNED], model=model) == [says("user", "q")]


def test_the_turns_around_thinking_alone_are_one():
    made = unfinished([SIGNED], user("b"), model=NEWEST)
    assert made == [
        {"role": "user", "content": [*says("", "q")["content"], *says("", "b")["content"]]}
    ]


def test_a_system_message_before_thinking_alone_joins_the_users_turn():
    message = assistant("", thinking_blocks=[SIGNED])
    made = turns(user(), system("now"), message, user("b"), model=NEWEST)
    assert [turn["role"] for turn in made] == ["user"]
    history = [user(), system("now"), message, user("b")]
    assert notes(*history) == [("messages[].role", "adapted")]
    assert [block["text"] for block in made[0]["content"]] == [
        "q",
        "<system-reminder>\nnow\n</system-reminder>",
        "b",
    ]


def test_a_server_tool_that_never_answered_is_left_out_of_the_history():
    spoken = says("x", "a")["content"][0]
    made = unfinished([spoken, SEARCH], user("b"), model=NEWEST)
    assert made[1] == {"role": "assistant", "content": [spoken]}
    made = unfinished([spoken, SEARCH, FOUND], user("b"), model=NEWEST)
    assert made[1] == {"role": "assistant", "content": [spoken, SEARCH, FOUND]}


def test_a_paused_turn_of_server_tools_goes_on():
    paused = [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]
    assert turns(user(), assistant(paused))[-1] == {"role": "assistant", "content": paused}


# Tool results


def test_results_of_one_turn_are_one_message_in_the_order_of_the_calls():
    messages = [
        user(),
        assistant(None, call("a"), call("b", "g")),
        result("b", "2"),
        result("a", "1"),
    ]
    assert turns(*messages)[1:] == [
        {"role": "assistant", "content": [use("a"), use("b", "g")]},
        {"role": "user", "content": [answer("a", "1"), answer("b", "2")]},
    ]
    assert notes(*messages) == []


def test_a_users_words_come_after_the_results():
    messages = [user(), assistant(None, call()), user("wait"), result(), user("go")]
    assert turns(*messages)[2]["content"] == [answer("a"), text("wait"), text("go")]


@pytest.mark.parametrize("content", ["", None, [], "\n", [text("")]])
def test_an_empty_result_has_no_content(content):
    messages = [user(), assistant(None, call()), result(content=content)]
    assert turns(*messages)[2]["content"] == [answer("a", None)]


def test_an_image_in_a_result_is_an_image():
    url = {"type": "image_url", "image_url": {"url": "https://e.x/a.png"}}
    messages = [user(), assistant(None, call()), result(content=[text("see"), url])]
    image = {"type": "image", "source": {"type": "url", "url": "https://e.x/a.png"}}
    assert turns(*messages)[2]["content"] == [answer("a", [text("see"), image])]


@pytest.mark.parametrize("flag", [True, False])
def test_an_error_is_marked_where_the_caller_says_so(flag):
    messages = [user(), assistant(None, call()), result(is_error=flag)]
    assert turns(*messages)[2]["content"] == [answer("a", is_error=flag)]


def test_a_breakpoint_on_a_result_stands_on_it():
    messages = [user(), assistant(None, call()), result(cache_control=MARKER)]
    assert turns(*messages)[2]["content"] == [answer("a", cache_control=MARKER)]


@pytest.mark.parametrize("after", [[], [user("go")], [result("b", "2")]])
def test_a_missing_result_is_told_as_missing_with_a_receipt(after):
    messages = [user(), assistant(None, call("a"), call("b")), *after]
    made = turns(*messages)[2]["content"]
    assert made[0] == answer("a", NO_RESULT, is_error=True)
    assert [block.get("tool_use_id") for block in made][:2] == ["a", "b"]
    assert notes(*messages) == [("messages[].tool_calls", "adapted")]


def test_of_two_results_the_last_counts_with_a_receipt():
    messages = [user(), assistant(None, call()), result(content="1"), result(content="2")]
    assert turns(*messages)[2]["content"] == [answer("a", "2")]
    assert notes(*messages) == [("messages[].tool_call_id", "adapted")]


def test_a_result_without_a_call_is_refused_before_anything_is_sent():
    refusal = refused(messages=[user(), result("x")])
    assert (refusal.param, refusal.code) == ("messages[1].tool_call_id", "invalid_value")
    assert "'x'" in refusal.message


@pytest.mark.parametrize(
    ("content", "kept"),
    [("r", ["r"]), ([text("r")], ["r"]), ("", [])],
)
def test_lenient_makes_a_lost_result_a_users_words(content, kept):
    messages = [user("q"), result("x", content)]
    told = "Result of an earlier tool call with the id 'x':"
    assert turns(*messages, **LENIENT) == [says("user", "q", told, *kept)]
    assert notes(*messages, **LENIENT) == [("messages[1].tool_call_id", "adapted")]


def test_a_result_that_comes_a_turn_too_late_is_refused():
    messages = [user(), assistant(None, call()), result(), assistant("done"), result()]
    assert refused(messages=messages).param == "messages[4].tool_call_id"


def test_calls_of_two_messages_in_a_row_are_one_turn():
    messages = [
        user(),
        assistant(None, call("a")),
        assistant(None, call("b")),
        result("a"),
        result("b"),
    ]
    assert turns(*messages)[1:] == [
        {"role": "assistant", "content": [use("a"), use("b")]},
        {"role": "user", "content": [answer("a"), answer("b")]},
    ]


def test_results_between_two_calls_keep_them_apart():
    messages = [
        user(),
        assistant(None, call("a")),
        result("a"),
        assistant(None, call("b")),
        result("b"),
    ]
    assert [turn["role"] for turn in turns(*messages)] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]


@pytest.mark.parametrize("identifier", ["functions.Bash:0", "call:abc.def/ghi?jkl", "ü"])
def test_illegal_ids_are_changed_alike_on_both_sides(identifier):
    made = turns(user(), assistant(None, call(identifier)), result(identifier))
    [block] = made[1]["content"]
    assert made[2]["content"] == [answer(block["id"])]
    assert block["id"].isascii()


def test_ids_that_differ_stay_different():
    messages = [
        user(),
        assistant(None, call("a.b"), call("a_b")),
        result("a.b", "1"),
        result("a_b", "2"),
    ]
    made = turns(*messages)
    ids = [block["id"] for block in made[1]["content"]]
    assert len(set(ids)) == 2
    assert made[2]["content"] == [answer(ids[0], "1"), answer(ids[1], "2")]


def test_an_id_that_is_used_again_gets_a_number():
    round_ = [assistant(None, call("a")), result("a")]
    made = turns(user(), *round_, *round_, *round_)
    ids = [turn["content"][0]["id"] for turn in made if turn["role"] == "assistant"]
    assert ids == ["a", "a_2", "a_3"]


def test_a_numbered_id_is_not_given_twice():
    calls = [call("a_2"), call("a"), call("a"), call("a")]
    made = turns(
        user(), assistant(None, *calls), *[result(c["id"], str(i)) for i, c in enumerate(calls)]
    )
    ids = [block["id"] for block in made[1]["content"]]
    assert ids == ["a_2", "a", "a_3", "a_4"]
    assert [block["content"] for block in made[2]["content"]] == ["0", "1", "2", "3"]


def test_one_id_for_thousands_of_calls_takes_no_time_to_speak_of():
    calls = [call("functions.Bash:0") for _ in range(20_000)]
    made = turns(user(), assistant(None, *calls))
    assert len({block["id"] for block in made[1]["content"]}) == 20_000


def test_the_legacy_trio_makes_a_round():
    messages = [
        user(),
        assistant(None, function_call={"name": "f", "arguments": "{}"}),
        {"role": "function", "name": "f", "content": "r"},
    ]
    made = turns(*messages, functions=[{"name": "f"}])
    [block] = made[1]["content"]
    assert made[2]["content"] == [answer(block["id"])]


def test_legacy_rounds_keep_their_ids_as_the_conversation_grows():
    round_ = [
        assistant(None, function_call={"name": "f", "arguments": "{}"}),
        {"role": "function", "name": "f", "content": "r"},
    ]
    assert turns(user(), *round_, *round_)[:3] == turns(user(), *round_)


def test_a_legacy_result_without_a_call_is_refused():
    refusal = refused(messages=[user(), {"role": "function", "name": "f", "content": "r"}])
    assert refusal.param == "messages[1].name"


# Tools that only the history knows


LOG = [user(), assistant(None, call("a")), result(), assistant("done"), user("Summarise.")]


def test_tools_of_the_history_are_declared_and_not_to_be_called():
    body = planned(messages=LOG)
    assert [tool["name"] for tool in body["tools"]] == ["f"]
    assert body["tool_choice"] == {"type": "none"}


def test_declared_tools_are_not_added_to():
    body = planned(messages=LOG, tools=[function_tool("g")])
    assert [tool["name"] for tool in body["tools"]] == ["g"]
    assert "tool_choice" not in body


# The quick way of plain messages


PLAIN_OR_NOT = st.one_of(
    st.builds(user, st.sampled_from(["a", "b\n", " ", "", "ü"])),
    st.builds(assistant, st.sampled_from(["x", "y ", "\t", ""])),
    st.builds(system, st.sampled_from(["s", ""])),
    st.builds(user, st.just("n"), name=st.just("Ann")),
    st.just(user([text("p"), text("q", cache_control=MARKER)])),
    st.just(assistant("t", call("a"))),
    st.just(result("a")),
)


@given(st.lists(PLAIN_OR_NOT, min_size=1, max_size=12), st.sampled_from([NEWEST, OLD, FOREIGN]))
def test_the_quick_way_makes_what_the_other_makes(messages, model):
    def outcome():
        try:
            made = plan(model=model, messages=messages)
        except Refusal as refusal:
            return str(refusal), refusal.param
        return made.data, made.receipts.entries, made.breakpoints

    quick = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Conversation, "take_plain", lambda self, message: False)
        assert outcome() == quick


def test_a_plain_message_after_a_rich_answer_takes_the_other_way():
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    body = planned(
        messages=[
            user("a"),
            assistant([thought, text("b")]),
            user("c"),
            assistant("d"),
            user("e"),
        ]
    )
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant"] * 2 + ["user"]
    assert body["messages"][3]["content"] == [text("d")]


def test_rich_turns_are_those_that_hold_more_than_plain_text():
    body = planned(
        messages=[user("a"), assistant("b"), user("c", cache_control=MARKER), assistant("d")] * 3
        + [user("e")]
    )
    marked = [turn for turn in body["messages"] if "cache_control" in str(turn)]
    assert len(marked) == 3
    assert "cache_control" not in body
