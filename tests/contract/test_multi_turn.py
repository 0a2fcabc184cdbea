"""Conversations of several turns, as clients of every kind go on with them, on every model.

The simulator is the judge: it verifies signatures, order, pairs of calls and results, and on the
newest models that thinking still stands where it was thought.
"""

from __future__ import annotations

import json

import pytest

from callers import AsyncCaller, SyncCaller
from claif_cla import ThinkingMemory
from claif_cla.backends.simulator import SimulatorBackend
from claif_cla.catalog.model_info import active_models
from claif_cla.translate.chat.recall import worth_keeping

MODELS = [model.id for model in active_models()]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": name,
            "strict": True,  # `stream` of older releases takes no others
            "parameters": {
                "type": "object",
                "properties": {"place": {"type": "string"}},
                "required": ["place"],
                "additionalProperties": False,
            },
        },
    }
    for name in ("get_weather", "get_time")
]
SAID = [
    "Call get_weather and get_time then get_weather",
    "[[simulator:redacted-thinking]] Search for the latest news",
    "[[simulator:pause=2]] Go on",
    "Call get_time",
    "Call get_weather and search for more news",
    "Thank you",
]
ASIDES = {2: "The user is in a hurry.", 4: "Use degrees Celsius."}
"""What the system says beside the user, by the turn."""


class Recorder:
    """The simulator, and what it was asked and answered."""

    name = "recorder"
    needs_key = False

    def __init__(self):
        self.simulator = SimulatorBackend()
        self.bodies = []
        self.statuses = []

    def is_official(self, root):
        return True

    def open(self, request, hop):
        return self.noted(request, self.simulator.open(request, hop))

    async def aopen(self, request, hop):
        return self.noted(request, await self.simulator.aopen(request, hop))

    def noted(self, request, exchange):
        self.bodies.append(json.loads(request.body))
        self.statuses.append(exchange.status)
        return exchange


def echoed(message):
    return message


def dumped(message):
    return message.model_dump()


def stripped(message):
    """What a framework keeps that knows only OpenAI's own fields."""
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in message.tool_calls or ()
    ]
    rebuilt = {"role": "assistant", "content": message.content}
    return rebuilt | ({"tool_calls": calls} if calls else {})


def in_parts(message):
    """Another such framework: texts in parts, and none is left out."""
    rebuilt = stripped(message)
    text = (rebuilt["content"] or "").strip()
    return rebuilt | {"content": [{"type": "text", "text": text}] if text else ""}


def created(caller, **params):
    return caller.create(**params).choices[0].message


def streamed(caller, **params):
    with caller.stream(**params) as stream:
        return caller.run(stream.get_final_completion()).choices[0].message


def as_whole(messages):
    return messages


def trimmed(messages):
    """The system message and the last two of what the user said, with what followed."""
    spoken = [at for at, message in enumerate(messages) if asked(message)]
    return [messages[0], *messages[spoken[-2:][0] :]]


def edited(messages):
    """Another first question than the one that was answered, and a repeated later one."""
    spoken = [at for at, message in enumerate(messages) if asked(message)]
    changed = [*messages]
    changed[1] = {"role": "user", "content": "(removed)"}
    if len(spoken) > 2:
        changed.insert(spoken[2], changed[spoken[2]])
    return changed


def merged(messages):
    """Without the tools' results of finished turns, and what the assistant said as one text."""
    spoken = [at for at, message in enumerate(messages) if asked(message)]
    first, kept = spoken[-1], []
    for message in messages[:first]:
        said = message if isinstance(message, dict) else message.model_dump()
        if said["role"] == "assistant" and kept and kept[-1]["role"] == "assistant":
            text = f"{kept[-1]['content'] or ''} {said['content'] or ''}".strip()
            kept[-1] = {"role": "assistant", "content": text or "…"}
        elif said["role"] == "assistant":
            kept.append({"role": "assistant", "content": said["content"] or "…"})
        elif said["role"] != "tool":
            kept.append(said)
    return [*kept, *messages[first:]]


def asked(message):
    return isinstance(message, dict) and message["role"] == "user"


