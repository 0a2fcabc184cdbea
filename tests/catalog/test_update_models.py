from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from claif_cla.catalog.data_file import catalogue, parse
from claif_cla.catalog.records import EFFORT_LEVELS, THINKING_TYPES

YES, NO = {"supported": True}, {"supported": False}
DAY = "2027-01-20"


class Pages:
    """A stand-in for the network that serves canned pages and keeps what it was asked."""

    def __init__(self, *pages: Any) -> None:
        self.pages = list(pages)
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, url: str, headers: Mapping[str, str]) -> bytes:
        self.asked.append((url, dict(headers)))
        page = self.pages.pop(0)
        return page if isinstance(page, bytes) else json.dumps(page).encode()


def as_api(document: dict[str, Any]) -> list[dict[str, Any]]:
    """What the API would say if it agreed with the catalogue on every model it lists."""
    listed = []
    for info in parse(document).models:
        if info.lifecycle == "retired" or info.restricted:
            continue
        efforts = {name: YES if name in info.effort_levels else NO for name in EFFORT_LEVELS}
        listed.append(
            {
                "type": "model",
                "id": info.id,
                "display_name": info.display_name,
                "created_at": f"{info.released}T00:00:00Z",
                "lifecycle": info.lifecycle,
                "line": info.line,
                "retires_at": info.retires_at and f"{info.retires_at}T00:00:00Z",
                "max_input_tokens": info.context_window,
                "max_tokens": info.max_output_tokens,
                "capabilities": {
                    "structured_outputs": YES if info.structured_outputs else NO,
                    "effort": {"supported": bool(info.effort_levels), **efforts},
                    "thinking": {
                        "supported": True,
                        "types": {
                            n: YES if n in info.thinking.types else NO for n in THINKING_TYPES
                        },
                    },
                },
            }
        )
    return listed


@pytest.fixture
def settled(document: dict[str, Any]) -> dict[str, Any]:
    """The catalogue without assumptions about what the API tells, so that it can agree."""
    names = {"effort_levels", "structured_outputs", "context_window", "max_output_tokens"}
    models = []
    for entry in document["models"]:
        facts = {
            name: {"value": fact["assume"], "source": fact["source"]}
            if name in names and "assume" in fact
            else fact
            for name, fact in entry["facts"].items()
        }
        models.append({**entry, "facts": facts})
    return {**document, "models": models}


@pytest.fixture
def file(tmp_path: Path, settled: dict[str, Any]) -> Path:
    path = tmp_path / "models.json"
    path.write_text(json.dumps(settled), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Command:
    """The command, run on a copy of the catalogue."""

    script: ModuleType
    file: Path

    def run(self, listed: list[dict[str, Any]], *more: str) -> int:
        return self.fetch(Pages({"data": listed, "has_more": False}), *more)

    def fetch(self, pages: Pages | None, *more: str) -> int:
        argv = ["--api-key", "k", "--file", str(self.file), "--date", DAY, *more]
        return int(self.script.main(argv, fetch=pages))


@pytest.fixture
def command(update_models: ModuleType, file: Path) -> Command:
    return Command(update_models, file)


def test_agreement_is_said_and_exits_with_0(
    command: Command,
    settled: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.run(as_api(settled)) == 0
    assert "agrees" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"max_tokens": 256_000}, "max_output_tokens: 128000 -> 256000"),
        ({"lifecycle": "deprecated"}, 'lifecycle: "active" -> "deprecated"'),
        ({"display_name": "Claude Opus V"}, 'display_name: "Claude Opus 5" -> "Claude Opus V"'),
        (
            {"capabilities": {"structured_outputs": NO}},
            "structured_outputs: true -> false",
        ),
        (
            {"capabilities": {"thinking": {"supported": True, "types": {"enabled": YES}}}},
            'thinking_types: ["adaptive", "disabled"] -> ["adaptive", "disabled", "enabled"]',
        ),
    ],
)
def test_each_changed_fact_is_one_line_and_exits_with_1(
    command: Command,
    settled: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    change: dict[str, Any],
    line: str,
) -> None:
    listed = [m | change if m["id"] == "claude-opus-5" else m for m in as_api(settled)]
    assert command.run(listed) == 1
    assert capsys.readouterr().out == f"claude-opus-5: {line}\n"


