from __future__ import annotations

import json

import pytest

from claif_cla.gateway.upstream.accounts import Account
from claif_cla.gateway.upstream.cleaned_error import MAX_ERROR_BYTES, KeyRedactor
from gateway.upstream.made import SECRET, account, answer_of, config_of, opened, read_all
from loopback import cut_every, error_event, json_answer, sse, streamed

OTHERS = "sk-planted-of-somebody-0815"
WORD = "a-key-that-looks-like-none"


@pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 500, 529])
async def test_an_error_tells_no_key(new_upstream, server, status):
    quoted = {
        "error": {"type": "x", "message": f"bad: {SECRET}-one, {WORD}, {OTHERS}; a task-list"}
    }
    server.answer_with(lambda request: json_answer(quoted, status))
    accounts = [account("one"), account("two", key=WORD)]
    told, body = await answer_of(new_upstream(accounts=accounts, max_retries=0))
    assert told == status
    assert body == b'{"error": {"type": "x", "message": "bad: ***, ***, ***; a task-list"}}'


async def test_a_key_in_pieces_is_one(new_upstream, server):
    pieces = cut_every(f"it is {SECRET}-one".encode(), 9)
    server.answer_with(lambda request: streamed(pieces, 400, {"content-type": "text/plain"}))
    assert await answer_of(new_upstream()) == (400, b"it is ***")


async def test_a_stream_that_begins_with_an_error_tells_none(new_upstream, server):
    event = error_event("overloaded_error", f"not for {SECRET}-one")
    server.answer_with(lambda request: streamed(sse([event])))
    _, body = await answer_of(new_upstream(max_retries=0))
    assert b"not for ***" in body


async def test_an_errors_headers_tell_none(new_upstream, server):
    headers = {"request-id": f"{SECRET}-one", "retry-after": "7"}
    server.answer_with(lambda request: json_answer({}, 400, headers))
    exchange = await opened(new_upstream())
    assert (exchange.headers["request-id"], exchange.headers["retry-after"]) == ("***", "7")
    await exchange.close()


@pytest.mark.parametrize("key", ['a"quoted-key', r"a\back-key", "a/path/of-a-key", "a+key.of=="])
def test_a_key_is_found_as_json_spells_it(key):
    redacted = KeyRedactor([Account("one", headers={"authorization": f"Bearer {key}"})])
    spelled = json.dumps({"said": f"it is {key}"})
    for text in (spelled, spelled.replace("/", r"\/")):
        assert json.loads(redacted(text.encode())) == {"said": "it is ***"}


def test_a_key_behind_an_escape_is_found():
    said = json.dumps({"said": f"keys:\n{OTHERS}\tand %20{OTHERS}"}).encode()
    assert json.loads(KeyRedactor([])(said)) == {"said": "keys:\n***\tand %20***"}


async def test_a_key_that_was_replaced_meanwhile_is_still_none_to_tell(new_upstream, server):
    upstream = new_upstream(accounts=[account("one", key=WORD)])
    upstream.replace(config_of(server.url, accounts=[account("one", key="the-next-one")]))
    assert upstream.redacted(f"{WORD} the-next-one".encode()) == b"*** ***"


async def test_an_answer_is_given_as_it_is(new_upstream, server):
    server.answer_with(lambda request: json_answer({"text": OTHERS}))
    assert await answer_of(new_upstream()) == (200, b'{"text": "%b"}' % OTHERS.encode())


async def test_an_error_without_an_end_has_one(new_upstream, server):
    server.answer_with(lambda request: json_answer({"text": "x" * 3 * MAX_ERROR_BYTES}, 400))
    exchange = await opened(new_upstream())
    assert MAX_ERROR_BYTES <= len(await read_all(exchange)) < 2 * MAX_ERROR_BYTES
    await exchange.close()
