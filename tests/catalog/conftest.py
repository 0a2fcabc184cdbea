from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """The shipped data as it stands in the file."""
    path = ROOT / "src/claif_cla/catalog/models.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded exchanges, which is no part of the project."""
    folder = ROOT.parent / "shared/recordings"
    if not (folder / "index.jsonl").is_file():
        pytest.skip("the recordings are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def recorded_models(recordings: Path) -> list[dict[str, Any]]:
    """`data` of a recorded `GET /v1/models` with capabilities, of August 2026."""
    for line in (recordings / "index.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if (entry["api"], entry["endpoint"], entry["status"]) != ("anthropic", "/v1/models", 200):
            continue
        response = json.loads((recordings / entry["file"]).read_text(encoding="utf-8"))["response"]
        body = response.get("body") or response.get("text")
        data = (json.loads(body) if isinstance(body, str) else body)["data"]
        if "capabilities" in data[0]:
            return data
    pytest.skip("no recorded list of models carries capabilities")


@pytest.fixture(scope="session")
def update_models() -> ModuleType:
    """`scripts/update_models.py` as a module."""
    path = ROOT / "scripts/update_models.py"
    spec = importlib.util.spec_from_file_location("update_models", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
