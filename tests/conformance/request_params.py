"""The other parameters, one by one."""

from __future__ import annotations

from conformance.bench import MID, NEW, NEWEST, OLD, Bench
from conformance.registry import check, expects, refuses

expects("params.model_passes", model=NEWEST, wire={"model": NEWEST})
expects("params.max_tokens", max_tokens=50, wire={"max_tokens": 50})
expects("params.max_completion_tokens", 105, max_completion_tokens=50, wire={"max_tokens": 50})
expects(
    "params.max_completion_tokens_wins",
    105,
    max_tokens=900,
    max_completion_tokens=50,
    wire={"max_tokens": 50},
)


@check("params.max_tokens_default_leaves_room_for_an_answer", 105)
def _(bench: Bench) -> None:
    bench.ask()
    assert bench.sent("max_tokens") >= 8_000
    bench.legal()


for label, model, limit in (("old", OLD, 64_000), ("mid", MID, 128_000), ("new", NEW, 128_000)):
    expects(
        f"params.max_tokens_default_is_the_models_limit.{label}",
        105,
        ours=True,
        model=model,
        wire={"max_tokens": limit},
    )

    @check(f"params.max_tokens_above_the_limit_is_no_late_400.{label}", 105)
    def _(bench: Bench, model: str = model, limit: int = limit) -> None:
        try:
            bench.ask(model=model, max_tokens=9_999_999)
        except Exception as error:  # noqa: BLE001  # a local refusal is a choice
            bench.is_refusal(error)
        else:
            assert bench.sent("max_tokens") <= limit


refuses("params.max_tokens_zero_is_refused", param="max_tokens", max_tokens=0)
refuses("params.max_tokens_negative_is_refused", param="max_tokens", max_tokens=-5)

expects("params.stop_text", stop="END", wire={"stop_sequences": ["END"]})
expects("params.stop_list", stop=["a", "b"], wire={"stop_sequences": ["a", "b"]})
expects("params.stop_null", stop=None, without="stop_sequences")
expects(
    "params.stop_of_more_than_four",
    ours=True,
    stop=list("abcdef"),
    wire={"stop_sequences": list("abcdef")},
)
expects(
    "params.stop_drops_what_claude_refuses",
    stop=["\n", "END", ""],
    wire={"stop_sequences": ["END"]},
)
expects("params.stop_of_white_space_only", stop=["\n"], without="stop_sequences")
expects("params.user_opaque", user="u-123", wire={"metadata.user_id": "u-123"})
expects("params.safety_identifier", safety_identifier="s-1", wire={"metadata.user_id": "s-1"})
expects(
    "params.safety_identifier_wins",
    user="u-123",
    safety_identifier="s-1",
    wire={"metadata.user_id": "s-1"},
)


@check("params.user_that_looks_personal_is_hashed")
def _(bench: Bench) -> None:
    bench.ask(user="ann@example.com")
    sent = bench.sent("metadata.user_id")
    assert sent is None or "ann@" not in sent
    bench.legal()


@check("params.user_hash_tells_users_apart")
def _(bench: Bench) -> None:
    seen = set()
    for user in ("ann@example.com", "bob@example.com", "ann@example.com"):
        bench.ask(user=user)
        seen.add(bench.sent("metadata.user_id"))
    assert len(seen) == 2 or seen == {None}, "to send nothing keeps it private as well"


expects("params.metadata_never_reaches_the_wire", metadata={"team": "a"}, without="metadata")
for label, params in {
    "seed": {"seed": 7},
    "prediction": {"prediction": {"type": "content", "content": "x"}},
    "store_false": {"store": False},
    "store_true": {"store": True},
    "service_tier_auto": {"service_tier": "auto"},
    "service_tier_flex": {"service_tier": "flex"},
    "modalities_text": {"modalities": ["text"]},
    "logprobs_false": {"logprobs": False},
    "top_logprobs_zero": {"top_logprobs": 0},
    "logit_bias_empty": {"logit_bias": {}},
    "n_one": {"n": 1},
    "penalties_zero": {"frequency_penalty": 0, "presence_penalty": 0},
    "prompt_cache_key": {"prompt_cache_key": "k"},
}.items():
    expects(
        f"params.{label}_is_taken",
        without="seed prediction store modalities logprobs logit_bias n frequency_penalty"
        " presence_penalty prompt_cache_key top_logprobs",
        **params,
    )
