from __future__ import annotations

import json

import pytest

from claif_cla.thinking_memory import ThinkingMemory
from claif_cla.translate.call import Call, Settings
from claif_cla.translate.chat.containers import container_id, keep_container
from claif_cla.translate.chat.request import plan_request

MODEL = "claude-opus-5-5"
CALLER = {"type": "code_execution_20260120", "tool_id": "srvtoolu_1"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "caller": CALLER}
CODE = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "code_execution", "input": {}}
MESSAGE = {"content": [CODE, USE], "container": {"id": "container_1", "expires_at": "2099"}}
CALLS = [{"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
RESULT = {"role": "tool", "tool_call_id": "toolu_1", "content": "six"}
ASKED = {"role": "user", "content": "q"}
SAID = {"role": "assistant", "content": None, "tool_calls": CALLS, "content_blocks": [CODE, USE]}
ECHO = {**SAID, "container": MESSAGE["container"]}


def sent(*messages, memory=None, **params):
    request = {"model": MODEL, "messages": [ASKED, *messages], **params}
    call = Call("POST", "/chat/completions", request, Settings(memory=memory))
    plan = plan_request(call)
    assert not plan.receipts.entries
    return json.loads(plan.data).get("container")


def test_an_echo_names_its_container():
    assert sent(ECHO, RESULT) == "container_1"


def test_the_memory_knows_it_by_its_program():
    memory = ThinkingMemory()
    keep_container(memory, MESSAGE)
    assert sent(SAID, RESULT, memory=memory) == "container_1"


def test_nothing_is_named_that_nobody_knows():
    assert sent(SAID, RESULT) is None
    assert sent(SAID, RESULT, memory=ThinkingMemory()) is None


def test_the_callers_own_wins():
    assert sent(ECHO, RESULT, container="container_2") == "container_2"


def test_claudes_own_calls_need_none():
    direct = {**ECHO, "content_blocks": [{**USE, "caller": {"type": "direct"}}]}
    assert sent(direct, RESULT) is None


def test_a_program_that_has_ended_needs_none():
    assert sent(ECHO, RESULT, {"role": "assistant", "content": "six"}, ASKED) is None


def test_of_a_message_without_programs_nothing_is_kept():
    memory = ThinkingMemory()
    keep_container(memory, {**MESSAGE, "content": [CODE]})
    keep_container(memory, {"content": [USE]})
    assert len(memory) == 0


@pytest.mark.parametrize("container", [None, "c", {}, {"id": 1}, {"id": ""}])
def test_a_container_without_an_id_has_none(container):
    assert container_id({"container": container}) is None


def test_a_container_that_is_no_mapping_in_an_echo_is_passed_over():
    assert sent({**ECHO, "container": "mine"}, RESULT) is None
