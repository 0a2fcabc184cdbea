import pytest

from chat_requests import function_tool, plan, planned, receipts, refused
from claif_cla.translate.chat.tools import CUSTOM_INPUT, ToolBox, tool_box
from claif_cla.translate.receipts import Receipts
from claif_cla.translate.schema.convert import (
    MAX_STRICT_OPTIONAL,
    MAX_STRICT_TOOLS,
    MAX_STRICT_UNIONS,
)

EMPTY = {"type": "object", "properties": {}}
OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED = {**OBJECT, "additionalProperties": False}
CUSTOM_SCHEMA = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}


def tools(*given, **request):
    return planned(tools=list(given), **request)["tools"]


def custom(name="c", **more):
    return {"type": "custom", "custom": {"name": name, **more}}


def test_a_function_becomes_a_tool():
    made = tools(function_tool("f", OBJECT, description="D"))
    assert made == [{"name": "f", "input_schema": OBJECT, "description": "D"}]


def test_functions_become_tools_and_are_remembered_as_legacy():
    made = plan(functions=[{"name": "f", "parameters": OBJECT}])
    assert [*made.body["tools"]] == [{"name": "f", "input_schema": OBJECT}]
    assert made.tools.legacy


@pytest.mark.parametrize("parameters", [None, {}, EMPTY])
def test_no_parameters_are_an_object_without_any(parameters):
    made = tools({"type": "function", "function": {"name": "f", "parameters": parameters}})
    assert made[0]["input_schema"] == EMPTY


def test_a_missing_type_may_be_a_function():
    assert tools({"function": {"name": "f"}})[0]["name"] == "f"


@pytest.mark.parametrize("name", ["tools", "functions"])
def test_an_empty_list_is_none(name):
    assert planned(**{name: []}) == planned()


def test_a_schema_that_had_to_change_leaves_a_receipt():
    request = {"tools": [function_tool("f", {"anyOf": [OBJECT, EMPTY]})]}
    assert planned(**request)["tools"][0]["input_schema"]["type"] == "object"
    assert set(receipts(**request)) == {("tools[].function.parameters", "adapted")}


def test_the_receipt_of_a_legacy_function_says_functions():
    request = {"functions": [{"name": "f", "parameters": {"anyOf": [OBJECT, EMPTY]}}]}
    assert set(receipts(**request)) == {("functions[].parameters", "adapted")}


def test_a_schema_that_is_no_object_is_wrapped_and_unwrapped():
    box = plan(tools=[function_tool("f", {"type": "string"})]).tools
    key = box.wrapped["f"]
    assert box.wrap_input("f", "x") == {key: "x"}
    assert box.unwrap_input("f", {key: "x"}) == "x"


def test_what_claude_did_not_wrap_is_left():
    box = plan(tools=[function_tool("f", {"type": "string"})]).tools
    assert box.unwrap_input("f", {"other": 1}) == {"other": 1}
    assert box.unwrap_input("g", {"a": 1}) == {"a": 1}


@pytest.mark.parametrize(("value", "kept"), [({"a": 1}, {"a": 1}), ([1], None), (None, None)])
def test_an_input_must_be_an_object(value, kept):
    assert ToolBox().wrap_input("f", value) == kept


def test_strict_reaches_the_tool_and_closes_its_schema():
    [made] = tools(function_tool("f", OBJECT, strict=True))
    assert made["strict"] is True
    assert made["input_schema"] == CLOSED


@pytest.mark.parametrize("strict", [False, None])
def test_what_is_not_strict_stays_so(strict):
    [made] = tools(function_tool("f", OBJECT, strict=strict))
    assert "strict" not in made
    assert made["input_schema"] == OBJECT


def test_a_schema_that_cannot_be_strict_is_sent_without_with_a_receipt():
    free = {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}
    request = {"tools": [function_tool("f", free, strict=True)]}
    assert "strict" not in planned(**request)["tools"][0]
    assert ("tools[].function.parameters", "adapted") in receipts(**request)


def test_strict_is_not_sent_to_a_model_without_it():
    notes = Receipts()
    request = {"tools": [function_tool("f", OBJECT, strict=True)]}
    [made] = tool_box(request, notes, takes_strict=False).definitions
    assert "strict" not in made
    assert notes.entries[0]["param"] == "tools[].function.strict"


def optional(count):
    properties = {f"p{index}": {"type": "string"} for index in range(count)}
    return {"type": "object", "properties": properties}


def unions(count):
    either = {"anyOf": [{"type": "string"}, {"type": "integer"}]}
    properties = {f"p{index}": either for index in range(count)}
    return {"type": "object", "properties": properties, "required": [*properties]}


