from __future__ import annotations

import json

import pytest

SEARCH = {"type": "web_search_20260318", "name": "web_search"}
FETCH = {"type": "web_fetch_20260318", "name": "web_fetch"}
SHELL = {"type": "code_execution_20260521", "name": "code_execution"}
PYTHON = {"type": "code_execution_20250522", "name": "code_execution"}
USES = [
    (SEARCH, "Search for cats", "web_search", "web_search_tool_result"),
    (FETCH, "Read https://example.com/a?b=c.", "web_fetch", "web_fetch_tool_result"),
    (SHELL, "Calculate 2+2", "bash_code_execution", "bash_code_execution_tool_result"),
    (PYTHON, "Run some python", "code_execution", "code_execution_tool_result"),
]
EACH = pytest.mark.parametrize(("tool", "text", "name", "result"), USES)


def said(role, content):
    return {"role": role, "content": content}


@EACH
def test_a_server_tool_is_called_and_answered_within_the_turn(ask, tool, text, name, result):
    answer = ask(text, tools=[tool], model="claude-sonnet-4-6").json
    call, found = answer["content"][1:3]
    assert (call["type"], call["name"]) == ("server_tool_use", name)
    assert (found["type"], found["tool_use_id"]) == (result, call["id"])
    assert answer["stop_reason"] == "end_turn"
    assert ("container" in answer) == ("code" in name)
    counted = answer["usage"]["server_tool_use"]
    assert counted["web_search_requests"] == (name == "web_search")
    assert counted["web_fetch_requests"] == (name == "web_fetch")


@EACH
def test_what_a_server_tool_found_goes_back(ask, tool, text, name, result):
    first = ask(text, tools=[tool]).json["content"]
    history = [said("user", text), said("assistant", first), said("user", "Thanks")]
    assert ask(messages=history, tools=[tool]).json["content"][-1]["text"].endswith("Thanks")


@EACH
def test_a_server_tool_waits_while_its_turn_is_paused(ask, tool, text, name, result):
    pause = said("user", "[[simulator:pause]]")
    paused = ask(messages=[pause], tools=[tool]).json
    assert paused["stop_reason"] == "pause_turn"
    assert paused["content"][-1]["name"] == name
    resumed = ask(messages=[pause, said("assistant", paused["content"])], tools=[tool]).json
    assert resumed["content"][0]["type"] == result
    assert resumed["content"][-1]["text"].endswith("It paused once and is done.")


def test_the_address_that_is_fetched_is_the_users(ask):
    answer = ask("Read <https://example.com/a>", tools=[FETCH], model="claude-sonnet-4-6").json
    assert answer["content"][1]["input"] == {"url": "https://example.com/a"}
    assert answer["content"][2]["content"]["url"] == "https://example.com/a"


@pytest.mark.parametrize("choice", [{"type": "none"}, {"type": "tool", "name": "web_search"}])
def test_a_choice_of_none_or_another_calls_no_server_tool(ask, choice):
    answer = ask("Search", tools=[SEARCH], tool_choice=choice, model="claude-sonnet-4-6").json
    assert [block["type"] for block in answer["content"]] == ["text"]


def test_a_container_is_named_at_the_end_of_a_stream(ask):
    events = ask("Run it", tools=[SHELL], stream=True).events
    assert "container" not in events[0]["message"]
    assert events[-2]["delta"]["container"]["id"].startswith("container_01")


@pytest.mark.parametrize("given", ["container_1", {"id": "container_1"}])
def test_the_container_of_the_request_is_used(ask, given):
    answer = ask("Run it", tools=[SHELL], container=given, headers={"anthropic-beta": "skills"})
    assert answer.json["container"]["id"] == "container_1"


# Programs that call the caller's tools

OBJECT = {"type": "object", "properties": {}}
TOOLS = [
    SHELL,
    {"name": "roll", "input_schema": OBJECT, "allowed_callers": ["code_execution_20260521"]},
    {"name": "flip", "input_schema": OBJECT, "allowed_callers": ["code_execution_20260521"]},
]


def results(answer):
    return [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "six"}
        for block in answer["content"]
        if block["type"] == "tool_use"
    ]


def begun(ask, text="roll then flip", tools=TOOLS):
    first = ask(text, tools=tools).json
    return first, [said("user", text), said("assistant", first["content"])]


def test_a_tool_for_programs_is_called_by_one(ask):
    first, _ = begun(ask)
    program, call = first["content"][-2:]
    assert (program["type"], program["name"]) == ("server_tool_use", "code_execution")
    assert call["caller"] == {"type": "code_execution_20260120", "tool_id": program["id"]}
    assert first["stop_reason"] == "tool_use"


def test_the_oldest_caller_keeps_its_name(ask):
    oldest = "code_execution_20250825"
    tool = {"name": "roll", "input_schema": OBJECT, "allowed_callers": [oldest]}
    first, _ = begun(ask, "roll", [{"type": oldest, "name": "code_execution"}, tool])
    assert first["content"][-1]["caller"]["type"] == oldest


def test_a_tool_that_claude_may_call_too_is_called_directly(ask):
    both = {**TOOLS[1], "allowed_callers": ["direct", "code_execution_20260521"]}
    first, _ = begun(ask, "roll", [SHELL, both])
    assert first["content"][-1]["caller"] == {"type": "direct"}


def test_the_next_call_of_a_program_comes_whole_in_the_first_event(ask):
    first, history = begun(ask)
    history.append(said("user", results(first)))
    fields = {"messages": history, "tools": TOOLS, "container": first["container"]["id"]}
    second = ask(**fields).json
    assert [block["name"] for block in second["content"]] == ["flip"]
    opened, ended = ask(**fields, stream=True).events
    assert opened == {"type": "message_start", "message": second}
    assert ended == {"type": "message_stop"}


def test_a_program_ends_with_what_it_printed(ask):
    first, history = begun(ask, "roll and flip")
    history.append(said("user", results(first)))
    last = ask(messages=history, tools=TOOLS, container=first["container"]["id"]).json
    ran = next(b for b in last["content"] if b["type"] == "code_execution_tool_result")
    assert ran["content"]["stdout"] == "six\nsix\n"
    assert last["stop_reason"] == "end_turn"
    history += [said("assistant", last["content"]), said("user", "Thanks")]
    assert ask(messages=history, tools=TOOLS).status == 200


def test_results_for_a_program_name_its_container(ask):
    first, history = begun(ask)
    refused = ask(messages=[*history, said("user", results(first))], tools=TOOLS)
    assert refused.status == 400
    assert refused.message.startswith("container_id is required when there are pending tool uses")


def test_a_program_without_its_result_is_refused_once_it_is_over(ask):
    first, history = begun(ask)
    lost = [*history, said("user", results(first)), said("assistant", "Done"), said("user", "?")]
    refused = ask(messages=lost, tools=TOOLS)
    assert "without a corresponding `code_execution_tool_result` block" in refused.message


def test_tokens_of_such_a_conversation_are_counted_without_a_container(ask):
    first, history = begun(ask)
    counted = ask(
        path="/v1/messages/count_tokens",
        messages=[*history, said("user", results(first))],
        tools=TOOLS,
    )
    assert json.loads(counted.raw)["input_tokens"] > 0
