from types import MappingProxyType

import pytest

from claif_cla.errors import Refusal
from claif_cla.translate import checks

TAKEN = [
    (checks.string, ("", "p"), ""),
    (checks.boolean, (False, "p"), False),
    (checks.integer, (3, "p", 1), 3),
    (checks.integer, (3.0, "p", 1), 3),
    (checks.integer, (-3, "p"), -3),
    (checks.integer, (1, "p", 1, 1), 1),
    (checks.number, (0, "p", 0, 2), 0),
    (checks.number, (1.5, "p", 0, 2), 1.5),
    (checks.mapping, ({"a": 1}, "p"), {"a": 1}),
    (checks.mapping, (MappingProxyType({}), "p"), {}),
    (checks.sequence, ([1], "p"), [1]),
    (checks.sequence, ((1,), "p"), (1,)),
    (checks.one_of, ("a", "p", ("a", "b")), "a"),
]
WRONG_TYPE = [
    (checks.string, (1, "p"), "a string", "an integer"),
    (checks.boolean, (1, "p"), "a boolean", "an integer"),
    (checks.boolean, (None, "p"), "a boolean", "null"),
    (checks.integer, (True, "p", 0), "an integer", "a boolean"),
    (checks.integer, (1.5, "p", 0), "an integer", "a number"),
    (checks.integer, (float("inf"), "p", 0), "an integer", "a number"),
    (checks.integer, ("1", "p", 0), "an integer", "a string"),
    (checks.number, (True, "p", 0, 2), "a number", "a boolean"),
    (checks.number, ([], "p", 0, 2), "a number", "an array"),
    (checks.mapping, ([], "p"), "an object", "an array"),
    (checks.sequence, ("ab", "p"), "an array", "a string"),
    (checks.sequence, (b"ab", "p"), "an array", "bytes"),
    (checks.sequence, ({}, "p"), "an array", "an object"),
]
OUT_OF_RANGE = [
    (checks.integer, (0, "p", 1), "0 is not at least 1"),
    (checks.integer, (9, "p", 1, 8), "9 is not between 1 and 8"),
    (checks.number, (-0.1, "p", 0, 2), "-0.1 is not between 0 and 2"),
    (checks.number, (2.5, "p", 0, 2), "2.5 is not between 0 and 2"),
    (checks.number, (float("nan"), "p", 0, 2), "nan is not between 0 and 2"),
    (checks.one_of, ("c", "p", ("a", "b")), "Supported values are: 'a', 'b'."),
    (checks.one_of, (["a"], "p", ("a", "b")), "Supported values are: 'a', 'b'."),
]


@pytest.mark.parametrize(("check", "arguments", "value"), TAKEN)
def test_a_fitting_value_comes_back(check, arguments, value):
    assert check(*arguments) == value


def test_a_whole_float_comes_back_as_an_integer():
    assert isinstance(checks.integer(3.0, "p", 1), int)


@pytest.mark.parametrize(("check", "arguments", "expected", "got"), WRONG_TYPE)
def test_a_wrong_type_is_named_in_openais_words(check, arguments, expected, got):
    with pytest.raises(Refusal) as caught:
        check(*arguments)
    message = f"Invalid type for `p`: expected {expected}, but got {got} instead."
    assert (caught.value.message, caught.value.param) == (message, "p")
    assert caught.value.code == "invalid_type"


@pytest.mark.parametrize(("check", "arguments", "words"), OUT_OF_RANGE)
def test_a_value_out_of_range_is_named_with_the_range(check, arguments, words):
    with pytest.raises(Refusal) as caught:
        check(*arguments)
    assert words in caught.value.message
    assert (caught.value.param, caught.value.code) == ("p", "invalid_value")
