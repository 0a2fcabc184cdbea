from __future__ import annotations

import pytest

from claif_cla.translate.call import Call, Settings
from claif_cla.translate.routes import ROUTES, flow_for

MESSAGES = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/embeddings"),
        ("GET", "/chat/completions"),
        ("POST", "/chat/completions/x"),
        ("POST", "/v2/chat/completions"),
        ("POST", ""),
    ],
)
def test_an_endpoint_without_equivalent_is_answered_by_name(upstream, method, path):
    up = upstream()
    answer, body = up.answer(flow_for(Call(method, path, {}, Settings())))
    assert answer.status == 404
    assert body["error"]["code"] == "unsupported_endpoint"
    assert f"{method} {path}" in body["error"]["message"]
    assert up.sent == []


def test_chat_completions_go_to_the_messages_api(upstream):
    up = upstream([(401, {}, [b"{}"])])
    up.answer(flow_for(Call("POST", "/chat/completions", MESSAGES, Settings())))
    assert [(request.method, request.path) for request in up.sent] == [("POST", "/v1/messages")]


def test_no_two_routes_claim_one_call():
    claims = [(method, path) for method, path, _ in ROUTES]
    assert len(set(claims)) == len(claims)
