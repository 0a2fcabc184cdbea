from __future__ import annotations

import pytest

from claif_cla.translate.chat.calls import tool_call
from random_messages import TOOLS


def use(name, given=None, **more):
    return {"type": "tool_use", "id": "toolu_1", "name": name, "input": given, **more}


def arguments_of(block):
    return tool_call(block, TOOLS)["function"]["arguments"]


def test_a_call_has_the_callers_name_for_the_tool():
    wire_name = TOOLS.names.to_wire("not legal.")
    assert tool_call(use(wire_name, {"a": 1}), TOOLS) == {
        "id": "toolu_1",
        "type": "function",
        "function": {"name": "not legal.", "arguments": '{"a":1}'},
    }


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        ({}, "{}"),
        (None, "{}"),
        ({"id": 9007199254740993}, '{"id":9007199254740993}'),
        ({"x": float("inf"), "n": float("nan")}, '{"x":1.7976931348623157e+308,"n":null}'),
        ({"s": "é\ud800"}, '{"s":"é\ud800"}'),
        ([1], "[1]"),
    ],
)
def test_arguments_are_the_input_as_json(given, arguments):
    assert arguments_of(use("plain", given)) == arguments


def test_a_block_without_an_input_calls_without_arguments():
    assert arguments_of({"name": "plain", "id": "t"}) == "{}"


@pytest.mark.parametrize(
    ("given", "arguments"),
    [({"input": [1, 2]}, "[1,2]"), ({"other": 1}, '{"other":1}'), ([3], "[3]")],
)
def test_a_wrapped_schema_is_unwrapped(given, arguments):
    assert arguments_of(use("wrapped", given)) == arguments


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"input": "free text"}, "free text"),
        ({"input": ""}, ""),
        ({"input": {"a": 1}}, '{"a":1}'),
        ({"other": "x"}, '{"other":"x"}'),
        ({}, ""),
        ("bare text", "bare text"),
        ([1], "[1]"),
    ],
)
def test_a_custom_call_has_its_text(given, text):
    assert tool_call(use("free", given), TOOLS) == {
        "id": "toolu_1",
        "type": "custom",
        "custom": {"name": "free", "input": text},
    }


def test_a_cut_call_has_the_json_text_that_it_came_to():
    assert arguments_of(use("plain", {}, partial_json='{"a": "b')) == '{"a": "b'


@pytest.mark.parametrize(
    ("cut", "arguments"),
    [('{"input": [1, 2', "[1, 2"), (' { "input" :', ""), ('{"inp', ""), ('{"other": 1', "")],
)
def test_a_cut_wrapped_call_has_what_came_of_its_value(cut, arguments):
    assert arguments_of(use("wrapped", {}, partial_json=cut)) == arguments


@pytest.mark.parametrize(
    ("cut", "text"),
    [
        ('{"input": "so far', "so far"),
        ('{"input": "a\\nb\\u00e9\\"c\\\\', 'a\nbé"c\\'),
        ('{"input": "half an escape\\', "half an escape"),
        ('{"input": "half an escape\\u00', "half an escape"),
        ('{"input": "complete"', "complete"),
        ('{"input": "', ""),
        ('{"input": ', ""),
        ('{"input": 1', ""),
        ("{", ""),
    ],
)
def test_a_cut_custom_call_is_a_custom_call_with_the_text_so_far(cut, text):
    call = tool_call(use("free", {}, partial_json=cut), TOOLS)
    assert (call["type"], call["custom"]["input"]) == ("custom", text)
