"""Tools that a program of Claude's calls: the program waits in its container for their results.

The simulator is the judge: as the API does, it refuses results without the container's name.
"""

from __future__ import annotations

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState

from callers import AsyncCaller, SyncCaller
from claif_cla import ThinkingMemory
from claif_cla.catalog.model_info import active_models

pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")

MODELS = [model.id for model in active_models()]
CODE = "code_execution_20260521"
TOOLS = [
    {"type": CODE, "name": "code_execution"},
    *(
        {
            "type": "function",
            "function": {
                "name": name,
                "parameters": {"type": "object", "properties": {}},
            },
            "allowed_callers": [CODE],
        }
        for name in ("roll", "flip")
    ),
]


def stripped(message):
    """What a framework keeps that knows only OpenAI's own fields."""
    kept = ("id", "type", "function")
    calls = [call.model_dump(include={*kept}) for call in message.tool_calls or ()]
    for call in calls:
        call["function"] = {key: call["function"][key] for key in ("name", "arguments")}
    rebuilt = {"role": "assistant", "content": message.content}
    return rebuilt | ({"tool_calls": calls} if calls else {})


def created(caller, **params):
    return caller.create(**params).choices[0].message


def streamed(caller, **params):
    state = ChatCompletionStreamState()  # `stream` of older releases takes functions only
    for chunk in caller.iterate(caller.create(stream=True, **params)):
        state.handle_chunk(chunk)
    return state.get_final_completion().choices[0].message


def talk(caller, ask, keep, model):
    """The names of the tools that were called, and the last text."""
    messages, called = [{"role": "user", "content": "Call roll and flip then roll"}], []
    for _ in range(4):
        message = ask(caller, model=model, messages=messages, tools=TOOLS)
        messages.append(keep(message))
        if not message.tool_calls:
            break
        called.append([call.function.name for call in message.tool_calls])
        messages += [
            {"role": "tool", "tool_call_id": call.id, "content": "six"}
            for call in message.tool_calls
        ]
    messages.append({"role": "user", "content": "Thank you"})
    return called, ask(caller, model=model, messages=messages, tools=TOOLS).content


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("keep", [lambda message: message, stripped], ids=["echo", "stripped"])
@pytest.mark.parametrize("ask", [created, streamed])
@pytest.mark.parametrize("kind", [SyncCaller, AsyncCaller])
def test_a_program_gets_its_results(kind, ask, keep, model):
    caller = kind(backend="simulator", thinking_memory=ThinkingMemory())
    try:
        called, last = talk(caller, ask, keep, model)
    finally:
        caller.close()
    assert called == [["roll", "flip"], ["roll"]]
    assert last.endswith("You said: Thank you")


def test_an_echo_is_enough_without_a_memory():
    caller = SyncCaller(backend="simulator", thinking_memory=False)
    called, _ = talk(caller, created, lambda message: message, MODELS[0])
    caller.close()
    assert called == [["roll", "flip"], ["roll"]]


def test_what_nobody_remembers_is_still_a_request_that_is_taken():
    caller = SyncCaller(backend="simulator", thinking_memory=False)
    called, _ = talk(caller, created, stripped, MODELS[0])
    caller.close()
    assert called == [["roll", "flip"], ["roll"]]
