"""Facts about models are data: no code outside the catalogue may judge a model by its name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src/claif_cla"

NAME = re.compile(
    r"\b(opus|sonnet|haiku|fable|mythos)\b|^(anthropic[./])?claude(-|$)", re.IGNORECASE
)
FAMILIES = frozenset({"claude"})
TESTS = frozenset(
    {"startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition"}
    | {"split", "find", "index", "count", "match", "search", "fullmatch", "compile", "fnmatch"}
)


def judged(tree: ast.AST) -> Iterator[ast.Constant]:
    """Text constants that something is compared with, searched for or dispatched on."""
    for node in ast.walk(tree):
        parts: list[ast.AST] = []
        whole = False
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
            whole = all(isinstance(operator, (ast.Eq, ast.NotEq)) for operator in node.ops)
        elif isinstance(node, ast.Call) and called(node) in TESTS:
            parts = list(node.args)
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        elif isinstance(node, ast.Subscript):
            parts = [node.slice]
        for part in parts:
            for leaf in ast.walk(part):
                if not (isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)):
                    continue
                # `info.family == "claude"` reads a fact; no model is called just that.
                if not (whole and leaf.value in FAMILIES):
                    yield leaf


def called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def model_names(source: str) -> set[str]:
    return {leaf.value for leaf in judged(ast.parse(source)) if NAME.search(leaf.value)}


@pytest.mark.parametrize(
    "code",
    [
        'if "opus" in model: pass',
        'if model == "claude-opus-5-5": pass',
        'if model in ("claude-opus-5", "claude-sonnet-5"): pass',
        'model.startswith("claude-")',
        'model.startswith(("anthropic.claude-", "x"))',
        're.search("haiku|sonnet", model)',
        'match model:\n    case "claude-2.1": pass',
        'LIMITS["claude-opus-5"]',
        'if "claude" in model: pass',
    ],
)
def test_a_judgement_by_name_is_found(code: str) -> None:
    assert model_names(code)


@pytest.mark.parametrize(
    "code",
    [
        'raise ValueError("name a model, such as `claude-sonnet-5-5`")',
        'if info.line == "x": pass',
        'x = "claude-opus-5"',
        'if backend == "anthropic": pass',
        'if info.family == "claude": pass',
        'newest_of_line("sonnet")',
    ],
)
def test_naming_a_model_without_judging_is_no_offence(code: str) -> None:
    assert model_names(code) == set()


def test_no_code_outside_the_catalogue_judges_a_model_by_its_name() -> None:
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        if "catalog" in path.relative_to(SOURCE).parts:
            continue
        names = model_names(path.read_text(encoding="utf-8"))
        if names:
            found[str(path.relative_to(SOURCE))] = names
    assert found == {}
