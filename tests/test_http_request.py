from __future__ import annotations

import copy
import importlib.util
import pickle

import pytest

from claif_cla.http_request import adds_only_headers, is_unread, json_of, made, parsed, with_json

INSTALLED = [name for name in ("httpx", "httpx2") if importlib.util.find_spec(name)]
URL = "http://h.test:81/v1/messages"
BODY = {"model": "m", "x": ["ü", 1.5, None]}
BYTES = '{"model":"m","x":["ü",1.5,null]}'.encode()


@pytest.fixture(params=INSTALLED)
def library(request):
    return importlib.import_module(request.param)


@pytest.fixture
def unread(library):
    return with_json(library.Request("POST", URL, headers={"a": "b"}, extensions={"x": 1}), BODY)


def facts(request):
    headers = sorted((name.lower(), value) for name, value in request.headers.raw)
    return request.method, str(request.url), headers, request.content, request.extensions


OPTIONS = {
    "none": {},
    "headers": {"headers": {"X-Own": "1", "Accept": "x/y"}},
    "host": {"headers": {"Host": "mine.test"}},
    "base_url": {"base_url": "http://other.test/x"},
}
HEADERS = {
    "none": {},
    "one": {"accept": "application/json"},
    "host": {"HOST": "theirs.test", "x-own": "2"},
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("content", [b"", b"{}"])
def test_what_is_made_is_what_the_client_would_make(library, options, headers, content):
    timeouts = {"timeout": {"connect": 1, "read": 2, "write": 3, "pool": 4}}
    with library.Client(**OPTIONS[options]) as http:
        assert adds_only_headers(http)
        pairs = [(name.encode(), value.encode()) for name, value in HEADERS[headers].items()]
        ours = made(
            http, "POST", library.URL(URL), headers=pairs, extensions=timeouts, content=content
        )
        stock = http.build_request(
            "POST", URL, headers=HEADERS[headers], content=content, extensions=timeouts
        )
    if not content:  # a request without a body says so, unless one is to come
        assert stock.headers.pop("content-length") == "0"
    assert facts(ours) == facts(stock)
    assert type(ours.stream) is type(stock.stream)
    assert b"".join(ours.stream) == content


def test_a_query_stays_as_it_was_spelled(library):
    url = parsed(library.URL, URL, "a=b%2Fc&a=d")
    assert str(url) == f"{URL}?a=b%2Fc&a=d"
    assert parsed(library.URL, URL, "a=b%2Fc&a=d") is url


def test_clients_that_add_more_than_headers_are_known(library):
    class Own(library.Client):
        pass

    def build(self, *args, **kwargs):
        return library.Client.build_request(self, *args, **kwargs)

    class Signing(Own):
        build_request = build

    for kind, options, plain in [
        (library.Client, {}, True),
        (library.AsyncClient, {}, True),
        (Own, {}, True),
        (Signing, {}, False),
        (library.Client, {"params": {"a": "b"}}, False),
        (library.Client, {"cookies": {"a": "b"}}, False),
    ]:
        assert adds_only_headers(kind(**options)) == plain
    patched = library.Client()
    patched.build_request = patched.build_request
    assert not adds_only_headers(patched)


def test_nobody_has_to_read_a_body_to_send_it(unread):
    assert is_unread(unread)
    assert json_of(unread) is BODY
    assert "content-length" not in unread.headers
    assert is_unread(unread)


LOOKS = {
    "content": lambda request: request.content,
    "read": lambda request: request.read(),
    "stream": lambda request: b"".join(request.stream),
    "copy": lambda request: copy.copy(request).content,
    "pickle": lambda request: pickle.loads(pickle.dumps(request)).content,
}


@pytest.mark.parametrize("look", LOOKS)
def test_who_looks_at_a_body_sees_an_ordinary_request(library, unread, look):
    assert isinstance(unread, library.Request)
    assert LOOKS[look](unread) == BYTES
    assert type(unread) is library.Request
    assert unread.headers["content-length"] == str(len(BYTES))
    assert unread.content == BYTES
    assert not is_unread(unread)
    assert json_of(unread) == BODY


@pytest.mark.anyio
async def test_an_async_reader_sees_it_too(unread):
    assert await unread.aread() == BYTES


def test_an_unread_request_looks_like_any_other(library, unread):
    stock = library.Request("POST", URL, headers={"a": "b"})
    assert repr(unread) == repr(stock)
    assert (unread.method, unread.url, unread.extensions) == ("POST", stock.url, {"x": 1})
    with pytest.raises(AttributeError, match="'Request' object has no attribute 'nothing'"):
        _ = unread.nothing
    assert is_unread(unread)


@pytest.mark.parametrize(("content", "value"), [(b"", None), (b"[1]", [1]), (b"no", None)])
def test_json_of_an_ordinary_request(library, content, value):
    assert json_of(library.Request("POST", URL, content=content)) == value