@pytest.mark.parametrize(
    ("schema", "limit"),
    [
        (CLOSED, MAX_STRICT_TOOLS),
        (optional(6), MAX_STRICT_OPTIONAL // 6),
        (unions(4), MAX_STRICT_UNIONS // 4),
    ],
)
def test_beyond_the_limits_of_a_request_tools_are_not_strict(schema, limit):
    request = {"tools": [function_tool(f"f{i}", schema, strict=True) for i in range(limit + 2)]}
    made = planned(**request)["tools"]
    assert [tool.get("strict", False) for tool in made] == [True] * limit + [False] * 2
    assert receipts(**request) == [("tools[].function.strict", "adapted")] * 2
    assert "additionalProperties" not in made[-1]["input_schema"] or schema is CLOSED


@pytest.mark.parametrize(("count", "strict"), [(20, True), (21, False)])
def test_the_format_of_the_answer_takes_its_share_of_the_limits(count, strict):
    format_ = {"type": "json_schema", "json_schema": {"name": "o", "schema": optional(count)}}
    request = {"tools": [function_tool("f", optional(4), strict=True)], "response_format": format_}
    assert ("strict" in planned(**request)["tools"][0]) is strict


@pytest.mark.parametrize(
    "format_", [{"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "o"}}]
)
def test_a_format_without_a_schema_takes_nothing_of_the_limits(format_):
    request = {
        "tools": [function_tool("f", CLOSED, strict=True)],
        "response_format": format_,
    }
    [made] = tool_box(request, Receipts()).definitions
    assert made["strict"]


def test_extras_of_anthropics_reach_the_tool():
    extras = {"cache_control": {"type": "ephemeral"}, "defer_loading": True}
    assert tools({**function_tool(), **extras}) == tools(function_tool(**extras))
    assert tools(function_tool(**extras))[0].items() >= extras.items()
    assert tools({**custom(), **extras})[0].items() >= extras.items()


def test_a_custom_tool_takes_one_text():
    [made] = tools(custom(description="D"))
    assert made == {"name": "c", "input_schema": CUSTOM_SCHEMA, "description": "D"}
    assert plan(tools=[custom()]).tools.custom == {"c"}
    assert CUSTOM_INPUT in CUSTOM_SCHEMA["properties"]


def test_a_custom_tool_needs_no_description():
    assert "description" not in tools(custom(format={"type": "text"}))[0]


@pytest.mark.parametrize(
    "grammar",
    [
        {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: WORD"}},
        {"type": "grammar", "syntax": "lark", "definition": "start: WORD"},
    ],
)
def test_a_grammar_goes_into_the_description_with_a_receipt(grammar):
    request = {"tools": [custom(description="D", format=grammar)]}
    text = planned(**request)["tools"][0]["description"]
    assert text == "D\n\nThe input must match this lark grammar:\nstart: WORD"
    assert receipts(**request) == [("tools[].custom.format", "adapted")]


@pytest.mark.parametrize(
    "tool",
    [
        {"name": "f", "input_schema": OBJECT},
        {"name": "f", "input_schema": OBJECT, "type": "custom", "strict": True},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
        {"type": "mcp_toolset", "mcp_server_name": "m"},
    ],
)
def test_anthropics_own_tools_pass_as_they_are(tool):
    assert tools(tool) == [tool]


def test_odd_names_get_legal_ones_that_come_back():
    odd = ["mcp.notion.search pages", "x" * 150, "x" * 151]
    made = plan(tools=[function_tool(name) for name in odd])
    wires = [tool["name"] for tool in made.body["tools"]]
    assert len(set(wires)) == 3
    assert all(len(wire) <= 64 for wire in wires)
    assert [made.tools.names.to_caller(wire) for wire in wires] == odd


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"tools": 5}, "tools"),
        ({"tools": ["f"]}, "tools[0]"),
        ({"tools": [{}]}, "tools[0].function"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": "f"}]}, "tools[0].function"),
        ({"tools": [{"type": None, "function": {"name": "f"}}]}, "tools[0].type"),
        ({"tools": [{"type": "x", "function": {"name": "f"}}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [function_tool("")]}, "tools[0].function.name"),
        ({"tools": [function_tool(strict="yes")]}, "tools[0].function.strict"),
        ({"tools": [function_tool(description=5)]}, "tools[0].function.description"),
        ({"tools": [function_tool("f", "x")]}, "tools[0].function.parameters"),
        ({"tools": [custom(format="x")]}, "tools[0].custom.format"),
        (
            {"tools": [custom(format={"type": "grammar", "grammar": "x"})]},
            "tools[0].custom.format.grammar",
        ),
        ({"functions": [{}]}, "functions[0].function.name"),
        ({"functions": [], "tools": []}, "functions"),
        ({"tools": [function_tool(), function_tool()]}, "tools[1].function.name"),
        ({"tools": [function_tool("c"), custom()]}, "tools[1].custom.name"),
        ({"tools": [function_tool(), {"name": "f", "input_schema": EMPTY}]}, "tools[1].name"),
    ],
)
def test_malformed_tools_are_refused_with_their_place(given, param):
    assert refused(**given).param == param


def test_a_schema_that_cannot_be_sent_is_refused_with_the_tools_name():
    refusal = refused(tools=[function_tool("fine"), function_tool("faulty", ["x"])])
    assert refusal.message.startswith("The tool `faulty`: ")
    assert refusal.param == "tools[1].function.parameters"


def test_a_receipt_that_strict_refuses_names_the_tool_once():
    request = {"tools": [function_tool("f", {"type": "string"}, strict=True)]}
    refusal = refused(**request, settings={"compat": "strict"})
    assert refusal.message.count("`f`") == 1


def test_server_tools_without_a_name_are_not_taken_for_twins():
    toolset = {"type": "mcp_toolset", "mcp_server_name": "m"}
    assert (
        len(tools(toolset, {**toolset, "mcp_server_name": "n"}, {**toolset, "name": ["odd"]})) == 3
    )
