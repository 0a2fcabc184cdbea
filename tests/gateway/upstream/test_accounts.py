from __future__ import annotations

import logging

import pytest

from claif_cla.gateway.config import Config
from claif_cla.gateway.upstream.accounts import (
    LIMITED_SECONDS,
    MAX_FAILED_SECONDS,
    MAX_LIMITED_SECONDS,
    REFUSED_SECONDS,
    Account,
    Accounts,
    accounts_of,
)
from claif_cla.gateway.upstream.exchange import Trouble
from gateway.upstream.made import SECRET, Clock, account


def trouble(status=529, wait=None, *, reset=False):
    return Trouble(status, again=True, elsewhere=True, wait=wait, reset=reset)


def accounts_with(*weights, clock=None):
    named = [Account(name, weight=weight) for name, weight in zip("abcdef", weights, strict=False)]
    return Accounts(named, clock or Clock()), named


def is_cooling(accounts, name):
    return dict(accounts.state())[name]


def test_turns_follow_the_weights_and_alternate():
    accounts, _ = accounts_with(3, 1)
    assert "".join(accounts.first().name for _ in range(8)) == "aabaaaba"


def test_equal_accounts_take_turns():
    accounts, _ = accounts_with(1, 1, 1)
    assert [accounts.first().name for _ in range(6)] == ["a", "b", "c", "a", "b", "c"]


def test_an_account_that_cools_down_is_passed_over():
    clock = Clock()
    accounts, (a, _) = accounts_with(1, 1, clock=clock)
    accounts.went_wrong(a, trouble(429, 7.0))
    assert {accounts.first().name for _ in range(4)} == {"b"}
    clock.now += 7.0
    assert {accounts.first().name for _ in range(4)} == {"a", "b"}


def test_when_all_cool_down_the_one_that_is_free_soonest_is_asked():
    accounts, (a, b) = accounts_with(1, 1)
    accounts.went_wrong(a, trouble(429, 9.0))
    accounts.went_wrong(b, trouble(429, 4.0))
    assert accounts.first() is b
    assert accounts.another(a) is None


def test_the_account_that_answered_before_is_preferred_while_it_is_free():
    accounts, (a, b) = accounts_with(1, 100)
    assert accounts.first("a") is a
    accounts.went_wrong(a, trouble(429, 9.0))
    assert accounts.first("a") is b


def test_an_unknown_preference_changes_nothing():
    accounts, (a, _) = accounts_with(1, 1)
    assert accounts.first("gone") is a


@pytest.mark.parametrize(
    ("status", "wait", "seconds"),
    [
        (429, 12.0, 12.0),
        (429, None, LIMITED_SECONDS),
        (429, 86_400.0, MAX_LIMITED_SECONDS),
        (401, None, REFUSED_SECONDS[401]),
        (402, None, REFUSED_SECONDS[402]),
        (403, None, REFUSED_SECONDS[403]),
        (529, None, 1.0),
        (500, 3.0, 3.0),
        (503, 900.0, MAX_FAILED_SECONDS),
        (0, None, 1.0),
    ],
)
def test_how_long_an_account_cools_down(status, wait, seconds):
    clock = Clock()
    accounts, (a,) = accounts_with(1, clock=clock)
    accounts.went_wrong(a, trouble(status, wait))
    clock.now += seconds - 0.001
    assert is_cooling(accounts, "a")
    clock.now += 0.002
    assert not is_cooling(accounts, "a")


@pytest.mark.parametrize("status", [408, 409])
def test_what_is_the_request_s_own_speaks_against_no_account(status):
    accounts, (a,) = accounts_with(1)
    accounts.went_wrong(a, trouble(status))
    assert not is_cooling(accounts, "a")


def test_what_the_gateway_gives_up_by_itself_speaks_against_no_account():
    accounts, (a,) = accounts_with(1)
    accounts.went_wrong(a, Trouble(0, again=False, elsewhere=False))
    assert not is_cooling(accounts, "a")


def test_failures_in_a_row_double_the_time_up_to_its_bound():
    clock = Clock()
    accounts, (a,) = accounts_with(1, clock=clock)
    seconds = []
    for _ in range(20):
        accounts.went_wrong(a, trouble())
        seconds.append(a.free_at - clock.now)
        clock.now = a.free_at
    assert seconds[:6] == [1.0, 2.0, 4.0, 8.0, 16.0, MAX_FAILED_SECONDS]
    assert seconds[-1] == MAX_FAILED_SECONDS


def test_failures_at_the_same_time_count_once():
    clock = Clock()
    accounts, (a,) = accounts_with(1, clock=clock)
    for _ in range(50):
        accounts.went_wrong(a, trouble())
    assert a.free_at - clock.now == 1.0


def test_an_answer_makes_failures_forgotten():
    clock = Clock()
    accounts, (a,) = accounts_with(1, clock=clock)
    accounts.went_wrong(a, trouble())
    clock.now = a.free_at
    accounts.went_well(a)
    accounts.went_wrong(a, trouble())
    assert a.free_at - clock.now == 1.0


def test_the_first_broken_connection_is_forgiven_and_the_second_is_not():
    accounts, (a,) = accounts_with(1)
    accounts.went_wrong(a, trouble(0, reset=True))
    assert not is_cooling(accounts, "a")
    accounts.went_wrong(a, trouble(0, reset=True))
    assert is_cooling(accounts, "a")


def test_a_refused_key_is_told_once_until_it_works_again(caplog):
    caplog.set_level(logging.INFO)
    accounts, (a,) = accounts_with(1)
    a.headers = {"authorization": SECRET}
    for _ in range(3):
        accounts.went_wrong(a, trouble(401))
    assert len(caplog.records) == 1
    assert "account a with status 401" in caplog.text
    accounts.went_well(a)
    accounts.went_wrong(a, trouble(401))
    assert len(caplog.records) == 2
    assert SECRET not in caplog.text


def test_renewed_accounts_keep_their_cool_down_unless_their_key_is_another():
    clock = Clock()
    accounts, (a, b) = accounts_with(1, 1, clock=clock)
    for one in (a, b):
        accounts.went_wrong(one, trouble(401))
    renewed = accounts.renewed([Account("a"), Account("b", headers={"authorization": "new"})])
    assert renewed.state() == [("a", True), ("b", False)]


@pytest.mark.parametrize("way", ["api_key", "auth_token"])
def test_both_kinds_of_key_travel_as_a_bearer_token(way):
    config = Config(accounts=({"name": "one", way: SECRET},))
    (made,) = accounts_of(config.accounts, "https://api.anthropic.com")
    assert made.headers == {"authorization": f"Bearer {SECRET}"}


def test_an_account_has_an_address_of_its_own_or_that_of_all():
    config = Config(accounts=(account("a"), account("b", "http://127.0.0.1:9/root/")))
    made = accounts_of(config.accounts, "https://api.anthropic.com/")
    assert [one.root for one in made] == ["https://api.anthropic.com", "http://127.0.0.1:9/root"]


def test_no_account_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match="set ANTHROPIC_API_KEY"):
        accounts_of((), "https://api.anthropic.com")


def test_a_key_that_was_never_read_is_refused(tmp_path):
    config = Config(accounts=({"name": "one", "api_key_file": tmp_path / "key"},))
    with pytest.raises(LookupError, match="the key of account one was not read"):
        accounts_of(config.accounts, "https://api.anthropic.com")


def test_the_representation_shows_neither_key_nor_address():
    shown = repr(Account("one", "https://inner.example", {"authorization": SECRET}))
    assert "one" in shown
    assert SECRET not in shown
    assert "inner.example" not in shown
