import pytest

from chat_requests import planned, receipts, refused, system, user

BANDS = [
    ("frequency_penalty", 0.1, "Lightly avoid repeating"),
    ("frequency_penalty", 0.7, "Avoid repeating"),
    ("frequency_penalty", 1.4, "Never repeat"),
    ("frequency_penalty", -0.1, "You may repeat"),
    ("frequency_penalty", -0.7, "Prefer repeating"),
    ("frequency_penalty", -2, "Keep to the same words"),
    ("presence_penalty", 0.1, "Feel free to bring up"),
    ("presence_penalty", 0.7, "Bring up new aspects"),
    ("presence_penalty", 2, "Always move on"),
    ("presence_penalty", -0.1, "Mostly stay"),
    ("presence_penalty", -0.7, "Stay with the topics"),
    ("presence_penalty", -1.4, "Keep strictly"),
    ("verbosity", "low", "Answer tersely"),
    ("verbosity", "high", "Answer at length"),
]
NEUTRAL = [
    ("frequency_penalty", 0),
    ("presence_penalty", 0.0),
    ("frequency_penalty", None),
    ("verbosity", "medium"),
    ("verbosity", None),
]
WRONG = [
    ("frequency_penalty", 2.1),
    ("presence_penalty", -2.1),
    ("presence_penalty", "1"),
    ("frequency_penalty", True),
    ("verbosity", "loud"),
]


@pytest.mark.parametrize(("name", "value", "words"), BANDS)
def test_each_band_has_its_sentence_and_a_receipt(name, value, words):
    [block] = planned(**{name: value})["system"]
    assert block["type"] == "text"
    assert block["text"].startswith(words)
    assert receipts(**{name: value}) == [(name, "adapted")]


def test_no_two_bands_share_a_sentence():
    texts = [planned(**{name: value})["system"][0]["text"] for name, value, _ in BANDS]
    assert len(set(texts)) == len(BANDS)


@pytest.mark.parametrize(("name", "value"), NEUTRAL)
def test_neutral_values_say_nothing(name, value):
    assert "system" not in planned(**{name: value})
    assert receipts(**{name: value}) == []


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_other_values_are_refused(name, value):
    assert refused(**{name: value}).param == name


def test_the_sentences_make_one_block_after_the_callers_own():
    body = planned(
        messages=[system("S"), user()], frequency_penalty=1, presence_penalty=1, verbosity="low"
    )
    own, ours = body["system"]
    assert own["text"] == "S"
    assert ours["text"].count(".") == 3


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty"])
def test_strict_refuses_a_penalty(name):
    assert refused(**{name: 1}, settings={"compat": "strict"}).param == name
