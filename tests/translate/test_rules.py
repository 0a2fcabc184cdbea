import pytest

from claif_cla.errors import Refusal
from claif_cla.translate import checks
from claif_cla.translate.receipts import Receipts
from claif_cla.translate.rules import (
    Convert,
    Elsewhere,
    Refuse,
    Tune,
    apply,
    merge,
    refuse_unknown,
)


def anything(value, param):
    """A form that every value has."""


def apply_to(rule, value, compat="adapt"):
    receipts = Receipts(compat)
    return apply(rule, "p", value, None, receipts), receipts.entries


def test_convert_gives_the_patch_of_its_function():
    rule = Convert(lambda value, context: {"x": value}, "note")
    assert apply_to(rule, 1) == ({"x": 1}, ())


def test_elsewhere_gives_nothing_and_leaves_no_receipt():
    assert apply_to(Elsewhere("note"), "anything", "strict") == ({}, ())


def test_tune_leaves_a_receipt_with_its_note():
    assert apply_to(Tune("why", anything), 1) == (
        {},
        ({"param": "p", "action": "dropped", "detail": "why"},),
    )


def test_refuse_raises_with_its_note():
    with pytest.raises(Refusal, match="why") as caught:
        apply_to(Refuse("why", anything), 1)
    assert (caught.value.param, caught.value.code) == ("p", "unsupported_parameter")


@pytest.mark.parametrize("compat", ["strict", "adapt", "lenient"])
@pytest.mark.parametrize("rule", [Tune("why", checks.boolean), Refuse("why", checks.boolean)])
def test_what_has_not_the_form_is_refused_in_every_mode(rule, compat):
    with pytest.raises(Refusal, match="a boolean") as caught:
        apply_to(rule, "yes", compat)
    assert (caught.value.param, caught.value.code) == ("p", "invalid_type")


@pytest.mark.parametrize(
    ("rule", "fate"),
    [
        (Convert(lambda value, context: {}, "note"), "honoured"),
        (Convert(lambda value, context: {}, "note", "adapted"), "adapted"),
        (Elsewhere("note"), "honoured"),
        (Tune("note", anything), "dropped"),
        (Refuse("note", anything), "refused"),
    ],
)
def test_each_rule_says_what_a_user_may_expect(rule, fate):
    assert rule.fate == fate


@pytest.mark.parametrize(
    "rule", [Tune("why", anything, neutral=(1,)), Refuse("why", anything, neutral=(1,))]
)
@pytest.mark.parametrize("value", [1, 1.0])
def test_neutral_values_are_silent_in_every_mode(rule, value):
    assert apply_to(rule, value, "strict") == ({}, ())


@pytest.mark.parametrize(
    ("neutral", "value"), [((1,), True), ((False,), 0), ((0,), False), ((True,), 1)]
)
def test_booleans_and_numbers_are_not_the_same(neutral, value):
    assert apply_to(Tune("why", anything, neutral=neutral), value)[1]


def test_a_tuple_is_as_neutral_as_the_list():
    assert apply_to(Tune("why", anything, neutral=(["text"],)), ("text",)) == ({}, ())


@pytest.mark.parametrize(
    ("body", "patch", "merged"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": {"b": {"x": 1}}}, {"a": {"b": {"x": 2}}}, {"a": {"b": {"x": 2}}}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ({"a": 1}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"a": {"x": 1}}, {"a": None}, {"a": None}),
    ],
)
def test_merge_joins_objects_and_replaces_the_rest(body, patch, merged):
    merge(body, patch)
    assert body == merged


def test_merge_leaves_the_patch_alone():
    patch = {"a": {"x": 1}}
    body = {}
    merge(body, patch)
    merge(body, {"a": {"y": 2}})
    assert patch == {"a": {"x": 1}}


@pytest.mark.parametrize("compat", ["strict", "adapt"])
@pytest.mark.parametrize(("at", "where"), [("", "y"), ("p", "p.y")])
def test_a_name_that_nobody_knows_is_refused(compat, at, where):
    with pytest.raises(Refusal) as caught:
        refuse_unknown({"x": 1, "y": 1}, {"x"}, at, Receipts(compat))
    assert (caught.value.param, caught.value.code) == (where, "unknown_parameter")


def test_lenient_drops_what_nobody_knows():
    receipts = Receipts("lenient")
    refuse_unknown({"y": 1, "z": None}, {"x"}, "p", receipts)
    assert [entry["param"] for entry in receipts.entries] == ["p.y"]
