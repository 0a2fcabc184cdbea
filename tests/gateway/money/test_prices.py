"""Costs: worked out by hand for each kind of price, and against recorded answers."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.catalog.model_info import all_models, lookup
from claif_cla.gateway.money.prices import MAX_COUNT, Counts, Prices, counts_of
from recorded import anthropic_answers, recorded_params

MILLION = 1_000_000
OPUS = "claude-opus-5-5"  # 4 in, 20 out, 0.2 read, 5 and 8 written; fast 8 and 40; batch 2 and 10
HAIKU = "claude-haiku-5-5"  # 0.1 and 0.5; beyond 100,000 tokens of prompt 0.5 and 2.5


def usage(**counts):
    return {"input_tokens": 0, "output_tokens": 0, **counts}


def written(short=0, long=0, total=None):
    split = {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}
    total = short + long if total is None else total
    return usage(cache_creation_input_tokens=total, cache_creation=split)


@pytest.mark.parametrize(
    ("counts", "cost"),
    [
        pytest.param(usage(input_tokens=1_000), 4_000, id="input"),
        pytest.param(usage(output_tokens=1_000), 20_000, id="output"),
        pytest.param(usage(cache_read_input_tokens=1_000), 200, id="cache read"),
        pytest.param(written(short=1_000), 5_000, id="written for 5 minutes"),
        pytest.param(written(long=1_000), 8_000, id="written for an hour"),
        pytest.param(written(short=100, long=200), 2_100, id="written for both"),
        pytest.param(usage(cache_creation_input_tokens=1_000), 5_000, id="written without a split"),
        pytest.param(written(long=200, total=300), 2_100, id="more written than the split says"),
        pytest.param(usage(input_tokens=1_000, speed="fast"), 8_000, id="fast input"),
        pytest.param(usage(output_tokens=1_000, speed="fast"), 40_000, id="fast output"),
        pytest.param(usage(cache_read_input_tokens=1_000, speed="fast"), 400, id="fast read"),
        pytest.param({**written(1_000), "speed": "fast"}, 10_000, id="fast, written"),
        pytest.param(usage(input_tokens=1_000, service_tier="batch"), 2_000, id="batch input"),
        pytest.param(usage(output_tokens=1_000, service_tier="batch"), 10_000, id="batch output"),
        pytest.param(
            usage(cache_read_input_tokens=1_000, service_tier="batch"), 100, id="batch read"
        ),
        pytest.param(usage(input_tokens=1_000, service_tier="priority"), 4_000, id="priority"),
        pytest.param(usage(input_tokens=1_000, speed="standard"), 4_000, id="standard speed"),
        pytest.param(usage(input_tokens=1_000, inference_geo="us"), 4_400, id="US only"),
        pytest.param(usage(input_tokens=1_000, inference_geo="global"), 4_000, id="global"),
        pytest.param(usage(server_tool_use={"web_search_requests": 3}), 30_000, id="searches"),
        pytest.param(
            usage(
                input_tokens=12,
                output_tokens=345,
                cache_read_input_tokens=6_789,
                cache_creation_input_tokens=300,
                cache_creation={
                    "ephemeral_5m_input_tokens": 100,
                    "ephemeral_1h_input_tokens": 200,
                },
            ),
            48 + 6_900 + 1_358 + 500 + 1_600,  # 6,789 * 0.2 = 1,357.8
            id="all at once",
        ),
        pytest.param({}, 0, id="nothing"),
    ],
)
def test_cost_is_what_the_price_list_says(counts, cost):
    assert Prices().cost(OPUS, counts) == cost


@pytest.mark.parametrize(
    ("tokens", "cost"),
    [(4, 0), (5, 1), (14, 1), (15, 2)],  # at 0.1 micro-USD each
)
def test_half_a_micro_dollar_is_rounded_up_and_less_is_not(tokens, cost):
    assert Prices().cost(HAIKU, usage(input_tokens=tokens)) == cost


def test_a_prompt_at_the_limit_costs_the_usual_price():
    counts = usage(input_tokens=100_000, output_tokens=1_000_000)
    assert Prices().cost(HAIKU, counts) == 10_000 + 500_000


def test_a_longer_prompt_costs_the_long_price_for_all_its_tokens():
    counts = usage(input_tokens=100_001, output_tokens=1_000)
    assert Prices().cost(HAIKU, counts) == 52_501  # 50,000.5 + 2,500


def test_what_is_read_from_and_written_to_the_cache_belongs_to_the_prompt():
    counts = usage(
        input_tokens=1,
        cache_read_input_tokens=90_000,
        cache_creation_input_tokens=10_000,
        cache_creation={"ephemeral_5m_input_tokens": 4_000, "ephemeral_1h_input_tokens": 6_000},
    )
    # 1 * 0.5 + 90,000 * 0.05 + 4,000 * 0.625 + 6,000 * 1
    assert Prices().cost(HAIKU, counts) == 4_500 + 2_500 + 6_000 + 1


def test_a_long_prompt_in_a_batch_costs_the_long_batch_price():
    counts = usage(input_tokens=200_000, output_tokens=1_000, service_tier="batch")
    assert Prices().cost(HAIKU, counts) == 50_000 + 1_250


def test_a_model_with_one_price_has_no_long_prompts():
    assert Prices().cost(OPUS, usage(input_tokens=900_000)) == 3_600_000


def test_fast_mode_that_a_model_does_not_have_costs_nothing_more():
    assert Prices().cost(HAIKU, usage(input_tokens=1_000, speed="fast")) == 100


@pytest.mark.parametrize("name", ["claude-haiku-4-5", "anthropic/claude-haiku-4.5"])
def test_any_name_of_a_model_finds_its_prices(name):
    assert Prices().cost(name, usage(input_tokens=1_000)) == 1_000


@pytest.mark.parametrize("name", ["gpt-5", "claude-opus-9", "", "claude-2.1"])
def test_a_model_without_known_prices_has_no_cost(name):
    assert Prices().cost(name, usage(input_tokens=1_000)) is None
    assert not Prices().knows(name)


@pytest.mark.parametrize("wrong", [None, "12", -5, 1.5, True, [], MAX_COUNT + 1], ids=repr)
def test_what_is_no_count_counts_nothing(wrong):
    counts = {
        "input_tokens": wrong,
        "output_tokens": wrong,
        "cache_read_input_tokens": wrong,
        "cache_creation_input_tokens": wrong,
        "cache_creation": {"ephemeral_5m_input_tokens": wrong},
        "server_tool_use": {"web_search_requests": wrong},
    }
    assert counts_of(counts) == Counts(0, 0, 0, 0, 0, 0)
    assert counts_of({**counts, "cache_creation": wrong, "server_tool_use": wrong}).prompt == 0


# Iterations


def test_tokens_of_a_turns_iterations_are_not_counted_twice():
    turns = [{"type": "message", "input_tokens": 500}, {"type": "message", "input_tokens": 500}]
    assert Prices().cost(OPUS, usage(input_tokens=1_000, iterations=turns)) == 4_000


def test_compaction_and_advice_are_charged_beside_the_sums():
    iterations = [
        {"type": "message", "input_tokens": 1_000, "output_tokens": 0},
        {"type": "compaction", "input_tokens": 1_000, "output_tokens": 100},
        {"type": "advisor_message", "model": "claude-fable-5-2", "input_tokens": 1_000},
    ]
    counts = usage(input_tokens=1_000, iterations=iterations)
    assert Prices().cost(OPUS, counts) == 4_000 + (4_000 + 2_000) + 8_000


@pytest.mark.parametrize("iterations", ["odd", {"a": 1}, [1, None, {"type": []}], [[]]])
def test_iterations_of_another_shape_change_nothing(iterations):
    assert Prices().cost(OPUS, usage(input_tokens=1_000, iterations=iterations)) == 4_000


def test_iterations_within_iterations_are_not_followed():
    nested = entry = {"type": "compaction", "input_tokens": 1}
    for _ in range(10_000):
        entry["iterations"] = [{"type": "compaction", "input_tokens": 1}]
        entry = entry["iterations"][0]
    assert Prices().cost(OPUS, usage(iterations=[nested])) == 4


# The operator's own prices


def test_own_prices_replace_the_catalogues_kind_by_kind():
    prices = Prices({OPUS: {"input": 3, "output": 15.5}})
    counts = usage(input_tokens=1_000, output_tokens=1_000, cache_read_input_tokens=1_000)
    assert prices.cost(OPUS, counts) == 3_000 + 15_500 + 200


def test_own_prices_make_a_foreign_model_known():
    prices = Prices({"local-*": {"input": 0.05, "output": 0}})
    counts = usage(
        input_tokens=1_000, output_tokens=1_000, server_tool_use={"web_search_requests": 9}
    )
    assert prices.cost("local-llama", counts) == 50
    assert prices.cost("other", counts) is None


def test_cache_kinds_that_an_own_list_leaves_out_cost_as_input():
    prices = Prices({"local": {"input": 2, "output": 4}})
    counts = {**written(10, 10), "cache_read_input_tokens": 10}
    assert prices.cost("local", counts) == 60


def test_a_model_of_no_cost_costs_nothing_and_is_known():
    prices = Prices({"local": {"input": 0, "output": 0, "batch_input": 0}})
    assert prices.cost("local", usage(input_tokens=5, service_tier="batch")) == 0


@pytest.mark.parametrize("kinds", [{"input": 1}, {"output": 1}, {}])
def test_a_list_without_input_and_output_is_none(kinds):
    assert Prices({"local": kinds}).cost("local", usage(input_tokens=5)) is None


def test_the_exact_name_goes_before_patterns_and_the_first_pattern_before_the_second():
    exact, first, second = ({"input": price, "output": 0} for price in (1, 2, 3))
    prices = Prices({"claude-*": first, "*": second, OPUS: exact})
    costs = [prices.cost(name, usage(input_tokens=1)) for name in (OPUS, HAIKU, "llama")]
    assert costs == [1, 2, 3]


def test_own_prices_hold_for_all_names_of_a_model():
    prices = Prices({"claude-haiku-4-5-20251001": {"input": 7, "output": 0}})
    assert prices.cost("claude-haiku-4-5", usage(input_tokens=1)) == 7


def test_own_prices_may_tell_the_fast_and_the_batch_price():
    kinds = {"input": 2, "output": 4, "fast_input": 6, "batch_output": 1, "cache_read": 0.5}
    prices = Prices({"local": kinds})
    fast = usage(input_tokens=10, output_tokens=10, cache_read_input_tokens=10, speed="fast")
    batch = usage(input_tokens=10, output_tokens=10, service_tier="batch")
    assert prices.cost("local", fast) == 60 + 40 + 15  # a read follows the input: 0.5 * 6 / 2
    assert prices.cost("local", batch) == 20 + 10


# The catalogue

KINDS = {
    "input": {"input_tokens": 1},
    "output": {"output_tokens": 1},
    "cache_read": {"cache_read_input_tokens": 1},
    "cache_write_5m": {"cache_creation": {"ephemeral_5m_input_tokens": 1}},
    "cache_write_1h": {"cache_creation": {"ephemeral_1h_input_tokens": 1}},
}
TIERS = {"fast_": {"speed": "fast"}, "batch_": {"service_tier": "batch"}, "": {}}
LISTED = [(model.id, kind) for model in all_models() for kind in model.prices]


@pytest.mark.parametrize(("model", "kind"), LISTED)
def test_each_price_of_the_catalogue_is_what_that_kind_costs(model, kind):
    price = Fraction(str(lookup(model).prices[kind]))
    is_long = kind.startswith("long_")
    rest = kind.removeprefix("long_")
    tier = next(tier for tier in TIERS if rest.startswith(tier))
    counts = _times(KINDS[rest.removeprefix(tier)], MILLION)
    cost = Prices().cost(model, {**counts, **TIERS[tier]})
    if is_long and "output_tokens" in counts:
        # The output's price goes by the prompt, whose own cost comes off again.
        prompt = {"input_tokens": MILLION, **TIERS[tier]}
        cost = Prices().cost(model, {**prompt, **counts}) - Prices().cost(model, prompt)
    elif not is_long and lookup(model).long_prompt_tokens is not None:
        thousand = _times(KINDS[rest.removeprefix(tier)], 100_000)
        cost = Prices().cost(model, {**thousand, **TIERS[tier]}) * 10
    assert cost == price * MILLION


def _times(counts, factor):
    return {
        name: _times(value, factor) if isinstance(value, dict) else value * factor
        for name, value in counts.items()
    }


def test_every_model_that_answers_and_has_prices_can_be_charged():
    listed = [model.id for model in all_models() if model.prices]
    assert listed
    assert all(Prices().knows(model) for model in listed)


@given(
    tokens=st.tuples(*[st.integers(0, 10_000_000)] * 5),
    model=st.sampled_from([model.id for model in all_models() if model.prices]),
    us_only=st.booleans(),
)
def test_cost_is_the_exact_sum_rounded_once(tokens, model, us_only):
    info = lookup(model)
    limit = info.long_prompt_tokens
    prompt = tokens[0] + sum(tokens[2:])
    prefix = "long_" if limit is not None and prompt > limit else ""
    kinds = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
    exact = sum(
        count * Fraction(str(info.prices[prefix + kind]))
        for count, kind in zip(tokens, kinds, strict=True)
    )
    counts = usage(
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        cache_read_input_tokens=tokens[2],
        cache_creation={
            "ephemeral_5m_input_tokens": tokens[3],
            "ephemeral_1h_input_tokens": tokens[4],
        },
        inference_geo="us" if us_only else "global",
    )
    if us_only:
        exact *= Fraction(11, 10)
    cost = Prices().cost(model, counts)
    assert isinstance(cost, int)
    assert -Fraction(1, 2) < cost - exact <= Fraction(1, 2)


# Recorded answers


def _charged(recording):
    """The whole message's model and usage; None for those that have none, or no known price."""
    body = recording.body
    if not isinstance(body, dict) or not isinstance(body.get("usage"), dict):
        return None
    model = body.get("model")
    if not isinstance(model, str) or not lookup(model).prices:
        return None
    return model, body["usage"]


