"""References inside a schema: where `$ref` points, and what that part is called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from claif_cla.translate.schema.draft import upgrade
from claif_cla.translate.schema.notes import Notes, Unusable

__all__ = ["References", "references_in", "tokens"]

_PLAIN_NAME = re.compile(r"[^A-Za-z0-9_.-]")
_MAX_NAME = 64


def tokens(reference: str) -> tuple[str, ...]:
    """The steps of a local JSON pointer: `#/$defs/a~1b` is (`$defs`, `a/b`).

    Raises:
        Unusable: for anything that is no pointer into the same document; Claude's structured
            outputs load nothing from elsewhere.
    """
    if reference == "#":
        return ()
    if not reference.startswith("#/"):
        raise Unusable(
            f"`$ref: {reference[:80]!r}` does not point into the schema itself; "
            "put the part under `$defs` and refer to it as `#/$defs/<name>`"
        )
    steps = unquote(reference[2:]).split("/")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)


def references_in(value: Any) -> Iterator[str]:
    """Each `$ref` below `value`, in the order in which it stands there."""
    if isinstance(value, Mapping):
        target = value.get("$ref")
        if isinstance(target, str):
            yield target
        for item in value.values():
            yield from references_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from references_in(item)


class References:
    """Resolves the references of one document and gives each target a name for `$defs`."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._names: dict[tuple[str, ...], str] = {}
        self._taken: dict[str, int] = {}
        identifier = root.get("$id")
        self._base = identifier if isinstance(identifier, str) else None

    def pointer(self, reference: Any) -> tuple[str, ...]:
        """The steps to the target of a `$ref`; the document's own `$id` may stand before it."""
        if not isinstance(reference, str):
            raise Unusable("`$ref` must be a string such as `#/$defs/<name>`")
        if self._base and reference.startswith(f"{self._base.rstrip('#')}#"):
            reference = reference[len(self._base.rstrip("#")) :]
        return tokens(reference)

    def resolve(self, pointer: tuple[str, ...]) -> Mapping[str, Any] | bool:
        """The schema at `pointer`, in draft 2020-12.

        References lead to any place of a document, OpenAPI's `#/components/schemas/…` too, also
        to places that are not known to hold schemas: the target is upgraded once more.

        Raises:
            Unusable: if there is no schema.
        """
        target: Any = self._root
        for step in pointer:
            if isinstance(target, Mapping) and step in target:
                target = target[step]
            elif isinstance(target, list) and step.isdecimal() and int(step[:9]) < len(target):
                target = target[int(step[:9])]
            else:
                target = None
                break
        if isinstance(target, bool):
            return target
        if isinstance(target, Mapping):
            return upgrade(target, Notes())
        written = "#/" + "/".join(pointer)
        raise Unusable(f"`$ref: {written[:80]!r}` leads to no schema; add it or fix the reference")

    def check_acyclic(self) -> None:
        """Raise `Unusable` if the document refers to itself in a circle.

        The API answers 400 to that ("Circular reference detected in schema definitions"), even
        where the recursion could end. Definitions that nothing refers to do not count.
        """
        used = {key: self._root[key] for key in self._root if key not in {"$defs", "definitions"}}
        done: set[tuple[str, ...]] = set()
        path: dict[tuple[str, ...], Iterator[tuple[str, ...]]] = {}
        waiting = [self._targets(used)]
        while waiting:
            pointer = next(waiting[-1], None)
            if pointer is None:
                waiting.pop()
                if path:
                    done.add(path.popitem()[0])
            elif pointer in path:
                raise Unusable(
                    f"the schema refers to itself through `{self.name(pointer)}`, and Claude's "
                    "structured outputs take no recursive schemas; write out the levels you need",
                    "unsupported_value",
                )
            elif pointer not in done:
                path[pointer] = self._targets(self._found(pointer))
                waiting.append(path[pointer])

    def _targets(self, value: Any) -> Iterator[tuple[str, ...]]:
        """Where the references below `value` lead, as far as they can be read."""
        for reference in references_in(value):
            with suppress(Unusable):
                yield self.pointer(reference)

    def _found(self, pointer: tuple[str, ...]) -> Any:
        try:
            return self.resolve(pointer)
        except Unusable:
            return None  # reported where it is used, unless that is mere data

    def name(self, pointer: tuple[str, ...]) -> str:
        """The name of the target under `$defs`: its own where that is plain and still free.

        Names with other characters would have to be escaped in the pointer, which is more than
        we want to rely on.
        """
        if pointer in self._names:
            return self._names[pointer]
        wanted = _PLAIN_NAME.sub("_", pointer[-1] if pointer else "root")[:_MAX_NAME] or "_"
        name = wanted
        while name in self._taken:
            self._taken[wanted] += 1
            name = f"{wanted}_{self._taken[wanted]}"
        self._taken[name] = 1
        self._names[pointer] = name
        return name
