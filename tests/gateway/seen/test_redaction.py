from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.gateway.config import Config
from claif_cla.gateway.seen.redaction import MAX_TEXT, Redactor, redacted, secrets_of
from gateway.seen.visits import ACCOUNT_KEY, REDIS_PASSWORD, config_of, secretive


@pytest.mark.parametrize(
    "text",
    [
        "/v1/sk-ant-planted-AbCdEf123456",
        "/v1/claif-AbCdEf123456",
        "Bearer AbCdEf123456",
        "/x/bearer%20AbCdEf123456",
        "/SK-PROJ-AbCdEf123456",
        "/x%20sk-proj-AbCdEf123456",
        "key=sk-AbCdEf123456",
        "my_sk-AbCdEf123456",
        "mysk-ant-AbCdEf123456",
        "AIza" + 3 * "AbCdEf123456",
        "AKIAAbCdEf123456ABCD",
        "/v1/AbCdEf123456AbCdEf123456AbCdEf123456AbCdEf123456",
    ],
)
def test_what_looks_like_a_key_is_blotted_out(text):
    assert "AbCdEf123456" not in redacted(text)
    assert "***" in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "/v1/chat/completions",
        "claude-sonnet-4-5-20250929",
        "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "2001:db8::1",
        "/v1/task-management",
        "a risk-averse, desk-bound plan",
        "spark_streaming",
        "",
    ],
)
def test_what_is_no_key_stays_as_it_is(text):
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("vendor=sk-planted-AbCdEf123456", True),
        (f"vendor={ACCOUNT_KEY}", True),
        ("33@nr=0-0-33-2827902-7d3efb1b173fecfa-e8b91a159289ff74-1-1.23456-1518469636035", False),
        ("", False),
    ],
)
def test_a_key_is_found_in_what_must_not_be_changed(text, is_found):
    assert Redactor([ACCOUNT_KEY]).finds_key(text) is is_found


def test_control_characters_and_turned_text_are_escaped():
    assert redacted("a\x1b[2J\r\nb\u202ec\ud800") == "a\\x1b[2J\\r\\nb\\u202ec\\ud800"


def test_of_what_is_no_text_only_the_type_is_told():
    assert redacted({"sk-ant-secret": 1}) == "(dict)"
    assert redacted(None) == "(NoneType)"


def test_the_secrets_of_the_configuration_are_known_exactly():
    clean = Redactor(secrets_of(secretive()))
    assert clean(f"/v1/{ACCOUNT_KEY}/x") == "/v1/***/x"
    assert clean(f"model {REDIS_PASSWORD}") == "model ***"


def test_the_password_of_a_proxy_is_a_secret():
    config = Config(upstream={"proxy": "http://me:hunter%2F22@proxy.example:3128"})
    clean = Redactor(secrets_of(config))
    assert clean("at http://me:hunter%2F22@proxy.example:3128") == "at ***"
    assert clean("hunter/22, hunter%2F22") == "***, ***"


def test_without_secrets_there_is_nothing_to_know():
    assert secrets_of(config_of()) == []


def test_a_secret_of_a_few_characters_is_a_word_like_others():
    assert Redactor(["chat"])("/v1/chat/completions") == "/v1/chat/completions"


@given(st.text(), st.integers(0, 2 * MAX_TEXT), st.sampled_from([ACCOUNT_KEY, "x" * 700]))
def test_no_piece_of_a_secret_outlives_the_cut(text, at, secret):
    clean = Redactor([secret])
    shown = clean(("/" * at) + secret + text)
    assert secret[:6] not in shown
    assert len(shown) <= MAX_TEXT
    assert shown.isprintable()


@given(st.text(max_size=300))
def test_a_text_is_shown_the_same_each_time(text):
    clean = Redactor()
    assert clean(text) == clean(text)


@given(st.text(), st.integers(0, 300), st.integers(0, 300))
def test_a_cut_leaves_no_piece_and_is_no_longer_than_asked_for(text, at, most):
    kept = Redactor([ACCOUNT_KEY]).cut("/" * at + ACCOUNT_KEY + text, most)
    assert ACCOUNT_KEY[:6] not in kept
    assert len(kept) <= most


def test_few_texts_are_remembered_as_clean():
    clean = Redactor()
    for number in range(3_000):
        clean(f"/v1/{number}")
    assert len(clean._clean) <= 1_024
