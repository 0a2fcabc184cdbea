"""Plans from templates: the same as those that go the whole way, for every request."""

from __future__ import annotations

import copy
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_requests import NEWEST, assistant, function_tool, system, user
from chat_requests.strategies import chat_requests, mutilated_requests, words
from claif_cla.errors import Refusal
from claif_cla.thinking_memory import ThinkingMemory
from claif_cla.translate.call import Call, Settings
from claif_cla.translate.chat import plain, size_limits
from claif_cla.translate.chat.plain import MAX_PARAMETERS, MAX_TEMPLATES, plan_plain
from claif_cla.translate.chat.request import _found, _planned, plan_request

SAID = st.lists(
    st.one_of(
        st.builds(user, words),
        st.builds(assistant, words),
        st.builds(system, words),
        st.builds(lambda text: {"role": "developer", "content": text}, words),
    ),
    max_size=5,
)
HEADERS = st.sampled_from(
    [{}, {"anthropic-beta": "a-1,b-2"}, {"anthropic-version": "2023-01-01", "x-my": "own"}]
)
MODES = st.builds(
    Settings,
    compat=st.sampled_from(["strict", "adapt", "lenient"]),
    prompt_caching=st.sampled_from(["auto", "always", "off"]),
    reasoning=st.sampled_from(["auto", "summary", "model"]),
    official=st.booleans(),
)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    monkeypatch.setattr(plain, "_templates", {})
    monkeypatch.setattr(plain, "_seen", {})


def call_of(request, settings=None, headers=None):
    return Call("POST", "/chat/completions", request, settings or Settings(), headers, "beta=true")


def templated(call):
    """The plan from a template, which is there at the second call; None if there is none."""
    plans = [plan_plain(call, _found(call, call.request, None), _planned) for _ in range(3)]
    return plans[-1]


def whole(call):
    return _planned(call, _found(call, call.request, None))


def facts(plan):
    told = {name: getattr(plan, name) for name in vars(plan) if name not in ("receipts", "tools")}
    told["body"] = list(plan.body.items())
    tools = (plan.tools.definitions, plan.tools.wrapped, plan.tools.custom, plan.tools.legacy)
    return told, plan.receipts.entries, plan.receipts.header, tools


@given(chat_requests(), SAID, words, MODES, HEADERS)
def test_both_ways_lead_to_the_same_plan(request_, said, last, settings, headers):
    call = call_of({**request_, "messages": [*said, user(last)]}, settings, headers)
    try:
        expected = whole(call)
    except Refusal:
        assert templated(call) is None
        return
    made = templated(call)
    assert made is None or facts(made) == facts(expected)


@given(mutilated_requests(bury=False))
def test_whatever_comes_both_ways_lead_to_the_same_plan(request_):
    if not isinstance(request_, dict):
        return
    call = call_of(request_)
    try:
        expected = whole(call)
    except Refusal:
        with pytest.raises(Refusal):
            plan_request(call)
        return
    made = templated(call)
    assert made is None or facts(made) == facts(expected)


@pytest.mark.parametrize(
    "messages",
    [
        [user()],
        [user(), user("more")],
        [system(), user()],
        [user("half an emoji \ud83d")],
        [system(), {"role": "developer", "content": "d"}, user()],
        [system(), user(), assistant("a"), user()],
        [user(), assistant("a"), user(), assistant("b"), user(), user()],
    ],
)
def test_plain_text_is_planned_from_a_template(messages):
    tools = [function_tool()]
    call = call_of({"model": NEWEST, "messages": messages, "tools": tools, "verbosity": "low"})
    made = templated(call)
    assert made is not None
    assert facts(made) == facts(whole(call))


@pytest.mark.parametrize(
    "messages",
    [
        None,
        [],
        "text",
        (user(),),
        [None],
        [user(name="ann")],
        [user([{"type": "text", "text": "q"}])],
        [user(" ")],
        [assistant("a"), user()],
        [user(), assistant("a")],
        [user(), assistant("a"), assistant("b"), user()],
        [user(), system(), user()],
        [{"role": "tool", "content": "r"}, user()],
        [system()],
    ],
)
def test_any_other_conversation_goes_the_whole_way(messages):
    assert templated(call_of({"model": NEWEST, "messages": messages})) is None


class Name(str, Enum):
    TIER = "auto"


@pytest.mark.parametrize(
    "more",
    [
        {"metadata": {"a": object()}},
        {"user": b"bytes"},
        {"user": "x" * (MAX_PARAMETERS + 1)},
        {f"field{at}": None for at in range(100)},
        {"logprobs": True},
        {"model": "claude-3-opus-20240229"},
    ],
)
def test_other_parameters_go_the_whole_way(more):
    assert templated(call_of({"model": NEWEST, "messages": [user()], **more})) is None


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), ("1", 1), ([1], (1,)), (None, 0)])
def test_values_that_only_look_equal_are_told_apart(one, other):
    first, second = (
        call_of({"model": NEWEST, "messages": [user()], "max_tokens": value})
        for value in (one, other)
    )
    templated(first)
    try:
        expected = facts(whole(second))
    except Refusal:
        assert templated(second) is None
    else:
        assert facts(templated(second)) == expected


def test_a_string_of_another_kind_is_taken_for_what_it_says():
    call = call_of({"model": NEWEST, "messages": [user()], "service_tier": Name.TIER})
    assert facts(templated(call)) == facts(whole(call))


def test_a_conversation_whose_thinking_may_be_known_goes_the_whole_way():
    memory = ThinkingMemory()
    memory.keep(["key"], [{"type": "thinking", "thinking": "t", "signature": "s"}])
    settings = Settings(memory=memory)
    spoken = {"model": NEWEST, "messages": [user(), assistant("a"), user()]}
    assert templated(call_of(spoken, settings)) is None
    assert templated(call_of({**spoken, "messages": [user()]}, settings)) is not None


def test_what_the_caller_does_to_their_objects_later_changes_no_template():
    request = {"model": NEWEST, "messages": [user()], "tools": [function_tool()]}
    before = copy.deepcopy(request)
    expected = facts(templated(call_of(request)))
    assert request == before
    request["tools"][0]["function"]["parameters"]["properties"]["x"] = {"type": "string"}
    request["tools"].append(function_tool("g"))
    assert facts(templated(call_of(before))) == expected
    assert facts(templated(call_of(request))) == facts(whole(call_of(request)))


def test_parameters_that_come_once_have_no_template():
    for at in range(MAX_TEMPLATES):
        plan_request(call_of({"model": NEWEST, "messages": [user()], "user": f"u{at}"}))
    assert not plain._templates


def test_templates_and_what_was_seen_are_bounded(monkeypatch):
    monkeypatch.setattr(plain, "MAX_SEEN", 10)
    for at in range(MAX_TEMPLATES + 10):
        templated(call_of({"model": NEWEST, "messages": [user()], "user": f"u{at}"}))
    assert len(plain._templates) == MAX_TEMPLATES
    assert len(plain._seen) == 10


def test_large_parameters_push_others_out(monkeypatch):
    monkeypatch.setattr(plain, "MAX_KEPT", 10_000)
    for at in range(5):
        templated(call_of({"model": NEWEST, "messages": [user()], "user": f"{at}" * 4000}))
    assert len(plain._templates) == 2


def test_a_body_that_is_too_large_is_refused_as_ever(monkeypatch):
    call = call_of({"model": NEWEST, "messages": [user("x" * 100)]})
    templated(call)
    monkeypatch.setattr(size_limits, "MAX_BODY_BYTES", 100)
    assert templated(call) is None
