"""A catalogue that is behind the API: the call succeeds, and the next one needs no refusal."""

from __future__ import annotations

import json

import openai
import pytest

from callers import AsyncCaller, SyncCaller
from chat_requests import MIDDLE, NEWEST, OLD, STEADY, assistant, function_tool, system, user
from claif_cla.backends.simulator import SimulatorBackend
from claif_cla.backends.simulator.engine import Engine
from claif_cla.catalog.model_info import lookup

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}


class Recorder:
    """The simulator with other facts than the catalogue's, and what it was asked and answered."""

    name = "recorder"
    needs_key = False

    def __init__(self, **facts):
        def found(name):
            return lookup(name)._replace(**facts)

        self.simulator = SimulatorBackend(Engine(lookup=found))
        self.statuses = []
        self.bodies = []

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


def thinking(*types, **more):
    return {"thinking": lookup(STEADY).thinking._replace(types=frozenset(types), **more)}


CASES = {
    "no sampling": (OLD, {"sampling": "none"}, {"temperature": 0.5}),
    "no top_p": (MIDDLE, {"sampling": "none"}, {"top_p": 0.5}),
    "no forced tool": (
        STEADY,
        {"forced_tool_choice": False},
        {"tools": [function_tool("f")], "tool_choice": "required"},
    ),
    "no system message inside": (
        STEADY,
        {"mid_conversation_system": False},
        {"messages": [user(), assistant("a"), user("b"), system("c")]},
    ),
    "no prefill": (OLD, {"prefill": False}, {"messages": [user(), assistant("a")]}),
    "no effort level": (STEADY, {"effort_levels": ("low",)}, {"reasoning_effort": "max"}),
    "no effort": (STEADY, {"effort_levels": ()}, {"reasoning_effort": "high"}),
    "no adaptive thinking": (STEADY, thinking("disabled"), {"reasoning_effort": "high"}),
    "another kind of thinking": (
        STEADY,
        thinking("adaptive", "between_tools"),
        {"reasoning_effort": "none"},
    ),
    "no structured outputs": (STEADY, {"structured_outputs": False}, {"response_format": FORMAT}),
    "no fast mode": (NEWEST, {"fast_mode": None}, {"extra_body": {"speed": "fast"}}),
    "a lower limit": (STEADY, {"max_output_tokens": 4000}, {"max_tokens": 8000}),
    "a lower limit by default": (STEADY, {"max_output_tokens": 4000}, {}),
}
pytestmark = pytest.mark.filterwarnings(
    "ignore::claif_cla.AdaptationWarning", "ignore:.*is deprecated:DeprecationWarning"
)


@pytest.fixture(params=[SyncCaller, AsyncCaller], ids=["sync", "async"])
def new(request):
    made = []

    def caller(**options):
        made.append(request.param(max_retries=0, **options))
        return made[-1]

    yield caller
    for one in made:
        one.close()


def asked(caller, client=None, **params):
    call = (client or caller.client).chat.completions.create
    return caller.run(call(**{"messages": [user()], **params}))


def learnt(answer):
    notes = getattr(answer, "adaptations", ())
    return [note["detail"] for note in notes if note["param"] == "model"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "facts", "params"), CASES.values(), ids=CASES)
def test_a_fact_that_the_catalogue_has_wrong_is_learnt_by_one_refusal(
    new, model, facts, params, stream
):
    backend = Recorder(**facts)
    caller = new(backend=backend)
    answer = asked(caller, model=model, stream=stream, **params)
    first = next(iter(caller.iterate(answer))) if stream else answer
    assert backend.statuses == [400, 200]
    (told,) = learnt(first)
    assert told.startswith("The API said: ")
    again = asked(caller, model=model, **params)
    assert learnt(again) == []
    assert backend.statuses == [400, 200, 200]
    assert backend.bodies[2] | {"stream": None} == backend.bodies[1] | {"stream": None}


def test_copies_share_what_was_learnt(new):
    backend = Recorder(sampling="none")
    caller = new(backend=backend)
    copy = caller.client.with_options(timeout=5)
    asked(caller, client=copy, model=OLD, temperature=0.5)
    asked(caller, model=OLD, temperature=0.5)
    asked(caller, client=copy.with_options(compat="lenient"), model=OLD, temperature=0.5)
    assert backend.statuses == [400, 200, 200, 200]


@pytest.mark.parametrize("other", [{"base_url": "https://other.test"}, {"backend": Recorder()}])
def test_another_server_is_not_judged_by_it(new, other):
    caller = new(backend=Recorder(sampling="none"))
    asked(caller, model=OLD, temperature=0.5)
    copy = caller.client.with_options(**other)
    assert copy._claif.settings.lessons is not caller.client._claif.settings.lessons


