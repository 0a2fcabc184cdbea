import pytest

from claif_cla.errors import Refusal
from claif_cla.translate.receipts import MAX_RECEIPTS, Receipts

VERBS = [("adapt", "adapted"), ("drop", "dropped")]


@pytest.mark.parametrize("compat", ["adapt", "lenient"])
@pytest.mark.parametrize(("verb", "action"), VERBS)
def test_an_adaptation_is_written_down(compat, verb, action):
    receipts = Receipts(compat)
    getattr(receipts, verb)("user", "why.")
    assert receipts.entries == ({"param": "user", "action": action, "detail": "why."},)


@pytest.mark.parametrize("verb", ["adapt", "drop"])
def test_strict_refuses_what_would_be_adapted(verb):
    with pytest.raises(Refusal) as caught:
        getattr(Receipts("strict"), verb)("user", "why.")
    assert (caught.value.param, caught.value.code) == ("user", "unsupported_value")
    assert caught.value.message == "`user`: why. compat='strict' refuses what is not exact."


@pytest.mark.parametrize("compat", ["strict", "adapt"])
def test_a_change_of_meaning_is_refused_with_advice(compat):
    with pytest.raises(Refusal) as caught:
        Receipts(compat).refuse("logprobs", "why.")
    assert (caught.value.param, caught.value.code) == ("logprobs", "unsupported_parameter")
    assert caught.value.message.startswith("`logprobs`: why. ")
    assert "compat='lenient'" in caught.value.message


def test_the_code_of_a_refusal_can_be_told():
    with pytest.raises(Refusal) as caught:
        Receipts().refuse("x", "why.", code="unknown_parameter")
    assert caught.value.code == "unknown_parameter"


def test_lenient_drops_what_would_be_refused():
    receipts = Receipts("lenient")
    receipts.refuse("logprobs", "why.")
    assert receipts.entries == ({"param": "logprobs", "action": "dropped", "detail": "why."},)


def test_each_receipt_stands_once_and_in_the_order_it_arose():
    receipts = Receipts()
    for param in ("b", "a", "b"):
        receipts.drop(param, "why.")
    assert [entry["param"] for entry in receipts.entries] == ["b", "a"]


def test_the_header_names_each_parameter_and_action_once():
    receipts = Receipts()
    receipts.adapt("tools[].function.parameters", "`f`: one.")
    receipts.adapt("tools[].function.parameters", "`g`: two.")
    receipts.drop("user", "why.")
    assert receipts.header == "tools[].function.parameters=adapted, user=dropped"


def test_without_receipts_the_header_is_empty():
    assert Receipts().header == ""


def test_the_number_of_receipts_is_bounded():
    receipts = Receipts()
    for index in range(MAX_RECEIPTS + 5):
        receipts.drop("x", str(index))
    assert len(receipts.entries) == MAX_RECEIPTS
