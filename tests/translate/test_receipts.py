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
    assert caught.value.message.startswith("`user`: why. compat='strict' refuses that; ")
    assert "compat='adapt'" in caught.value.message


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


def test_a_refusal_says_what_lenient_would_do():
    with pytest.raises(Refusal, match="compat='lenient' to have it adapted"):
        Receipts().refuse("x", "why.", lenient="adapted")


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


def test_one_receipt_stands_for_all_places_of_a_kind():
    receipts = Receipts()
    for index in range(3):
        receipts.drop(f"messages[{index}].content[0].x", "why.")
    assert [entry["param"] for entry in receipts.entries] == ["messages[].content[].x"]


def test_a_refusal_names_the_very_place():
    with pytest.raises(Refusal) as caught:
        Receipts("strict").drop("messages[3].name", "why.")
    assert caught.value.param == "messages[3].name"


@pytest.mark.parametrize("value", [None, []])
def test_a_field_that_says_nothing_leaves_no_receipt(value):
    receipts = Receipts("strict")
    receipts.unread({"read": 1, "other": value}, ("read",), "messages[0]")
    assert receipts.entries == ()


@pytest.mark.parametrize("value", [0, False, "", {}, "x"])
def test_a_field_that_nobody_reads_is_dropped(value):
    receipts = Receipts()
    receipts.unread({"read": 1, "x" * 500: value}, ("read",), "messages[0]")
    [entry] = receipts.entries
    assert (entry["param"], entry["action"]) == (f"messages[].{'x' * 64}", "dropped")


@pytest.mark.parametrize(
    "name", ["a\r\nset-cookie: x", "\ud800", "naïve", "a, b=adapted", "x" * 999]
)
def test_whatever_a_field_is_called_the_header_stays_one_line_of_ascii(name):
    receipts = Receipts("lenient")
    receipts.refuse(name, "why.")
    told, _, action = receipts.header.partition("=")
    assert action == "dropped"
    assert len(told) <= 128
    assert told.isascii()
    assert told.isprintable()
    assert not set(told) & set(" ,")
