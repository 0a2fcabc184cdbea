from __future__ import annotations

from claif_cla.gateway.money import Bill, Prices, bill, demand
from claif_cla.gateway.visit import Usage

OPUS, HAIKU = "claude-opus-5-5", "claude-haiku-5-5"


def reply(model=OPUS, *, complete=True, characters=0, **counts):
    return Usage(model, counts, complete, characters)


def test_nothing_used_costs_nothing():
    assert bill(Prices(), []) == Bill(0, 0, 0, 0, 0, 0, estimated=False)


def test_tokens_of_all_replies_are_added_by_kind():
    found = bill(
        Prices(),
        [
            reply(input_tokens=1, output_tokens=2, cache_read_input_tokens=3),
            reply(
                input_tokens=10,
                output_tokens=20,
                cache_creation_input_tokens=300,
                cache_creation={"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
            ),
        ],
    )
    assert found[:5] == (11, 22, 3, 100, 200)
    assert found.tokens == 336


def test_each_reply_is_priced_by_its_own_model():
    found = bill(Prices(), [reply(OPUS, input_tokens=1_000), reply(HAIKU, input_tokens=1_000)])
    assert found.cost == 4_000 + 100


def test_two_replies_do_not_make_one_long_prompt():
    found = bill(Prices(), [reply(HAIKU, input_tokens=60_000)] * 2)
    assert found.cost == 12_000


def test_replies_of_unknown_price_leave_the_cost_of_the_others():
    found = bill(Prices(), [reply("gpt-5", input_tokens=9), reply(OPUS, input_tokens=1_000)])
    assert (found.cost, found.input) == (4_000, 1_009)


def test_the_cost_is_unknown_where_no_price_is_known():
    found = bill(Prices(), [reply("gpt-5", input_tokens=9)])
    assert (found.cost, found.input) == (None, 9)


def test_a_reply_of_unknown_price_is_priced_as_what_was_asked():
    asked = demand(Prices(), OPUS, {}, 4_000)
    found = bill(Prices(), [reply("proxy/opus", input_tokens=1_000)], asked)
    assert found.cost == 4_000


def test_a_reply_that_was_left_makes_the_bill_an_estimate():
    asked = demand(Prices(), OPUS, {}, 4_000)
    found = bill(Prices(), [reply(complete=False, characters=350)], asked)
    assert found == Bill(1_000, 100, 0, 0, 0, 4_000 + 2_000, estimated=True)
