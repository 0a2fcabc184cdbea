from __future__ import annotations

import pytest

from claif_cla.catalog.model_info import ModelInfo, lookup
from claif_cla.catalog.names import resolve
from claif_cla.errors import Refusal

SONNET = "claude-sonnet-5-5"
OLD = "claude-3-5-sonnet-20241022"


@pytest.mark.parametrize("official", [True, False])
@pytest.mark.parametrize(
    ("name", "aliases", "default", "model_id"),
    [
        # as named
        ("claude-opus-5", None, None, "claude-opus-5"),
        ("claude-haiku-4-5", None, None, "claude-haiku-4-5"),
        ("anthropic/claude-opus-5", None, None, "anthropic/claude-opus-5"),
        ("claude-opus-9", None, None, "claude-opus-9"),
        ("gpt-4o", None, None, "gpt-4o"),
        ("mythos", None, None, "mythos"),
        # short names
        ("opus", None, None, "claude-opus-5-5"),
        ("sonnet", None, None, SONNET),
        ("haiku", None, None, "claude-haiku-5-5"),
        ("fable", None, None, "claude-fable-5-2"),
        # aliases come first and go one hop
        ("gpt-4o", {"gpt-4o": "claude-opus-5-5"}, None, "claude-opus-5-5"),
        ("gpt-4o", {"gpt-4o": "opus"}, None, "claude-opus-5-5"),
        ("opus", {"opus": "claude-opus-4-8"}, None, "claude-opus-4-8"),
        ("a", {"a": "b", "b": "claude-opus-5"}, None, "b"),
        ("a", {"a": "b", "b": "a"}, None, "b"),
        ("a", {"a": "a"}, None, "a"),
        # no name
        (None, None, None, SONNET),
        (None, None, "claude-opus-5", "claude-opus-5"),
        (None, None, "haiku", "claude-haiku-5-5"),
        (None, {"mine": "fable"}, "mine", "claude-fable-5-2"),
    ],
)
def test_resolve(
    name: str | None,
    aliases: dict[str, str] | None,
    default: str | None,
    model_id: str,
    official: bool,
) -> None:
    found = resolve(name, aliases=aliases, default=default, official=official)
    assert found.model_id == model_id
    assert found.info == lookup(model_id)
    assert found.notes == ()


def test_a_retired_model_is_replaced_on_the_official_api_with_a_note_that_names_the_date() -> None:
    found = resolve(OLD, official=True)
    assert (found.model_id, found.info.id) == (SONNET, SONNET)
    assert [dict(note) for note in found.notes] == [
        {
            "param": "model",
            "detail": f"`{OLD}` was retired on 2025-10-28; `{SONNET}` answers instead",
        }
    ]
    assert found.deprecation is None


def test_a_retired_model_goes_untouched_to_another_server() -> None:
    found = resolve(OLD, official=False)
    assert (found.model_id, found.info.id, found.notes) == (OLD, OLD, ())


@pytest.mark.parametrize(
    ("name", "successor"),
    [
        ("claude-3-opus-20240229", "claude-opus-5-5"),
        ("claude-3-haiku-20240307", "claude-haiku-5-5"),
        ("claude-opus-4-1", "claude-opus-5-5"),
        ("claude-sonnet-4-0", SONNET),
        ("claude-2.1", SONNET),
        ("claude-instant-1.2", "claude-haiku-5-5"),
    ],
)
def test_successors_of_retired_models(name: str, successor: str) -> None:
    assert resolve(name, official=True).model_id == successor


def test_an_alias_may_lead_to_a_retired_model_and_is_then_replaced_too() -> None:
    found = resolve("gpt-4", aliases={"gpt-4": "claude-3-opus-20240229"}, official=True)
    assert found.model_id == "claude-opus-5-5"
    assert "claude-3-opus-20240229" in found.notes[0]["detail"]


def test_a_deprecated_model_passes_with_a_sentence_that_names_date_and_successor() -> None:
    found = resolve("claude-sonnet-4-5", official=True)
    assert (found.model_id, found.notes) == ("claude-sonnet-4-5", ())
    assert found.deprecation is not None
    assert "2026-11-30" in found.deprecation
    assert SONNET in found.deprecation


def test_dates_of_anthropics_api_are_not_told_to_users_of_another_server() -> None:
    assert resolve("claude-sonnet-4-5", official=False).deprecation is None


def test_a_refined_catalogue_may_stand_in() -> None:
    def find(name: str) -> ModelInfo:
        info = lookup(name)
        if name != "claude-opus-4-6":
            return info
        return info._replace(lifecycle="retired", replacement=SONNET)

    found = resolve("claude-opus-4-6", official=True, find=find)
    assert found.model_id == SONNET
    assert found.notes[0]["detail"].startswith("`claude-opus-4-6` was retired;")


def test_a_retired_model_without_a_successor_is_left_to_the_server() -> None:
    def find(name: str) -> ModelInfo:
        return lookup(name)._replace(lifecycle="retired")

    assert resolve("claude-opus-9", official=True, find=find).model_id == "claude-opus-9"


@pytest.mark.parametrize("name", ["", "   ", 5, b"claude-opus-5", ["opus"], True])
def test_a_name_that_is_none_is_refused(name: object) -> None:
    with pytest.raises(Refusal) as caught:
        resolve(name, official=True)
    refusal = caught.value
    assert (refusal.param, refusal.code, refusal.status) == ("model", "invalid_value", 400)
    assert "`model`" in refusal.message


@pytest.mark.parametrize("target", ["", None, 5])
def test_an_alias_that_names_nothing_is_refused_by_its_own_name(target: object) -> None:
    with pytest.raises(Refusal, match="alias of `gpt-4o`"):
        resolve("gpt-4o", aliases={"gpt-4o": target}, official=True)  # type: ignore[dict-item]


def test_an_empty_default_is_refused_rather_than_ignored() -> None:
    with pytest.raises(Refusal):
        resolve(None, default="", official=True)


def test_a_note_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        resolve(OLD, official=True).notes[0]["param"] = "x"  # type: ignore[index]
