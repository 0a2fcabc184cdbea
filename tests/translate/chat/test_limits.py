import pytest

from chat_requests import FOREIGN, NEWEST, OLD, planned, receipts, refused
from claif_cla.catalog.model_info import lookup
from claif_cla.translate.chat.limits import STREAM_ABOVE


@pytest.mark.parametrize("model", [NEWEST, OLD, FOREIGN])
def test_without_a_limit_the_models_own_is_sent(model):
    assert planned(model=model)["max_tokens"] == lookup(model).max_output_tokens


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_either_name_of_the_limit_is_honoured(name):
    assert planned(**{name: 50})["max_tokens"] == 50
    assert receipts(**{name: 50}) == []


@pytest.mark.parametrize(
    "limits",
    [
        {"max_tokens": 900, "max_completion_tokens": 50},
        {"max_completion_tokens": 50, "max_tokens": 900},
        {"max_completion_tokens": 50, "max_tokens": None},
    ],
)
def test_the_newer_name_wins(limits):
    assert planned(**limits)["max_tokens"] == 50


def test_a_limit_above_the_models_is_clamped_with_a_receipt():
    assert planned(model=OLD, max_tokens=9_999_999)["max_tokens"] == 64_000
    assert receipts(model=OLD, max_tokens=9_999_999) == [("max_tokens", "adapted")]


def test_a_foreign_models_limit_is_a_guess_and_clamps_nothing():
    assert planned(model=FOREIGN, max_tokens=99_999)["max_tokens"] == 99_999


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "50", True])
def test_a_limit_that_is_no_positive_integer_is_refused(name, value):
    assert refused(**{name: value}).param == name


def test_a_long_answer_is_streamed_upstream():
    assert planned(max_tokens=STREAM_ABOVE + 1)["stream"] is True


def test_a_short_answer_is_not_streamed_upstream():
    assert "stream" not in planned(max_tokens=STREAM_ABOVE)


@pytest.mark.parametrize(
    ("stop", "sequences"),
    [
        ("END", ["END"]),
        (["a", "b"], ["a", "b"]),
        (["a", "b", "c", "d", "e"], ["a", "b", "c", "d", "e"]),
        ([" a"], [" a"]),
    ],
)
def test_stop_becomes_stop_sequences(stop, sequences):
    assert planned(stop=stop)["stop_sequences"] == sequences
    assert receipts(stop=stop) == []


@pytest.mark.parametrize("stop", ["\n", ["", " "], ""])
def test_blank_stop_sequences_are_left_out_with_a_receipt(stop):
    assert "stop_sequences" not in planned(stop=stop)
    assert receipts(stop=stop) == [("stop", "dropped")]


def test_what_is_not_blank_among_blank_ones_is_kept():
    assert planned(stop=["\n", "END"])["stop_sequences"] == ["END"]


@pytest.mark.parametrize("stop", [None, []])
def test_no_stop_sends_nothing(stop):
    assert "stop_sequences" not in planned(stop=stop)


@pytest.mark.parametrize(("stop", "param"), [(5, "stop"), (["a", 5], "stop[1]")])
def test_stop_sequences_must_be_strings(stop, param):
    assert refused(stop=stop).param == param
