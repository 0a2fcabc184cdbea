from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.gateway.keys import Key
from claif_cla.gateway.seen.labels import MAX_CODES, MAX_KEYS, Labels, outcome_of, status_of
from gateway.seen.visits import MODEL, config_of, visit_of

LABELS = Labels(config_of())


@pytest.mark.parametrize("name", [MODEL, "claude-sonnet-4-5-20250929", "anthropic/claude-opus-4.5"])
def test_a_model_of_the_catalogue_is_a_label_in_one_spelling(name):
    label = LABELS.model(name)
    assert label.startswith("claude-")
    assert LABELS.model(label) == label


@pytest.mark.parametrize("name", ["claude-next-99", "gpt-5", "x" * 100_000])
def test_any_other_model_is_other(name):
    assert LABELS.model(name) == "other"


def test_the_operators_own_models_are_labels():
    labels = Labels(
        config_of(
            models={
                "default": "qwen3",
                "aliases": {"big": "llama-405b"},
                "fallbacks": {"*": ["phi"]},
            },
            prices={"mistral": {"input": 1}, "gpt-*": {"input": 1}},
        )
    )
    for name in ("qwen3", "llama-405b", "phi", "mistral"):
        assert labels.model(name) == name
    assert labels.model("gpt-*") == "other"
    assert labels.model("big") == "other"


def test_accounts_are_those_of_the_configuration():
    labels = Labels(config_of(accounts=({"name": "eu", "api_key": "sk-ant-x"},)))
    assert labels.account("eu") == "eu"
    assert labels.account("us") == "other"
    assert labels.account(None) == "none"
    labels.configure(config_of(accounts=({"name": "us", "api_key": "sk-ant-x"},)))
    assert labels.account("us") == "us"


@pytest.mark.parametrize("code", ["ABC", "a b", "key1234", "a" * 49, "é"])
def test_a_code_that_no_api_spells_so_is_other(code):
    assert Labels(config_of()).code(code) == "other"


@given(st.lists(st.from_regex(r"[a-z_]{1,48}", fullmatch=True), max_size=300))
def test_codes_are_bounded(codes):
    labels = Labels(config_of())
    assert len({labels.code(code) for code in codes}) <= MAX_CODES + 1


def test_keys_are_bounded_and_keep_their_labels():
    labels = Labels(config_of())
    visits = [visit_of(key=Key(f"key_{number}", "a", 0.0)) for number in range(3 * MAX_KEYS)]
    first = [labels.key(visit) for visit in visits]
    assert len(set(first)) == MAX_KEYS + 1
    assert [labels.key(visit) for visit in visits] == first
    assert labels.key(visit_of(key=None)) == "none"


@pytest.mark.parametrize(
    ("status", "label"),
    [
        (0, "none"),
        (200, "200"),
        (499, "499"),
        (529, "529"),
        (599, "5xx"),
        (299, "2xx"),
        (999, "other"),
        (-1, "other"),
    ],
)
def test_statuses(status, label):
    assert status_of(status) == label


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({}, "ok"),
        ({"code": "overloaded_error"}, "broken"),
        ({"left": True}, "left"),
        ({"status": 429}, "rate_limited"),
        ({"status": 529}, "overloaded"),
        ({"status": 504}, "timeout"),
        ({"status": 400}, "refused"),
        ({"status": 502}, "error"),
    ],
)
def test_outcomes(facts, outcome):
    assert outcome_of(visit_of(**facts)) == outcome


def test_an_error_is_told_by_its_code_or_else_by_its_status():
    assert LABELS.error(visit_of()) is None
    assert LABELS.error(visit_of(status=429, code="rate_limit_exceeded")) == "rate_limit_exceeded"
    assert LABELS.error(visit_of(status=502)) == "502"
    assert LABELS.error(visit_of(status=502, code="Not A Code")) == "502"
