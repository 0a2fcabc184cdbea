from __future__ import annotations

import functools
import json
import math
import subprocess
import sys
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.wire import json_text
from claif_cla.wire.json_text import dump_bytes, dump_text, load, plain, write_with_orjson

MAX = 1.7976931348623157e308

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class Colour(str, Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int


def strict_load(text):
    def refuse(constant):
        raise AssertionError(f"no JSON: {constant}")

    return json.loads(text, parse_constant=refuse)


@given(VALUES)
def test_output_is_always_strict_json_in_utf8(value):
    strict_load(dump_bytes(value).decode("utf-8"))


@given(VALUES)
def test_same_value_gives_the_same_bytes_after_a_round_trip(value):
    once = dump_bytes(value)
    assert dump_bytes(load(once)) == once


NO_JSON = st.sampled_from(
    [
        {1, 2},
        {1: "a", None: "b", 2.5: "c"},
        MappingProxyType({"a": 1}),
        OrderedDict(a=1),
        Colour.RED,
        Point(1, 2),
        datetime(2026, 11, 23, 8, 30, tzinfo=timezone.utc),
        Decimal("1.50"),
        UUID(int=7),
        b"bytes",
        "half \ud83d",
        2**64,
        -(2**63) - 1,
        functools.reduce(lambda inner, _: [inner], range(300), 1),
    ]
)


@given(VALUES | st.lists(VALUES | NO_JSON, max_size=3) | st.floats(allow_nan=False))
def test_orjson_changes_no_byte(value):
    def outcome():
        try:
            return dump_bytes(value)
        except (TypeError, ValueError) as error:
            return type(error)

    usual = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_orjson_dumps", None)  # as it was: put back at the end
        write_with_orjson()
        assert outcome() == usual


def test_an_orjson_that_spells_numbers_otherwise_is_not_used(monkeypatch):
    compiled = json_text.to_json

    def of_another_release(value, **options):
        return compiled(value, **options).replace(b"e+", b"e")

    monkeypatch.setattr(json_text, "_orjson_dumps", None)
    monkeypatch.setattr(json_text, "to_json", of_another_release)
    usual = dump_bytes([1.5e30])
    write_with_orjson()
    assert dump_bytes([1.5e30]) == usual


def test_orjson_writes_nested_lists_of_objects_and_the_process_lives():
    """Releases of orjson up to 3.11.5 corrupt the memory of the process; it dies of it later."""
    code = (
        "from claif_cla.wire.json_text import dump_bytes, write_with_orjson\n"
        "write_with_orjson()\n"
        "for depth in range(100, 300):\n"
        "    value = 1\n"
        "    for level in range(depth):\n"
        "        value = [value] if level % 2 else {'a': value}\n"
        "    for _ in range(40):\n"
        "        dump_bytes(value)\n"
        "        dump_bytes({'m': [value] * 3})\n"
        "        dump_bytes([{'a': [{'b': 1}] * 8}] * depth)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_bytes_do_not_depend_on_the_hash_seed():
    code = (
        "from claif_cla.wire.json_text import dump_bytes;"
        "print(dump_bytes({'b': [1, {'y': 0.1, 'x': 'ü'}], 'a': None}).hex())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "SYSTEMROOT": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert runs == {dump_bytes({"b": [1, {"y": 0.1, "x": "ü"}], "a": None}).hex() + "\n"}


TEXTS = {
    "compact, keys in their order": ({"b": 1, "a": [True, None]}, '{"b":1,"a":[true,null]}'),
    "non-ASCII as itself": ({"ü": "日本語 🗽"}, '{"ü":"日本語 🗽"}'),
    "control characters escaped": ('\x00\x1f\n"\\', '"\\u0000\\u001f\\n\\"\\\\"'),
    "U+2028 as itself": ("\u2028", '"\u2028"'),
    "tuple as array": ((1, 2), "[1,2]"),
    "integer beyond 2**53": (9007199254740993, "9007199254740993"),
    "integer of 400 digits": (int("7" * 400), "7" * 400),
    "negative zero": (-0.0, "-0.0"),
    "shortest float": (0.1, "0.1"),
    "infinity": (math.inf, "1.7976931348623157e+308"),
    "minus infinity": (-math.inf, "-1.7976931348623157e+308"),
    "NaN": ({"a": [math.nan, 1.5]}, '{"a":[null,1.5]}'),
}


@pytest.mark.parametrize(("value", "text"), TEXTS.values(), ids=TEXTS)
def test_text_of(value, text):
    assert dump_text(value) == text


@pytest.mark.parametrize("digits", ["9007199254740993", "-1" + "0" * 30, "1" * 4000])
def test_integers_keep_every_digit(digits):
    assert dump_bytes(load(f'{{"id":{digits}}}')) == f'{{"id":{digits}}}'.encode()


@pytest.mark.parametrize(
    ("text", "again"),
    [("1e400", MAX), ("-1e400", -MAX), ("[1e400]", [MAX]), ("NaN", None), ("Infinity", MAX)],
)
def test_numbers_that_json_cannot_spell_are_written_as_ones_it_can(text, again):
    assert strict_load(dump_text(load(text))) == again


def test_the_value_itself_is_not_changed():
    value = {"a": [math.inf, math.nan]}
    dump_text(value)
    assert value["a"][0] == math.inf
    assert math.isnan(value["a"][1])


SURROGATES = {
    "high alone": ("a\ud83d", "a\ufffd"),
    "low alone": ("\ude00b", "\ufffdb"),
    "wrong order": ("\ude00\ud83d", "\ufffd\ufffd"),
    "a pair is its character": ("\ud83d\ude00", "😀"),
    "after a backslash": ("\\\ud800", "\\\ufffd"),
    "the rest as it was": ("ü\ud800日", "ü\ufffd日"),
}


@pytest.mark.parametrize(("text", "expected"), SURROGATES.values(), ids=SURROGATES)
def test_lone_surrogates_never_reach_the_wire(text, expected):
    assert dump_bytes({"s": text}) == f'{{"s":{json.dumps(expected, ensure_ascii=False)}}}'.encode()
    assert load(dump_bytes({text: 1})) == {expected: 1}


@given(VALUES)
def test_half_an_emoji_changes_nothing_before_it(value):
    assert dump_bytes([value, "\ud83d"]) == dump_bytes([value])[:-1] + ',"\ufffd"]'.encode()


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 1e-7, 1e300])
def test_half_an_emoji_respells_no_number(number):
    whole, half = dump_bytes({"n": number, "s": "x"}), dump_bytes({"n": number, "s": "\ud83d"})
    assert half == whole.replace(b'"x"', '"\ufffd"'.encode())


def test_an_escaped_lone_surrogate_can_be_read_and_is_replaced():
    assert dump_bytes(load(rb'["\ud800"]')) == '["\ufffd"]'.encode()


@pytest.mark.parametrize("depth", [10, 100])
def test_reasonable_nesting_survives(depth):
    text = "[" * depth + "NaN" + "]" * depth
    assert dump_text(load(text)) == text.replace("NaN", "null")


def test_nesting_beyond_the_compiled_writer_survives():
    text = '{"a":' * 300 + "1" + "}" * 300
    assert dump_bytes(load(text)) == text.encode()


def test_text_nested_too_deeply_is_a_value_error():
    with pytest.raises(ValueError, match="nested too deeply"):
        load("[" * 500_000 + "]" * 500_000)


@pytest.mark.parametrize("leaf", [1, math.nan])
@pytest.mark.parametrize("dump", [dump_text, dump_bytes])
def test_value_nested_too_deeply_is_a_value_error(leaf, dump):
    value = leaf
    for _ in range(200_000):
        value = [value]
    try:
        with pytest.raises(ValueError, match="nested too deeply"):
            dump(value)
    finally:
        while isinstance(value, list):  # taken apart by hand: dropping it whole is recursion too
            value = value.pop()


def test_a_value_that_holds_itself_is_a_value_error():
    value: list = []
    value.append(value)
    with pytest.raises(ValueError, match="nested too deeply"):
        dump_text(value)


@pytest.mark.parametrize(
    "text",
    ["", "{", "{'a': 1}", "[1,]", "nul", "1 2", '"\x01"', b"\xff\xff", b'"\xe9"', "\ufeff{}"],
)
def test_anything_else_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        load(text)


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object()])
def test_values_that_are_no_json_are_a_type_error(value):
    with pytest.raises(TypeError):
        dump_text(value)


READ_ONLY = MappingProxyType({"a": (1, MappingProxyType({"b": [math.inf]}))})


def test_what_only_looks_like_json_is_written_as_it():
    assert dump_text(READ_ONLY) == f'{{"a":[1,{{"b":[{MAX!r}]}}]}}'


def test_plain_makes_dicts_and_lists_of_it():
    made = plain(READ_ONLY)
    assert made == {"a": [1, {"b": [math.inf]}]}
    assert (type(made), type(made["a"]), type(made["a"][1])) == (dict, list, dict)


def test_what_is_no_json_is_a_type_error():
    with pytest.raises(TypeError, match="set is no JSON value"):
        dump_text({"a": {1}})
