from __future__ import annotations

import json

import pytest

from claif_cla.errors import MalformedAnswer
from claif_cla.translate.call import Call, Settings
from claif_cla.translate.models import MAX_PAGES
from claif_cla.translate.routes import flow_for

SONNET = {
    "id": "claude-sonnet-5-5",
    "type": "model",
    "display_name": "Claude Sonnet 5.5",
    "created_at": "2026-09-28T00:00:00Z",
    "max_tokens": 64_000,
}
OPUS = {"id": "claude-opus-5-5", "type": "model", "created_at": "2026-09-22T00:00:00Z"}


def reply(value, status=200):
    return (status, {"request-id": "req_1"}, [json.dumps(value).encode()])


def get(path, *, official=True, method="GET", **settings):
    return flow_for(Call(method, path, None, Settings(official=official, **settings)))


def test_a_model_has_openais_fields_and_our_extras(upstream):
    up = upstream([reply(SONNET)])
    answer, body = up.answer(get("/models/claude-sonnet-5-5"))
    assert up.sent[0].path == "/v1/models/claude-sonnet-5-5"
    assert (body["id"], body["object"], body["owned_by"]) == (
        "claude-sonnet-5-5",
        "model",
        "anthropic",
    )
    assert body["created"] == 1_790_553_600
    assert body["max_output_tokens"] == 64_000  # the API's own, over the catalogue's
    assert body["sampling"] == "none"
    assert body["thinking"]["types"] == ["adaptive", "between_tools"]
    assert (body["mid_conversation_system"], body["restricted"]) == (True, False)
    assert answer.headers["x-request-id"] == "req_1"


def test_all_pages_are_read(upstream):
    up = upstream(
        [reply({"data": [SONNET], "has_more": True}), reply({"data": [OPUS], "has_more": False})]
    )
    _, body = up.answer(get("/models"))
    assert [item["id"] for item in body["data"]] == ["claude-sonnet-5-5", "claude-opus-5-5"]
    assert [request.query for request in up.sent] == [
        "limit=1000",
        "limit=1000&after_id=claude-sonnet-5-5",
    ]


def test_pages_are_bounded(upstream):
    up = upstream([reply({"data": [SONNET], "has_more": True})] * (MAX_PAGES + 1))
    up.answer(get("/models"))
    assert len(up.sent) == MAX_PAGES


def test_a_server_without_the_endpoint_is_answered_for_from_the_catalogue(upstream):
    up = upstream([reply({}, 404), reply({}, 404)])
    _, body = up.answer(get("/models", official=False))
    assert "claude-sonnet-5-5" in [item["id"] for item in body["data"]]
    up = upstream([reply({}, 404)])
    answer, body = up.answer(get("/models/sonnet", official=False))
    assert (answer.status, body["object"]) == (200, "model")


def test_an_unknown_model_is_not_found(upstream):
    error = {"type": "error", "error": {"type": "not_found_error", "message": "model: nope"}}
    answer, body = upstream([reply(error, 404)]).answer(get("/models/nope"))
    assert (answer.status, body["error"]["code"]) == (404, "model_not_found")


def test_an_error_of_the_list_is_translated(upstream):
    error = {"type": "error", "error": {"type": "authentication_error", "message": "no"}}
    answer, body = upstream([reply(error, 401)]).answer(get("/models"))
    assert (answer.status, body["error"]["code"]) == (401, "invalid_api_key")


def test_aliases_and_retired_names_are_resolved(upstream):
    up = upstream([reply(OPUS)])
    up.answer(get("/models/gpt-4o", model_aliases={"gpt-4o": "claude-opus-5-5"}))
    assert up.sent[0].path == "/v1/models/claude-opus-5-5"


def test_an_alias_that_names_nothing_is_refused(upstream):
    answer, body = upstream().answer(get("/models/x", model_aliases={"x": ""}))
    assert (answer.status, body["error"]["param"]) == (400, "model")


def test_a_model_cannot_be_deleted(upstream):
    up = upstream()
    answer, body = up.answer(get("/models/claude-sonnet-5-5", method="DELETE"))
    assert (answer.status, body["error"]["code"], up.sent) == (403, "model_not_deletable", [])


@pytest.mark.parametrize("created", [None, 5, "yesterday", "2026-09-28"])
def test_a_date_of_any_kind_gives_a_timestamp(upstream, created):
    up = upstream([reply({"id": "claude-nova-9", "created_at": created})])
    _, body = up.answer(get("/models/claude-nova-9"))
    assert isinstance(body["created"], int)


@pytest.mark.parametrize("body", [[], {"data": {}}, {"data": [{}]}, {"data": ["x"]}])
def test_a_list_that_is_none_is_a_fault(upstream, body):
    with pytest.raises(MalformedAnswer):
        upstream([reply(body)]).answer(get("/models"))
    with pytest.raises(MalformedAnswer):
        upstream([reply(body)]).answer(get("/models/claude-sonnet-5-5"))
