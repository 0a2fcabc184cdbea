"""What must be installed for a library: packages and bytes, read from their metadata.

    python -m benchmarks.footprint openai

Requirements are followed as pip does, so it does not matter what else the environment holds.
Compiled bytecode is not counted.
"""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

try:
    from packaging.requirements import Requirement
except ImportError:  # every environment with pip has a copy
    from pip._vendor.packaging.requirements import Requirement

from benchmarks.subjects import SUBJECTS

__all__ = ["closure", "footprint"]


def footprint(name: str) -> dict[str, Any]:
    """Packages, bytes and versions of a library, or an `error` if it is not installed."""
    subject = SUBJECTS[name]
    if find_spec(subject.module) is None:
        return {"error": "not installed"}
    found = closure(subject.distribution)
    versions = {each: found[each].version for each in ("openai", "anthropic") if each in found}
    own = _canonical(Requirement(subject.distribution).name)
    return {
        "packages": len(found),
        "bytes": sum(map(_size, found.values())),
        "versions": {own: found[own].version, **versions},
        "python": platform.python_version(),
    }


def closure(distribution: str) -> dict[str, metadata.Distribution]:
    """The distribution and all that it requires here, by canonical name."""
    found: dict[str, metadata.Distribution] = {}
    done: set[tuple[str, str]] = set()
    todo = [Requirement(distribution)]
    while todo:
        requirement = todo.pop()
        name = _canonical(requirement.name)
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # an extra that this environment leaves out
        for extra in ("", *requirement.extras):
            if (name, extra) not in done:
                done.add((name, extra))
                todo += _required(found[name], extra)
    return found


def _required(distribution: metadata.Distribution, extra: str) -> Iterator[Requirement]:
    for text in distribution.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _size(distribution: metadata.Distribution) -> int:
    return sum(path.stat().st_size for path in _files(distribution))


def _files(distribution: metadata.Distribution) -> Iterator[Path]:
    paths: Iterator[Path] = (Path(str(file.locate())) for file in distribution.files or ())
    if "__editable__" in str(distribution.files) or _is_editable(distribution):
        module = find_spec(distribution.metadata["Name"].replace("-", "_"))
        assert module is not None
        assert module.origin is not None
        paths = Path(module.origin).parent.rglob("*")
    for path in paths:
        if path.is_file() and path.suffix != ".pyc":
            yield path


def _is_editable(distribution: metadata.Distribution) -> bool:
    told = distribution.read_text("direct_url.json")
    return bool(told and json.loads(told).get("dir_info", {}).get("editable"))


if __name__ == "__main__":
    print(json.dumps(footprint(sys.argv[1])))