def test_a_model_by_another_of_its_names_is_the_same(new):
    backend = Recorder(sampling="none")
    caller = new(backend=backend, model_aliases={"mine": OLD})
    for name in (OLD, "mine", lookup(OLD).id):
        asked(caller, model=name, temperature=0.5)
    assert backend.statuses == [400, 200, 200, 200]


def test_what_a_version_of_the_callers_choice_refuses_is_no_lesson(new):
    backend = Recorder()
    caller = new(backend=backend)
    version = {"anthropic-version": "2026-10-21"}
    answer = asked(caller, model=OLD, temperature=0.5, extra_headers=version)
    assert backend.statuses == [400, 200]
    assert ("temperature", "dropped") in [(n["param"], n["action"]) for n in answer.adaptations]
    asked(caller, model=OLD, temperature=0.5)
    assert backend.statuses == [400, 200, 200]
    assert backend.bodies[2]["temperature"] == 0.5


def test_what_is_refused_once_more_is_refused_and_not_remembered(new):
    backend = Recorder(sampling="none", forced_tool_choice=False)
    caller = new(backend=backend)
    forced = {"tools": [function_tool("f")], "tool_choice": "required"}
    for _ in range(2):
        with pytest.raises(openai.BadRequestError, match="forces tool use"):
            asked(caller, model=OLD, temperature=0.5, **forced)
    assert backend.statuses == [400, 400] * 2


def test_strict_answers_with_the_apis_own_refusal(new):
    backend = Recorder(sampling="none")
    caller = new(backend=backend, compat="strict")
    with pytest.raises(openai.BadRequestError, match="deprecated for this model"):
        asked(caller, model=OLD, temperature=0.5)
    assert backend.statuses == [400]


def test_strict_takes_a_correction_that_changes_nothing_of_the_callers(new):
    backend = Recorder(max_output_tokens=4000)
    answer = asked(new(backend=backend, compat="strict"), model=STEADY)
    assert backend.statuses == [400, 200]
    assert getattr(answer, "adaptations", None) == []


def test_a_refusal_that_the_request_is_to_blame_for_is_told(new):
    backend = Recorder()
    with pytest.raises(openai.BadRequestError):
        asked(new(backend=backend), model=STEADY, extra_headers={"x-simulator-fault": "400"})
    assert backend.statuses == [400]


def test_several_answers_are_asked_for_as_was_learnt(new):
    backend = Recorder(sampling="none")
    answer = asked(new(backend=backend), model=OLD, temperature=0.5, n=3)
    assert len(answer.choices) == 3
    assert backend.statuses == [400, 200, 200, 200]


BOUND = {"type": "thinking", "thinking": "", "signature": "bm8="}
EDITED = [user(), assistant("a", thinking_blocks=[BOUND]), user("b")]


def test_thinking_that_does_not_fit_goes_and_the_call_goes_on(new):
    backend = Recorder()
    caller = new(backend=backend)
    answer = asked(caller, model=NEWEST, messages=EDITED)
    assert backend.statuses == [400, 200]
    assert backend.bodies[1]["messages"][1]["content"] == [{"type": "text", "text": "a"}]
    (note,) = answer.adaptations
    assert (note["param"], note["action"]) == ("messages", "dropped")
    assert note["detail"] == "Thinking that no longer fits the conversation was left out."
    asked(caller, model=NEWEST, messages=EDITED)
    assert backend.statuses == [400, 200, 400, 200]


def test_strict_does_not_take_the_callers_thinking_away(new):
    backend = Recorder()
    with pytest.raises(openai.BadRequestError, match="Invalid `signature` in `thinking` block"):
        asked(new(backend=backend, compat="strict"), model=NEWEST, messages=EDITED)
    assert backend.statuses == [400]


@pytest.mark.parametrize("compat", ["strict", "adapt"])
def test_thinking_that_we_remembered_and_that_does_not_fit_costs_no_refusal(new, compat):
    backend = Recorder()
    caller = new(backend=backend, compat=compat)
    tools = [function_tool("f")]
    first = asked(caller, model=NEWEST, messages=[user("call f")], tools=tools)
    call = first.choices[0].message.tool_calls[0]
    history = [
        user("please call f"),  # edited: what was thought then does not fit it
        assistant(
            None, {"id": call.id, "type": "function", "function": call.function.model_dump()}
        ),
        {"role": "tool", "tool_call_id": call.id, "content": "fine"},
    ]
    history[1]["content"] = first.choices[0].message.content
    answer = asked(caller, model=NEWEST, messages=history, tools=tools)
    assert backend.statuses == [200, 200]
    kinds = [block["type"] for block in backend.bodies[1]["messages"][1]["content"]]
    assert "thinking" not in kinds
    assert bool(getattr(answer, "adaptations", None)) is (compat == "adapt")
