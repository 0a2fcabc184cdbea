import pytest

from chat_requests import NEWEST, STEADY, function_tool, plan, planned, receipts, refused, user

ODD = "mcp.notion.search pages"
TOOLS = [function_tool("f"), function_tool("g"), {"type": "custom", "custom": {"name": "c"}}]


def named(name, kind="function"):
    return {"type": kind, kind: {"name": name}}


def allowed(mode, *names):
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [*map(named, names)]}}


def choice(model=STEADY, tools=TOOLS, **request):
    return planned(model=model, tools=tools, **request).get("tool_choice")


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ("any", {"type": "any"}),
        (named("f"), {"type": "tool", "name": "f"}),
        ({"type": "function", "name": "f"}, {"type": "tool", "name": "f"}),
        (named("c", "custom"), {"type": "tool", "name": "c"}),
        (
            {"type": "any", "disable_parallel_tool_use": True},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        ({"type": "tool", "name": "f"}, {"type": "tool", "name": "f"}),
    ],
)
def test_each_choice_has_its_counterpart(given, sent):
    assert choice(tool_choice=given) == sent
    assert receipts(model=STEADY, tools=TOOLS, tool_choice=given) == []


def test_without_a_choice_nothing_is_sent():
    assert choice() is None


@pytest.mark.parametrize("kind", ["function", "tool"])
def test_a_named_tool_is_named_by_its_alias(kind):
    tools = [function_tool(ODD)]
    given = named(ODD) if kind == "function" else {"type": "tool", "name": ODD}
    body = planned(model=STEADY, tools=tools, tool_choice=given)
    assert body["tool_choice"]["name"] == body["tools"][0]["name"] != ODD


def test_none_keeps_the_tools():
    assert len(planned(tools=TOOLS, tool_choice="none")["tools"]) == 3


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"tool_choice": "required"}, {"type": "any", "disable_parallel_tool_use": True}),
        (
            {"tool_choice": named("f")},
            {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        ),
        ({"tool_choice": "none"}, {"type": "none"}),
    ],
)
def test_one_call_at_a_time_is_a_flag_of_the_choice(given, sent):
    assert choice(parallel_tool_calls=False, **given) == sent


@pytest.mark.parametrize("value", [True, None])
def test_parallel_calls_are_the_default(value):
    assert choice(parallel_tool_calls=value) is None


@pytest.mark.parametrize(
    "request_",
    [
        {"tool_choice": "auto"},
        {"tool_choice": "none"},
        {"tool_choice": {"type": "auto"}},
        {"parallel_tool_calls": False},
        {"function_call": "none"},
        {"tools": [], "tool_choice": "auto"},
    ],
)
def test_without_tools_a_choice_says_nothing(request_):
    assert planned(**request_) == planned()


@pytest.mark.parametrize("given", ["required", {"type": "any"}])
def test_without_tools_none_can_be_forced(given):
    refusal = refused(tool_choice=given)
    assert refusal.param == "tool_choice"
    assert "`tools`" in refusal.message


@pytest.mark.parametrize(
    ("given", "what"), [("required", "one of the tools"), (named("f"), "the tool `f`")]
)
def test_a_model_that_takes_no_force_is_told_to_call(given, what):
    request = {"model": NEWEST, "tools": TOOLS, "tool_choice": given}
    body = planned(**request)
    assert body["tool_choice"] == {"type": "auto"}
    assert what in body["system"][0]["text"]
    assert what in plan(**request).insistence
    assert receipts(**request) == [("tool_choice", "adapted")]


def test_the_flag_stays_where_force_is_replaced():
    body = planned(tools=TOOLS, tool_choice="required", parallel_tool_calls=False)
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


def test_strict_refuses_force_that_the_model_does_not_take():
    request = {"tools": TOOLS, "tool_choice": "required", "settings": {"compat": "strict"}}
    assert refused(**request).param == "tool_choice"


