"""JSON schemas of OpenAI requests in the forms that Claude takes.

| from | to | by |
|---|---|---|
| `response_format.json_schema.schema` | `output_config.format.schema` | `output_schema` |
| `function.parameters` | `input_schema` | `tool_schema` |
| the same with `strict: true` | `input_schema` with `strict: true` | `strict_tool_schema` |

Each function is total over JSON (a result, or a `Refusal` before anything is sent), never changes
its argument, gives equal bytes for equal input, and leaves its own results as they are. Notes are
given for what *validates* otherwise than the caller wrote it, and for repairs; not for a mere
change of words: without notes, whatever fits the result fits the caller's schema.
Nothing here validates answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from claif_cla.errors import Refusal
from claif_cla.translate.schema.draft import check_depth, upgrade
from claif_cla.translate.schema.notes import Notes, Unusable
from claif_cla.translate.schema.rewrite import SubsetRewriter
from claif_cla.translate.schema.root import WRAPPED_INPUT, ToolRoot

__all__ = [
    "MAX_STRICT_OPTIONAL",
    "MAX_STRICT_TOOLS",
    "MAX_STRICT_UNIONS",
    "WRAPPED_OUTPUT",
    "Rewritten",
    "StrictCost",
    "output_schema",
    "strict_cost",
    "strict_tool_schema",
    "tool_schema",
]

WRAPPED_OUTPUT = "value"
"""The one key of an answer whose schema is no object."""

# Limits of one request, over all strict tools and the output format together
# (structured outputs guide, 2026-08).
MAX_STRICT_TOOLS = 20
MAX_STRICT_OPTIONAL = 24
MAX_STRICT_UNIONS = 16


class Rewritten(NamedTuple):
    """A schema in the form that Claude takes.

    Attributes:
        schema: to be sent as it is; it may share values with the input, so it must not be
            changed.
        notes: sentences about what validates otherwise than was asked for; at most 20.
        wrapped: the key under which the answer, or the tool's input, lies because its schema is
            no object; None if nothing is to be unwrapped.
        strict: whether `strict: true` may be sent with it.
    """

    schema: dict[str, Any]
    notes: tuple[str, ...] = ()
    wrapped: str | None = None
    strict: bool = False


class StrictCost(NamedTuple):
    """What a compiled schema takes from the limits of its request.

    Attributes:
        optional: parameters that are not required.
        unions: parameters with `anyOf`.
    """

    optional: int
    unions: int

    @property
    def affordable(self) -> bool:
        """Whether a request may hold what costs this, if it holds nothing else."""
        return self.optional <= MAX_STRICT_OPTIONAL and self.unions <= MAX_STRICT_UNIONS


def output_schema(schema: Any, *, param: str = "response_format") -> Rewritten:
    """The schema of an answer for `output_config.format`.

    Args:
        schema: the caller's JSON schema, of OpenAI's strict kind or any other.
        param: the OpenAI parameter that a refusal names.

    Returns:
        A closed object schema. A root that is no object is wrapped: the answer then is
        `{"value": …}`, and `wrapped` says so.

    Raises:
        Refusal: if the schema is recursive, refers to something outside of itself, contradicts
            itself, describes no shape at all, or is nested or multiplied beyond our bounds.
    """
    notes = Notes()
    with _refusing(param):
        if not isinstance(schema, Mapping):
            raise Unusable("a JSON schema must be an object")
        check_depth(schema)
        rewriter = SubsetRewriter(upgrade(schema, notes), notes)
        root = rewriter.document()
        wrapped = None
        # Array roots have been seen to be accepted (recorded answers of 2026), scalars and
        # unions have not. One rule for all of them is one thing to unwrap.
        if root.get("type") != "object":
            wrapped = WRAPPED_OUTPUT
            root = {
                "type": "object",
                "properties": {WRAPPED_OUTPUT: root},
                "required": [WRAPPED_OUTPUT],
                "additionalProperties": False,
            }
        return Rewritten(_with_definitions(root, rewriter), notes.finish(), wrapped)


def tool_schema(parameters: Any, *, param: str = "tools") -> Rewritten:
    """`function.parameters` as an `input_schema` that is not strict.

    An object schema passes unchanged, unknown keywords, recursion and all. Changed are: nothing
    at all (null, `{}`, true), which becomes an object without keys; a missing `type`; what draft
    2020-12 does not know; `$ref`, `anyOf`, `oneOf` and `allOf` at the root, which are folded
    into one object; and schemas of other types, which are wrapped as `{"input": …}`.

    Args:
        parameters: any JSON value.
        param: the OpenAI parameter that a refusal names.

    Raises:
        Refusal: if `parameters` is no schema, or the reference at its root leads nowhere.
    """
    notes = Notes()
    with _refusing(param):
        schema, wrapped = _tool_root(parameters, notes)
        return Rewritten(schema, notes.finish(), wrapped)


def strict_tool_schema(parameters: Any, *, param: str = "tools") -> Rewritten:
    """`function.parameters` of a strict tool.

    Returns:
        The schema in the compiled subset and `strict` true. Where strictness would be refused by
        the API (recursion, no object, too many optional parameters), or would forbid what the
        schema allows (maps with free keys, values of any type), the result of `tool_schema`
        with `strict` false and a note with the reason.

    Raises:
        Refusal: as `tool_schema`.
    """
    loose = tool_schema(parameters, param=param)
    if loose.wrapped is not None:
        return _unstrict(loose, "its input is not an object")
    notes = Notes()
    for note in loose.notes:
        notes.add(note)
    try:
        rewriter = SubsetRewriter(loose.schema, notes)
        schema = _with_definitions(rewriter.document(), rewriter)
    except (Unusable, RecursionError) as error:
        return _unstrict(loose, str(error) if isinstance(error, Unusable) else "nested too deeply")
    if rewriter.lossy:
        return _unstrict(loose, "it would forbid values that the schema allows")
    if schema.get("type") != "object":
        return _unstrict(loose, "its input is not one object")
    if not strict_cost(schema).affordable:
        return _unstrict(
            loose,
            f"Claude compiles at most {MAX_STRICT_OPTIONAL} optional parameters and "
            f"{MAX_STRICT_UNIONS} unions",
        )
    return Rewritten(schema, notes.finish(), strict=True)


def strict_cost(schema: Mapping[str, Any]) -> StrictCost:
    """The share of the request's limits that a schema of `strict_tool_schema` takes.

    Args:
        schema: in the compiled subset. Each of its `$defs` counts once.
    """
    optional = unions = 0
    waiting: list[Any] = [schema]
    while waiting:
        node = waiting.pop()
        properties = node.get("properties", {})
        optional += len(properties) - len(node.get("required", ()))
        unions += "anyOf" in node
        waiting.extend(properties.values())
        waiting.extend(node.get("anyOf", ()))
        waiting.extend(node.get("$defs", {}).values())
        if "items" in node:
            waiting.append(node["items"])
    return StrictCost(optional, unions)


def _tool_root(parameters: Any, notes: Notes) -> tuple[dict[str, Any], str | None]:
    if parameters is None or parameters is True or parameters == {}:
        return {"type": "object", "properties": {}}, None
    if not isinstance(parameters, Mapping):
        raise Unusable("`parameters` must be a JSON schema, an object")
    check_depth(parameters)
    root = ToolRoot(upgrade(parameters, notes), notes)
    plain = root.plain()
    if plain is not None:
        return plain, None
    return root.wrapped(), WRAPPED_INPUT


def _unstrict(loose: Rewritten, reason: str) -> Rewritten:
    notes = Notes()
    notes.add(f"`strict` was dropped: {reason}")
    for note in loose.notes:
        notes.add(note)
    return Rewritten(loose.schema, notes.finish(), loose.wrapped)


def _with_definitions(root: dict[str, Any], rewriter: SubsetRewriter) -> dict[str, Any]:
    definitions = rewriter.definitions(root)
    return {**root, "$defs": definitions} if definitions else root


@contextmanager
def _refusing(param: str) -> Iterator[None]:
    try:
        yield
    except Unusable as error:
        raise Refusal(error.message, param=param, code=error.code) from error
    except RecursionError as error:
        # The bounds keep us far from it, but the caller's own stack may be deep already.
        raise Refusal("the schema is nested too deeply; flatten it", param=param) from error