def test_a_new_model_is_told_with_its_facts(
    command: Command,
    settled: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    new = as_api(settled)[0] | {"id": "claude-opus-6", "line": "opus"}
    assert command.run([new, *as_api(settled)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("claude-opus-6: new model\n")
    assert '    line: "opus"\n' in out


def test_a_model_that_is_no_longer_listed_is_told(
    command: Command,
    settled: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    listed = [model for model in as_api(settled) if model["id"] != "claude-opus-4-7"]
    assert command.run(listed) == 1
    assert "claude-opus-4-7: active in the catalogue, not listed" in capsys.readouterr().out


def test_a_confirmed_assumption_is_told(
    update_models: ModuleType, document: dict[str, Any]
) -> None:
    lines = list(update_models.compare(parse(document), as_api(document)))
    assert any("claude-fable-5-2: effort_levels" in line and "confirmed" in line for line in lines)


def test_a_retirement_asks_for_a_replacement(
    update_models: ModuleType, settled: dict[str, Any]
) -> None:
    gone = {"lifecycle": "retired", "retires_at": "2027-01-01T00:00:00Z"}
    listed = [m | gone if m["id"] == "claude-opus-5" else m for m in as_api(settled)]
    lines = list(update_models.compare(parse(settled), listed))
    assert "claude-opus-5: retired; name its `replacement` by hand" in lines


def test_without_write_the_file_stays(
    command: Command, file: Path, settled: dict[str, Any]
) -> None:
    before = file.read_bytes()
    command.run(as_api(settled)[1:])
    assert file.read_bytes() == before


def test_write_changes_only_what_the_api_tells_and_stamps_it(
    command: Command, file: Path, settled: dict[str, Any]
) -> None:
    listed = [m | {"max_tokens": 9} if m["id"] == "claude-opus-5" else m for m in as_api(settled)]
    assert command.run(listed, "--write") == 1
    after = json.loads(file.read_text(encoding="utf-8"))
    assert after["sources"][f"api-{DAY}"]["checked"] == DAY
    old = {entry["id"]: entry["facts"] for entry in settled["models"]}
    new = {entry["id"]: entry["facts"] for entry in after["models"]}
    old["claude-opus-5"] = {
        **old["claude-opus-5"],
        "max_output_tokens": {"value": 9, "source": f"api-{DAY}"},
    }
    assert new == old


def test_after_write_there_is_no_difference_left(command: Command, settled: dict[str, Any]) -> None:
    new = as_api(settled)[3] | {
        "id": "claude-opus-6",
        "line": "opus",
        "created_at": "2027-01-15T00:00:00Z",
    }
    listed = [new, *as_api(settled)]
    assert command.run(listed, "--write") == 1
    assert command.run(listed) == 0


def test_a_new_model_is_written_at_its_place_with_the_rest_assumed(
    update_models: ModuleType, settled: dict[str, Any]
) -> None:
    new = as_api(settled)[3] | {"id": "claude-opus-6", "created_at": "2027-01-15T00:00:00Z"}
    catalogue = parse(update_models.updated(settled, [new], DAY))
    first = catalogue.models[0]
    assert (first.id, first.released, first.line) == ("claude-opus-6", "2027-01-15", new["line"])
    assert "sampling" in first.assumed
    assert "max_output_tokens" not in first.assumed


def test_a_model_that_retires_moves_to_the_end(
    update_models: ModuleType, settled: dict[str, Any]
) -> None:
    gone = {"id": "claude-opus-5", "lifecycle": "retired", "retires_at": "2027-01-01T00:00:00Z"}
    models = parse(update_models.updated(settled, [gone], DAY)).models
    place = [model.id for model in models].index("claude-opus-5")
    assert [m.lifecycle for m in models[place:]] == ["retired"] * (len(models) - place)


def test_the_shipped_file_has_the_layout_that_the_script_writes(
    update_models: ModuleType, document: dict[str, Any]
) -> None:
    shipped = update_models.CATALOGUE.read_text(encoding="utf-8")
    assert update_models.dump(document) == shipped


def test_an_update_that_finds_nothing_changes_no_byte(
    update_models: ModuleType, settled: dict[str, Any]
) -> None:
    after = update_models.updated(settled, as_api(settled), DAY)
    assert update_models.dump(after) == update_models.dump(settled)


def test_pages_are_followed_to_their_end_with_key_and_version(update_models: ModuleType) -> None:
    pages = Pages(
        {"data": [{"id": "a"}, {"id": "b"}], "has_more": True, "last_id": "b"},
        {"data": [{"id": "c"}], "has_more": False, "last_id": "c"},
    )
    models = update_models.fetch_models("https://proxy.example/v1/", "secret", pages)
    assert [model["id"] for model in models] == ["a", "b", "c"]
    assert [url for url, _ in pages.asked] == [
        "https://proxy.example/v1/models?limit=1000",
        "https://proxy.example/v1/models?limit=1000&after_id=b",
    ]
    assert pages.asked[0][1] == {"x-api-key": "secret", "anthropic-version": "2026-10-21"}


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ([b"<html>"], "not JSON"),
        ([{"error": {}}], "not a list of models"),
        ([{"data": [{"name": "x"}]}], "not a list of models"),
        ([{"data": [], "has_more": True}], "last_id"),
        ([{"data": [], "has_more": True, "last_id": "a"}] * 2, "last_id"),
        (
            [{"data": [], "has_more": True, "last_id": str(n)} for n in range(100)],
            "did not end after 100 pages",
        ),
    ],
)
def test_an_unusable_answer_exits_with_2_and_says_why(
    command: Command,
    capsys: pytest.CaptureFixture[str],
    pages: list[Any],
    message: str,
) -> None:
    assert command.fetch(Pages(*pages)) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "ANTHROPIC_API_KEY"),
        (["--api-key", "k", "--base-url", "file:///etc"], "http"),
        (["--api-key", "k", "--date", "today"], "2026-11-22"),
    ],
)
def test_wrong_usage_exits_with_2(
    update_models: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    message: str,
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(SystemExit) as caught:
        update_models.main(argv)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (urllib.error.URLError("refused"), "cannot be reached"),
        (TimeoutError("slow"), "cannot be reached"),
        (
            urllib.error.HTTPError("u", 401, "no", Message(), BytesIO(b"bad key")),
            "answered 401: bad key",
        ),
    ],
)
def test_a_fault_of_the_network_exits_with_2(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: Exception,
    message: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(urllib.request, "urlopen", fail)
    assert command.fetch(None) == 2
    assert message in capsys.readouterr().err


def test_an_endless_body_is_cut(
    update_models: ModuleType,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(update_models, "MAX_PAGE_BYTES", 10)
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: BytesIO(b"x" * 100))
    assert command.fetch(None) == 2


def test_the_simulators_list_contradicts_nothing(update_models: ModuleType) -> None:
    from claif_cla.backends.simulator.engine import Engine  # noqa: PLC0415  # for this test only

    def fetch(url: str, headers: dict[str, str]) -> bytes:
        path, _, query = url.removeprefix("https://simulator.test").partition("?")
        return Engine().handle("GET", path, headers, query=query).body()

    listed = update_models.fetch_models("https://simulator.test", "any", fetch)
    lines = list(update_models.compare(catalogue(), listed))
    assert [line for line in lines if not line.endswith("was assumed, now confirmed")] == []
