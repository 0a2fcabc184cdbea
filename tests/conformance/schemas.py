"""Tool schemas: what Claude refuses is rewritten, the rest arrives as it was."""

from __future__ import annotations

import copy
import json
from typing import Any

from conformance.bench import Bench
from conformance.registry import check, expects
from conformance.samples import CITY, STRICT, function

S, N = {"type": "string"}, {"type": "integer"}
COMBINATORS = {"anyOf", "oneOf", "allOf", "$ref"}
EITHER = {
    "type": "object",
    "properties": {"a": S, "b": S},
    "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
}
UNION = {
    "oneOf": [
        {"type": "object", "properties": {"kind": {"const": "x"}, "a": S}, "required": ["kind"]},
        {"type": "object", "properties": {"kind": {"const": "y"}, "b": N}, "required": ["kind"]},
    ]
}
RICH = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "a": {"type": "string", "description": "first", "x-order": 1},
        "m": {"type": "object", "patternProperties": {"^x": S}},
        "e": {"type": "object", "properties": {}},
        "n": {"type": ["integer", "null"], "minimum": 0, "default": None},
    },
    "required": ["a"],
}
TREE = {
    "type": "object",
    "properties": {"n": {"$ref": "#/$defs/Node"}},
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {"c": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
        }
    },
}
TAGS = {
    "type": "object",
    "properties": {"t": {"$ref": "#/definitions/_gen:tags", "description": "labels"}},
    "definitions": {"_gen:tags": {"type": "array", "items": S}},
}
DRAFT4 = {
    "type": "object",
    "properties": {"a": {"type": "integer", "exclusiveMinimum": True, "minimum": 0}},
    "required": ["a"],
}


def schema(bench: Bench, parameters: Any, **more: Any) -> dict[str, Any]:
    """The tool's schema on the wire."""
    bench.ask(tools=[function("f", parameters, **more)])
    found: dict[str, Any] = bench.sent("tools.0.input_schema")
    return found


def unresolved(whole: Any) -> list[str]:
    """References that lead nowhere, and a schema that no JSON Schema library takes."""
    from jsonschema import Draft202012Validator as Draft  # noqa: PLC0415  # a test dependency

    Draft.check_schema(whole)
    found = []
    for at in _references(whole):
        target: Any = whole
        for step in at.removeprefix("#/").split("/"):
            step = step.replace("~1", "/").replace("~0", "~")  # noqa: PLW2901
            target = target.get(step) if isinstance(target, dict) else None
        if target is None:
            found.append(at)
    return found


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for one in value.values() for ref in _references(one)]
    if isinstance(value, list):
        return [ref for one in value for ref in _references(one)]
    return []


@check("schemas.plain_one_arrives_as_it_was", 60)
def _(bench: Bench) -> None:
    assert schema(bench, CITY) == CITY


@check("schemas.no_keyword_is_lost", 60)
def _(bench: Bench) -> None:
    assert schema(bench, RICH) == RICH


@check("schemas.callers_schema_is_left_alone", 63, 164)
def _(bench: Bench) -> None:
    for given in (EITHER, UNION, RICH, TREE, TAGS, DRAFT4):
        before = copy.deepcopy(given)
        schema(bench, given)
        assert given == before


for label, given in {"any_of": EITHER, "one_of": UNION}.items():

    @check(f"schemas.root_{label}_is_not_sent", 58)
    def _(bench: Bench, given: dict[str, Any] = given) -> None:
        sent = schema(bench, given)
        assert sent["type"] == "object"
        assert not COMBINATORS & set(sent)
        bench.legal()


@check("schemas.root_any_of_keeps_the_properties", 58)
def _(bench: Bench) -> None:
    assert schema(bench, EITHER)["properties"] == EITHER["properties"]


@check("schemas.root_union_keeps_all_properties", 58)
def _(bench: Bench) -> None:
    sent = schema(bench, UNION)
    assert {"kind", "a", "b"} <= set(sent["properties"])
    assert sent.get("required", []) == ["kind"]


@check("schemas.root_all_of_is_merged", 58)
def _(bench: Bench) -> None:
    parts = [
        {"type": "object", "properties": {"a": S}, "required": ["a"]},
        {"type": "object", "properties": {"b": N}, "required": ["b"]},
    ]
    sent = schema(bench, {"allOf": parts})
    assert set(sent["properties"]) == set(sent["required"]) == {"a", "b"}
    assert not COMBINATORS & set(sent)


@check("schemas.root_ref_is_resolved", 58)
def _(bench: Bench) -> None:
    sent = schema(bench, {"$ref": "#/$defs/City", "$defs": {"City": CITY}})
    assert sent["type"] == "object"
    assert "city" in sent["properties"]


