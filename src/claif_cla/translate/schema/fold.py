"""One schema out of many: `$ref` and `allOf` of a place folded into plain keywords."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claif_cla.translate.schema.keywords import identity, listed, nullable
from claif_cla.translate.schema.merge import NothingFits, merge
from claif_cla.translate.schema.notes import Notes, Unusable, shown
from claif_cla.translate.schema.refs import References

__all__ = ["MAX_LEVELS", "Folder"]

MAX_LEVELS = 45
"""How deeply schemas may be nested once their references are followed."""

_MAX_WORK = 200_000


class Folder:
    """Folds the places of one document, within a budget for the whole of it.

    References inside `allOf` can make a short schema mean an endless one, so each step costs.

    Args:
        references: of the document, without cycles.
        notes: told about keywords that cannot be merged.
    """

    def __init__(self, references: References, notes: Notes) -> None:
        self._references = references
        self._notes = notes
        self._work = 0

    def spend(self, amount: int) -> None:
        """Count `amount` steps. Raises `Unusable` when there have been too many."""
        self._work += amount
        if self._work > _MAX_WORK:
            raise Unusable("the schema is too large once its references and unions are resolved")

    def flat(self, node: Any, path: str, depth: int = 0) -> dict[str, Any]:
        """`node` without `allOf`, `nullable` and a `$ref` of its own.

        Args:
            node: a schema.
            path: where it applies.
            depth: how many references were followed to get here.
        """
        if node is False:
            raise NothingFits(f"{shown(path)}: the schema allows no value")
        if not isinstance(node, Mapping):
            return {}
        if depth > MAX_LEVELS:
            raise Unusable(f"{shown(path)}: references are nested too deeply; flatten them")
        if "nullable" in node:
            node = nullable(node)
        flat = {key: value for key, value in node.items() if key not in {"allOf", "$ref"}}
        parts = [(part, depth) for part in listed(node, "allOf", path)] if "allOf" in node else []
        if "$ref" in node:
            target = self._references.resolve(self._references.pointer(node["$ref"]))
            parts.insert(0, (target, depth + 1))
        for part, below in parts:
            self.spend(1 + len(identity(part)) // 200)
            flat = merge(flat, self.flat(part, path, below), path, self._notes)
        return flat
