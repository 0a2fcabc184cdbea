"""The Models API: shapes and paging."""

from __future__ import annotations

import pytest
from anthropic.types import ModelInfo

from claif_cla.catalog.model_info import all_models

LISTED = [m.id for m in all_models() if m.lifecycle in ("active", "deprecated")]


def page(ask, query=""):
    return ask.send("GET", "/v1/models", query=query)


def ids(answer):
    return [model["id"] for model in answer.json["data"]]


def test_every_model_has_the_shape_of_the_sdk(ask):
    for model in page(
        ask, "limit=1000&lifecycle=active&lifecycle=deprecated&lifecycle=retired"
    ).json["data"]:
        assert set(model) == set(ModelInfo.model_fields)
        ModelInfo.model_validate(model, strict=False)


def test_the_list_leaves_retired_models_out_unless_asked_for(ask):
    assert ids(page(ask, "limit=1000")) == LISTED
    retired = ids(page(ask, "lifecycle=retired&limit=1000"))
    assert retired
    assert not set(retired) & set(LISTED)


def test_pages_follow_each_other_forwards(ask):
    found, query = [], "limit=4"
    while True:
        answer = page(ask, query)
        found += ids(answer)
        assert answer.json["first_id"] == ids(answer)[0]
        if not answer.json["has_more"]:
            break
        query = f"limit=4&after_id={answer.json['last_id']}"
    assert found == LISTED


def test_pages_follow_each_other_backwards(ask):
    answer = page(ask, f"limit=3&before_id={LISTED[5]}")
    assert ids(answer) == LISTED[2:5]
    assert answer.json["has_more"]
    first = page(ask, f"limit=3&before_id={LISTED[2]}")
    assert ids(first) == LISTED[:2]
    assert not first.json["has_more"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "limit: Input should be greater than or equal to 1"),
        ("limit=1001", "limit: Input should be less than or equal to 1000"),
        ("limit=99999999999999999999999", "limit: Input should be less than or equal to 1000"),
        ("limit=x", "limit: Input should be a valid integer"),
        ("lifecycle=dead", "lifecycle: Input should be 'active', 'deprecated' or 'retired'"),
        ("after_id=nobody", "after_id: model `nobody` is not in the list"),
    ],
)
def test_wrong_queries_are_told(ask, query, message):
    answer = page(ask, query)
    assert answer.status == 400
    assert answer.message.startswith(message)


@pytest.mark.parametrize("name", ["claude-haiku-4-5", "claude-haiku-4-5-20251001"])
def test_a_model_is_found_by_id_and_alias(ask, name):
    model = ask.send("GET", f"/v1/models/{name}").json
    assert model["id"] == "claude-haiku-4-5-20251001"
    assert model["max_tokens"] == 64_000
    types = model["capabilities"]["thinking"]["types"]
    assert types["enabled"] == {"supported": True}
    assert types["adaptive"] == {"supported": False}


def test_an_unknown_model_is_not_found(ask):
    answer = ask.send("GET", "/v1/models/claude-none")
    assert (answer.status, answer.message) == (404, "model: claude-none")
