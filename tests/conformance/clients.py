"""What openai's own client does beyond `create`: its helpers must work on our answers."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from conformance.bench import HELLO, MID, Bench
from conformance.errors import is_openais
from conformance.registry import check
from conformance.samples import CITY, EMPTY, STRICT, function, json_schema
from loopback import json_answer, message, text_block, thinking_block, tool_use_block


class Weather(BaseModel):
    city: str
    degrees: int


FORECAST = '{"city":"Bern","degrees":21}'
ASKED: dict[str, Any] = {"model": MID, "messages": HELLO}


def parse(bench: Bench, **params: Any) -> Any:
    caller = bench.subject.caller  # type: ignore[attr-defined]
    return caller.run(caller.client.chat.completions.parse(**{**ASKED, **params}))


def accumulated(bench: Bench, **params: Any) -> Any:
    """The final completion of `chat.completions.stream`."""
    caller = bench.subject.caller  # type: ignore[attr-defined]
    with caller.stream(**{**ASKED, **params}) as stream:
        return caller.run(stream.get_final_completion())


@check("client.parse_gives_the_model", needs="client")
def _(bench: Bench) -> None:
    bench.says(FORECAST)
    parsed = parse(bench, response_format=Weather).choices[0].message.parsed
    assert parsed == Weather(city="Bern", degrees=21)
    assert bench.sent("output_config.format.type") == "json_schema"
    bench.legal()


@check("client.parse_gives_arguments_of_strict_tools", needs="client")
def _(bench: Bench) -> None:
    bench.says(tool_use_block("f", {"a": "x"}), stop_reason="tool_use")
    answer = parse(bench, tools=[function("f", STRICT, strict=True)])
    assert answer.choices[0].message.tool_calls[0].function.parsed_arguments == {"a": "x"}


@check("client.parse_of_a_cut_answer_raises_length", 68, needs="client")
def _(bench: Bench) -> None:
    bench.says('{"city":', stop_reason="max_tokens")
    is_openais(_raised(bench), "LengthFinishReasonError")


@check("client.parse_of_a_refused_answer_raises_content_filter", 68, needs="client")
def _(bench: Bench) -> None:
    bench.says("I can't", stop_reason="refusal")
    is_openais(_raised(bench), "ContentFilterFinishReasonError")


@check("client.parse_of_a_cut_answer_carries_it", 68, needs="client")
def _(bench: Bench) -> None:
    bench.says('{"city":', stop_reason="max_tokens")
    error: Any = _raised(bench)
    assert error.completion.usage.completion_tokens == 7
    assert error.completion.choices[0].message.content == '{"city":'


def _raised(bench: Bench) -> Exception:
    try:
        parse(bench, response_format=Weather)
    except Exception as error:  # noqa: BLE001  # which one is for the check to say
        return error
    raise AssertionError("nothing was raised")


@check("client.stream_helper_puts_text_together", needs="client")
def _(bench: Bench) -> None:
    bench.says("Hello, you.", piece=2)
    assert accumulated(bench).choices[0].message.content == "Hello, you."


@check("client.stream_helper_puts_calls_together", 21, needs="client")
def _(bench: Bench) -> None:
    blocks = [tool_use_block("f", {"city": "x" * 20}, id="a"), tool_use_block("g", {}, id="b")]
    bench.says("t", *blocks, stop_reason="tool_use", piece=3)
    closed = {"additionalProperties": False}
    # Some releases of openai parse here, and take strict tools only.
    tools = [
        function("f", {**CITY, **closed}, strict=True),
        function("g", {**EMPTY, **closed, "required": []}, strict=True),
    ]
    final = accumulated(bench, tools=tools)
    calls = final.choices[0].message.tool_calls
    assert [(call.id, call.function.name) for call in calls] == [("a", "f"), ("b", "g")]
    assert json.loads(calls[0].function.arguments) == {"city": "x" * 20}


@check("client.stream_helper_parses", 67, needs="client")
def _(bench: Bench) -> None:
    bench.says(FORECAST, piece=3)
    final = accumulated(bench, response_format=Weather)
    assert final.choices[0].message.parsed == Weather(city="Bern", degrees=21)


@check("client.stream_helper_keeps_the_reasoning", 10, needs="client")
def _(bench: Bench) -> None:
    bench.says(thinking_block("abc", "S"), "ok", piece=1)
    assert accumulated(bench).choices[0].message.reasoning_content == "abc"


@check("client.stream_helper_gives_the_usage", 95, needs="client")
def _(bench: Bench) -> None:
    bench.says("ok")
    assert accumulated(bench, stream_options={"include_usage": True}).usage.total_tokens == 18


@check("client.stream_helper_of_structured_text_is_content", 67, needs="client")
def _(bench: Bench) -> None:
    bench.says('{"a":"x"}')
    message_ = accumulated(bench, response_format=json_schema(STRICT)).choices[0].message
    assert (message_.content, message_.tool_calls) == ('{"a":"x"}', None)


@check("client.raw_response_has_the_request_id", 128, needs="client")
def _(bench: Bench) -> None:
    answer = json_answer(message([text_block("ok")]), headers={"request-id": "req_9"})
    bench.replies(answer)
    caller = bench.subject.caller  # type: ignore[attr-defined]
    raw = caller.run(caller.client.chat.completions.with_raw_response.create(**ASKED))
    assert raw.headers["x-request-id"] == "req_9"


@check("client.rate_limit_headers_are_openais", needs="client")
def _(bench: Bench) -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-tokens-limit": "4000",
        "anthropic-ratelimit-tokens-remaining": "3900",
    }
    bench.replies(json_answer(message([text_block("ok")]), headers=headers))
    caller = bench.subject.caller  # type: ignore[attr-defined]
    raw = caller.run(caller.client.chat.completions.with_raw_response.create(**ASKED))
    assert raw.headers["x-ratelimit-limit-requests"] == "50"
    assert raw.headers["x-ratelimit-remaining-requests"] == "49"
    assert raw.headers["x-ratelimit-remaining-tokens"] == "3900"


@check("client.models_can_be_listed", needs="client")
def _(bench: Bench) -> None:
    caller = bench.subject.caller  # type: ignore[attr-defined]
    model = {"id": "claude-opus-4-8", "type": "model", "display_name": "O"}
    made = {**model, "created_at": "2026-05-28T00:00:00Z"}
    page = {"data": [made], "has_more": False, "first_id": made["id"], "last_id": made["id"]}
    bench.server.answer_with(lambda _: json_answer(page))
    (found,) = caller.run(caller.client.models.list()).data
    assert (found.id, found.object) == ("claude-opus-4-8", "model")
    assert found.created == 1779926400