@pytest.mark.parametrize(("mode", "sent"), [("auto", "auto"), ("required", "any")])
def test_only_allowed_tools_are_sent(mode, sent):
    body = planned(model=STEADY, tools=TOOLS, tool_choice=allowed(mode, "g", "f"))
    assert [tool["name"] for tool in body["tools"]] == ["f", "g"]
    assert body["tool_choice"] == {"type": sent}


@pytest.mark.parametrize("names", [("g",), ("g", "g")])
def test_the_only_tool_that_must_be_called_is_forced_and_the_others_stay(names):
    body = planned(model=STEADY, tools=TOOLS, tool_choice=allowed("required", *names))
    assert body["tool_choice"] == {"type": "tool", "name": "g"}
    assert len(body["tools"]) == len(TOOLS)


def test_where_it_cannot_be_forced_it_is_the_only_one_and_named():
    body = planned(model=NEWEST, tools=TOOLS, tool_choice=allowed("required", "g"))
    assert [tool["name"] for tool in body["tools"]] == ["g"]
    assert body["tool_choice"] == {"type": "auto"}
    assert "the tool `g`" in body["system"][0]["text"]


def test_a_search_beside_the_tools_is_none_of_those_to_choose_from():
    request = {"tools": TOOLS, "web_search_options": {}}
    body = planned(tool_choice=allowed("auto", "f"), **request)
    assert [tool["name"] for tool in body["tools"]] == ["f", "web_search"]
    body = planned(tool_choice=allowed("auto"), **request)
    assert [tool["name"] for tool in body["tools"]] == ["web_search"]


def test_allowed_tools_may_be_flat():
    given = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}
    assert len(planned(tools=TOOLS, tool_choice=given)["tools"]) == 1


def test_no_tool_allowed_is_none_and_the_tools_stay():
    assert planned(tools=TOOLS, tool_choice=allowed("auto")) == planned(
        tools=TOOLS, tool_choice="none"
    )
    assert planned(tool_choice=allowed("auto")) == planned()


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ("always", "tool_choice"),
        (5, "tool_choice"),
        ({}, "tool_choice.type"),
        ({"type": "x"}, "tool_choice.type"),
        ({"type": "function", "function": "f"}, "tool_choice.function"),
        (named("h"), "tool_choice.function.name"),
        (named(None), "tool_choice.function.name"),
        ({"type": "tool", "name": "h"}, "tool_choice.name"),
        (allowed("never", "f"), "tool_choice.allowed_tools.mode"),
        (allowed("auto", "h"), "tool_choice.allowed_tools.tools[0].name"),
        (allowed("required"), "tool_choice.allowed_tools.tools"),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}},
            "tool_choice.allowed_tools.tools",
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": ["f"]}},
            "tool_choice.allowed_tools.tools[0]",
        ),
    ],
)
def test_malformed_choices_are_refused(given, param):
    assert refused(tools=TOOLS, tool_choice=given).param == param


def test_the_flag_must_be_a_boolean():
    assert refused(tools=TOOLS, parallel_tool_calls=0).param == "parallel_tool_calls"


FUNCTIONS = [{"name": "f", "parameters": {"type": "object", "properties": {}}}]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"function_call": "auto"}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"function_call": "none"}, {"type": "none"}),
        (
            {"function_call": {"name": "f"}},
            {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_legacy_functions_are_called_one_at_a_time(given, sent):
    body = planned(model=STEADY, functions=FUNCTIONS, **given)
    assert [tool["name"] for tool in body["tools"]] == ["f"]
    assert body["tool_choice"] == sent


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ("required", "function_call"),
        (5, "function_call"),
        ({"name": "h"}, "function_call.name"),
        ({}, "function_call.name"),
    ],
)
def test_malformed_function_calls_are_refused(given, param):
    assert refused(functions=FUNCTIONS, function_call=given, messages=[user()]).param == param