def conversation(caller, model, ask, kept, cut=as_whole):
    """Runs all turns; the native content of each answer, in order."""
    history, answers = [{"role": "system", "content": "Be brief."}], []
    for number, said in enumerate(SAID):
        history.append({"role": "user", "content": said})
        if number in ASIDES:
            history.append({"role": "system", "content": ASIDES[number]})
        while True:
            params = {"tools": TOOLS, "web_search_options": {}, "max_tokens": 8000}
            params["reasoning_effort"] = "high"
            message = ask(caller, model=model, messages=cut(history), **params)
            answers.append(
                [
                    {key: value for key, value in block.items() if key != "index"}
                    for block in message.content_blocks
                ]
            )
            history.append(kept(message))
            for call in message.tool_calls or ():
                result = {"role": "tool", "tool_call_id": call.id, "content": "fine"}
                history.append(result)
            if not message.tool_calls:
                break
    return answers


@pytest.fixture
def simulated(kind):
    backend = Recorder()
    caller = kind(backend=backend, max_retries=0)
    yield caller, backend
    caller.close()


# Both clients and both ways to ask meet every model; all four pairs of them meet one.
MODELS_ASKED = pytest.mark.parametrize(
    ("model", "kind", "ask"),
    [
        *((model, SyncCaller, created) for model in MODELS),
        *((model, AsyncCaller, streamed) for model in MODELS),
        (MODELS[0], SyncCaller, streamed),
        (MODELS[0], AsyncCaller, created),
    ],
)
pytestmark = [
    pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning"),
    pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning"),
]


@MODELS_ASKED
@pytest.mark.parametrize("kept", [echoed, dumped, stripped, in_parts])
def test_a_conversation_stays_whole_however_a_client_goes_on_with_it(simulated, model, ask, kept):
    caller, backend = simulated
    answers = conversation(caller, model, ask, kept)
    assert set(backend.statuses) == {200}
    sent = [turn["content"] for turn in backend.bodies[-1]["messages"]]
    rich = [answer for answer in answers[:-1] if worth_keeping(answer)]
    assert len(rich) >= 3
    assert [answer for answer in rich if answer not in sent] == []
    kinds = {block["type"] for answer in rich for block in answer}
    assert {"server_tool_use", "web_search_tool_result", "redacted_thinking"} <= kinds


@MODELS_ASKED
@pytest.mark.parametrize("cut", [trimmed, edited, merged])
@pytest.mark.parametrize("kept", [echoed, stripped])
def test_a_conversation_whose_history_a_client_changes_goes_on_without_a_refusal(
    simulated, model, ask, kept, cut
):
    caller, backend = simulated
    answers = conversation(caller, model, ask, kept, cut=cut)
    assert all(answers)
    assert set(backend.statuses) == {200}


@pytest.mark.parametrize("ask", [created, streamed])
@pytest.mark.parametrize("model", MODELS)
def test_without_a_memory_a_stripped_conversation_stays_valid(model, ask):
    backend = Recorder()
    caller = SyncCaller(backend=backend, max_retries=0, thinking_memory=False)
    conversation(caller, model, ask, stripped)
    caller.close()
    assert set(backend.statuses) == {200}
    histories = [turn for turn in backend.bodies[-1]["messages"] if turn["role"] == "assistant"]
    kinds = {block["type"] for turn in histories for block in turn["content"]}
    assert kinds == {"text", "tool_use"}


def test_clients_that_share_a_memory_go_on_with_each_others_conversations():
    memory, backends = ThinkingMemory(), [Recorder(), Recorder()]
    first, second = (
        SyncCaller(backend=backend, max_retries=0, thinking_memory=memory) for backend in backends
    )
    messages = [{"role": "user", "content": "Hi"}]
    answer = created(first, model=MODELS[0], messages=messages)
    messages += [stripped(answer), {"role": "user", "content": "And?"}]
    created(second, model=MODELS[0], messages=messages)
    assert backends[1].bodies[0]["messages"][1]["content"] == answer.content_blocks
    first.close()
    second.close()