@recorded_params("recordings", lambda: anthropic_answers(streaming=False))
def test_recorded_usage_costs_what_floats_say_to_a_micro_dollar(recordings):
    for recording in recordings:
        charged = _charged(recording)
        if charged is None:
            continue
        model, counts = charged
        counts = json.loads(json.dumps(counts))
        if counts.pop("iterations", None) or counts.get("server_tool_use"):
            continue
        read = counts.get("cache_read_input_tokens") or 0
        total = counts.get("cache_creation_input_tokens") or 0
        long = (counts.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0
        prices = lookup(model).prices
        if lookup(model).long_prompt_tokens is not None or counts.get("speed") == "fast":
            continue
        expected = (
            counts["input_tokens"] * prices["input"]
            + counts["output_tokens"] * prices["output"]
            + read * prices["cache_read"]
            + (total - long) * prices["cache_write_5m"]
            + long * prices["cache_write_1h"]
        ) * (1.1 if counts.get("inference_geo") == "us" else 1)
        if counts.get("service_tier") == "batch":
            expected /= 2
        assert Prices().cost(model, counts) == pytest.approx(expected, abs=1), recording


def test_recorded_answers_of_known_models_are_among_them():
    charged = [found for found in map(_charged, anthropic_answers(streaming=False)) if found]
    if not charged:
        pytest.skip("the recorded exchanges are not there")
    assert len({model for model, _ in charged}) > 5