@check("schemas.one_bad_tool_does_not_fail_the_others", 58)
def _(bench: Bench) -> None:
    tools = [function(f"f{i}", CITY) for i in range(5)] + [function("union", UNION)]
    bench.ask(tools=tools)
    assert len(bench.wire["tools"]) == 6
    bench.legal()


@check("schemas.recursive_definition_resolves", 59)
def _(bench: Bench) -> None:
    assert not unresolved(schema(bench, TREE))


@check("schemas.old_definitions_resolve", 59)
def _(bench: Bench) -> None:
    assert not unresolved(schema(bench, TAGS))


@check("schemas.description_beside_a_reference_is_kept", 59)
def _(bench: Bench) -> None:
    assert "labels" in json.dumps(schema(bench, TAGS)["properties"]["t"])


@check("schemas.older_draft_is_upgraded_or_refused_by_the_tools_name", 61)
def _(bench: Bench) -> None:
    try:
        bench.ask(tools=[function("the_older_one", DRAFT4)])
        sent = bench.sent("tools.0.input_schema")
    except Exception as error:  # noqa: BLE001  # a refusal must name the tool
        bench.is_refusal(error)
        assert "the_older_one" in str(error)  # noqa: PT017
    else:
        assert not unresolved(sent)
        assert sent["properties"]["a"].get("exclusiveMinimum") != True  # noqa: E712


@check("schemas.broken_required_is_mended_or_refused_by_the_tools_name", 61)
def _(bench: Bench) -> None:
    broken = {"type": "object", "properties": {"a": N}, "required": "a"}
    try:
        bench.ask(tools=[function("the_broken_one", broken)])
    except Exception as error:  # noqa: BLE001  # a refusal must name the tool
        bench.is_refusal(error)
        assert "the_broken_one" in str(error)  # noqa: PT017
    else:
        assert not unresolved(bench.sent("tools.0.input_schema"))


expects(
    "schemas.strict_is_kept",
    35,
    tools=[function("f", STRICT, strict=True)],
    wire={"tools.0.strict": True, "tools.0.input_schema.additionalProperties": False},
)
expects(
    "schemas.strict_closes_the_object",
    35,
    tools=[
        function("f", {"type": "object", "properties": {"a": S}, "required": ["a"]}, strict=True)
    ],
    wire={"tools.0.strict": True, "tools.0.input_schema.additionalProperties": False},
)


@check("schemas.strict_is_not_added_by_itself", 36)
def _(bench: Bench) -> None:
    from conformance.samples import json_schema  # noqa: PLC0415

    bench.ask(tools=[function("f", CITY)], response_format=json_schema(STRICT))
    assert not bench.sent("tools.0.strict")


@check("schemas.strict_beyond_the_limits_is_no_opaque_400", 36)
def _(bench: Bench) -> None:
    tools = [function(f"f{i}", STRICT, strict=True) for i in range(25)]
    try:
        bench.ask(tools=tools)
    except Exception as error:  # noqa: BLE001  # a local refusal is a choice
        bench.is_refusal(error)
    else:
        assert len(bench.wire["tools"]) == 25
        assert sum(bool(tool.get("strict")) for tool in bench.wire["tools"]) <= 20


@check("schemas.strict_takes_nullable_types", 36)
def _(bench: Bench) -> None:
    given = {**STRICT, "properties": {"a": {"type": ["string", "null"]}}}
    sent = schema(bench, given, strict=True)
    assert "null" in json.dumps(sent["properties"]["a"])
    bench.legal()


@check("schemas.bytes_do_not_depend_on_the_call")
def _(bench: Bench) -> None:
    schema(bench, RICH)
    first = bench.requests[-1].body
    schema(bench, copy.deepcopy(RICH))
    assert bench.requests[-1].body == first


def optional(count: int, **each: Any) -> dict[str, Any]:
    properties = {f"p{number}": {"type": "string", **each} for number in range(count)}
    return {"type": "object", "properties": properties, "additionalProperties": False}


UNIONS = {f"p{number}": {"anyOf": [S, N]} for number in range(20)}
for label, given in {
    "optional_fields": optional(30),
    "unions": {**optional(0), "properties": UNIONS, "required": list(UNIONS)},
}.items():

    @check(f"schemas.strict_with_too_many_{label}_is_no_opaque_400", 36)
    def _(bench: Bench, given: dict[str, Any] = given) -> None:
        try:
            bench.ask(tools=[function("the_large_one", given, strict=True)])
        except Exception as error:  # noqa: BLE001  # a refusal must name the tool
            bench.is_refusal(error)
            assert "the_large_one" in str(error)  # noqa: PT017
        else:
            assert not bench.sent("tools.0.strict")
            bench.legal()


@check("schemas.root_any_of_is_told_in_words", 58)
def _(bench: Bench) -> None:
    sent = schema(bench, EITHER)
    told = bench.sent("tools.0.description") or sent.get("description") or ""
    assert "a" in told and "b" in told, told  # noqa: PT018