expects(
    "params.service_tier_default_is_standard_only",
    service_tier="default",
    wire={"service_tier": "standard_only"},
)
for label, params in {
    "logprobs": {"logprobs": True},
    "top_logprobs": {"logprobs": True, "top_logprobs": 3},
    "logit_bias": {"logit_bias": {"50256": -100}},
    "audio": {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "mp3"}},
}.items():
    refuses(f"params.{label}_is_refused", param=next(iter(params)), **params)
refuses("params.n_zero_is_refused", param="n", n=0)
refuses("params.n_of_129_is_refused", param="n", n=129)
refuses(
    "params.moderation_is_refused", param="moderation", ours=True, extra_body={"moderation": {}}
)


@check("params.verbosity_low_reaches_claude", ours=True)
def _(bench: Bench) -> None:
    bench.ask(verbosity="low")
    assert bench.system or bench.sent("output_config")
    bench.legal()


expects("params.verbosity_medium_adds_nothing", verbosity="medium", without="system verbosity")


@check("params.penalty_becomes_an_instruction", ours=True)
def _(bench: Bench) -> None:
    bench.ask(frequency_penalty=1.5)
    assert bench.system
    assert bench.sent("frequency_penalty") is None
    bench.legal()


@check("params.penalties_are_never_sent")
def _(bench: Bench) -> None:
    bench.ask(frequency_penalty=1.5, presence_penalty=-1)
    assert bench.sent("frequency_penalty") is None
    assert bench.sent("presence_penalty") is None
    bench.legal()


WEB = {"user_location": {"type": "approximate", "approximate": {"country": "DE", "city": "Bonn"}}}


@check("params.web_search_becomes_claudes_tool", 145)
def _(bench: Bench) -> None:
    bench.ask(web_search_options={}, model=MID)
    (tool,) = bench.wire["tools"]
    assert tool["type"].startswith("web_search_20")
    assert tool["name"] == "web_search"
    bench.legal()


@check("params.web_search_location_arrives", 145)
def _(bench: Bench) -> None:
    bench.ask(web_search_options=WEB, model=MID)
    location = bench.sent("tools.0.user_location")
    assert {**location} == {"type": "approximate", "country": "DE", "city": "Bonn"}
    bench.legal()


@check("params.web_search_context_size_bounds_the_searches", 145)
def _(bench: Bench) -> None:
    uses = []
    for size in ("low", "medium", "high"):
        bench.ask(web_search_options={"search_context_size": size}, model=MID)
        uses.append(bench.sent("tools.0.max_uses"))
    assert uses == sorted(uses)
    assert len(set(uses)) == 3


@check("params.web_search_stands_beside_functions", 145)
def _(bench: Bench) -> None:
    from conformance.samples import function  # noqa: PLC0415

    bench.ask(web_search_options={}, tools=[function()], model=MID)
    assert sorted(tool["name"] for tool in bench.wire["tools"]) == ["f", "web_search"]
    bench.legal()


@check("params.n_gives_that_many_choices")
def _(bench: Bench) -> None:
    for text in ("one", "two", "three"):
        bench.says(text)
    answer = bench.ask(n=3)
    assert [choice["index"] for choice in answer.dump["choices"]] == [0, 1, 2]
    texts = {choice["message"]["content"] for choice in answer.dump["choices"]}
    assert texts == {"one", "two", "three"}


@check("params.n_sends_that_many_requests")
def _(bench: Bench) -> None:
    bench.ask(n=3)
    assert len(bench.requests) == 3
    assert len({one.body for one in bench.requests}) == 1


@check("params.n_adds_completion_tokens_up")
def _(bench: Bench) -> None:
    from loopback import usage_of  # noqa: PLC0415

    bench.says("one", usage=usage_of(10, 5))
    bench.says("two", usage=usage_of(10, 7))
    usage = bench.ask(n=2).usage
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (10, 12)


@check("params.n_streams_each_choice_under_its_index")
def _(bench: Bench) -> None:
    bench.says("one")
    bench.says("two")
    stream = bench.stream(n=2)
    texts = ["", ""]
    for choice in stream.choices:
        texts[choice["index"]] += choice["delta"].get("content") or ""
    assert sorted(texts) == ["one", "two"]
    assert len(stream.finishes) == 2
    assert len({chunk["id"] for chunk in stream.chunks}) == 1
