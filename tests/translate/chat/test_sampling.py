import pytest

from chat_requests import FOREIGN, MIDDLE, NEWEST, OLD, STEADY, UNKNOWN, plan, planned, refused
from chat_requests import receipts as receipts_of
from claif_cla.translate.chat.sampling import CURRENT_VERSION, SAMPLING_VERSION

KEYS = ("temperature", "top_p", "top_k")


def sampling(**request):
    body = planned(**request)
    return {key: body[key] for key in KEYS if key in body}


def version(**request):
    return plan(**request).headers["anthropic-version"]


@pytest.mark.parametrize("model", [NEWEST, STEADY, MIDDLE, OLD, UNKNOWN])
def test_without_sampling_the_current_version_is_asked_for(model):
    assert version(model=model) == CURRENT_VERSION


@pytest.mark.parametrize("model", [MIDDLE, OLD])
@pytest.mark.parametrize(
    "given", [{"temperature": 0}, {"temperature": 0.3}, {"top_p": 0.5}, {"top_k": 40}]
)
def test_what_the_model_takes_is_sent_under_the_older_version(model, given):
    assert sampling(model=model, **given) == given
    assert version(model=model, **given) == SAMPLING_VERSION
    assert receipts_of(model=model, **given) == []


@pytest.mark.parametrize("model", [NEWEST, STEADY, UNKNOWN])
@pytest.mark.parametrize("given", [{"temperature": 0}, {"top_p": 0.5}, {"top_k": 40}])
def test_what_the_model_does_not_take_is_dropped_with_a_receipt(model, given):
    assert sampling(model=model, **given) == {}
    assert version(model=model, **given) == CURRENT_VERSION
    assert receipts_of(model=model, **given) == [(next(iter(given)), "dropped")]


@pytest.mark.parametrize("model", [NEWEST, MIDDLE, OLD])
@pytest.mark.parametrize(
    "given",
    [{"temperature": 1}, {"temperature": 1.0}, {"top_p": 1}, {"temperature": 1, "top_p": 1}],
)
def test_the_defaults_are_left_out_silently(model, given):
    assert sampling(model=model, **given) == {}
    assert version(model=model, **given) == CURRENT_VERSION
    assert receipts_of(model=model, **given, settings={"compat": "strict"}) == []


@pytest.mark.parametrize("given", [{"temperature": None}, {"top_p": None}, {"top_k": None}])
def test_null_is_absent(given):
    assert sampling(model=OLD, **given) == {}
    assert receipts_of(model=OLD, **given) == []


def test_of_both_temperature_wins():
    given = {"model": OLD, "temperature": 0.2, "top_p": 0.9}
    assert sampling(**given) == {"temperature": 0.2}
    assert receipts_of(**given) == [("top_p", "dropped")]


def test_beside_a_default_temperature_top_p_is_sent():
    given = {"model": OLD, "temperature": 1, "top_p": 0.9}
    assert sampling(**given) == {"top_p": 0.9}
    assert receipts_of(**given) == []


def test_beside_a_default_top_p_temperature_is_sent_silently():
    given = {"model": OLD, "temperature": 0.2, "top_p": 1}
    assert sampling(**given) == {"temperature": 0.2}
    assert receipts_of(**given) == []


def test_a_temperature_above_one_is_sent_as_one():
    given = {"model": OLD, "temperature": 1.7}
    assert sampling(**given) == {}  # one is the default
    assert receipts_of(**given) == [("temperature", "adapted")]


@pytest.mark.parametrize(
    "given",
    [
        {"temperature": 2.5},
        {"temperature": -0.1},
        {"temperature": "0.5"},
        {"temperature": float("nan")},
        {"top_p": 1.5},
        {"top_p": -1},
        {"top_k": -1},
        {"top_k": 1.5},
    ],
)
@pytest.mark.parametrize("model", [NEWEST, OLD, FOREIGN])
def test_values_out_of_range_are_refused(model, given):
    assert refused(model=model, **given).param == next(iter(given))


@pytest.mark.parametrize(
    "thinking", [{"reasoning_effort": "low"}, {"thinking": {"type": "adaptive"}}]
)
@pytest.mark.parametrize("given", [{"temperature": 0.3}, {"top_k": 40}, {"top_p": 0.5}])
def test_while_the_model_thinks_sampling_is_dropped(thinking, given):
    assert sampling(model=MIDDLE, **given, **thinking) == {}
    assert receipts_of(model=MIDDLE, **given, **thinking) == [(next(iter(given)), "dropped")]


def test_while_the_model_thinks_a_top_p_close_to_one_is_sent():
    assert sampling(model=MIDDLE, reasoning_effort="low", top_p=0.97) == {"top_p": 0.97}


def test_a_foreign_model_gets_all_of_it_on_the_version_it_knows():
    given = {"temperature": 1.7, "top_p": 1, "top_k": 5}
    assert sampling(model=FOREIGN, **given) == given
    assert version(model=FOREIGN) == SAMPLING_VERSION


def test_strict_refuses_sampling_that_the_model_does_not_take():
    refusal = refused(temperature=0.5, settings={"compat": "strict"})
    assert refusal.param == "temperature"
