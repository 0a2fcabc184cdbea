"""instructor, which patches a client."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

instructor = pytest.importorskip("instructor")

from pydantic import BaseModel, field_validator  # noqa: E402 - only where there is an instructor

pytestmark = pytest.mark.filterwarnings("ignore::claif_cla.AdaptationWarning")

MESSAGES = [{"role": "user", "content": "Tell of Bern"}]
MODES = [instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA, instructor.Mode.JSON]
each_mode = pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)


class City(BaseModel):
    name: str
    people: int


@each_mode
def test_a_response_model(client, model, mode):
    create = instructor.from_openai(client, mode=mode).chat.completions.create
    city = create(model=model, messages=MESSAGES, response_model=City)
    assert isinstance(city, City)


@each_mode
async def test_a_response_model_of_the_async_client(async_client, model, mode):
    create = instructor.from_openai(async_client, mode=mode).chat.completions.create
    city = await create(model=model, messages=MESSAGES, response_model=City)
    assert isinstance(city, City)


@each_mode
def test_a_response_model_in_parts(client, model, mode):
    patched = instructor.from_openai(client, mode=mode)
    parts = [
        (part.name, part.people)
        for part in patched.chat.completions.create_partial(
            model=model, messages=MESSAGES, response_model=City
        )
    ]
    assert ("name", None) in parts
    assert parts[-1] == ("name", 1)


@each_mode
def test_a_list_as_it_comes(client, model, mode):
    patched = instructor.from_openai(client, mode=mode)
    cities = patched.chat.completions.create_iterable(
        model=model, messages=MESSAGES, response_model=City
    )
    assert [type(city) for city in cities] == [City]


@each_mode
def test_a_wrong_answer_is_asked_again(client, model, mode, api):
    tries = []

    class Checked(City):
        @field_validator("people")
        @classmethod
        def second_time_lucky(cls, value: int) -> int:
            tries.append(value)
            if len(tries) == 1:
                raise ValueError("more than that")
            return value

    create = instructor.from_openai(client, mode=mode).chat.completions.create
    create(model=model, messages=MESSAGES, response_model=Checked, max_retries=2)
    assert len(tries) == len(api.requests) == 2
    assert "more than that" in str(api.requests[-1]["messages"])


def test_parallel_calls(client, model):
    patched = instructor.from_openai(client, mode=instructor.Mode.PARALLEL_TOOLS)
    cities = patched.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "Call City for Bern"}],
        response_model=Iterable[City],
    )
    assert [type(city) for city in cities] == [City]
