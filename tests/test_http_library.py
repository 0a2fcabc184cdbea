from __future__ import annotations

import importlib.util

import pytest

from claif_cla.http_library import library_of

INSTALLED = [name for name in ("httpx", "httpx2") if importlib.util.find_spec(name)]


@pytest.fixture(params=INSTALLED)
def module(request):
    return importlib.import_module(request.param)


@pytest.fixture
def library(module):
    return library_of(module.Request("GET", "http://h.test/"))


def test_library_of_a_request_a_client_and_their_subclasses(module, library):
    class Own(module.Request):
        pass

    assert library_of(Own("GET", "http://h.test/")) is library
    with module.Client() as client:
        assert library_of(client) is library
    assert library.response is module.Response
    assert library.cut is module.RemoteProtocolError


def test_something_else_is_a_type_error():
    with pytest.raises(TypeError, match="list belongs neither to httpx nor to httpx2"):
        library_of([])


@pytest.mark.parametrize(
    "name", ["ReadError", "ReadTimeout", "RemoteProtocolError", "DecodingError"]
)
def test_wire_faults_are_known(module, library, name):
    error = getattr(module, name)("broken")
    assert isinstance(error, library.wire_faults)
    assert isinstance(error, library.timeout) == name.endswith("Timeout")


def test_unmapped_failures_of_a_socket_are_wire_faults(library):
    assert isinstance(ConnectionResetError(), library.wire_faults)
    assert not isinstance(ValueError(), library.wire_faults)


ONE, TWO = {"n": 1}, {"n": 2}
BYTES = b'data: {"n":1}\n\n'
ALL = BYTES + b'data: {"n":2}\n\ndata: [DONE]\n\n'


def sync_body_of(library, told, released):
    def chunks():
        try:
            yield ONE
            yield TWO
        finally:
            told.append("finished")

    return library.sync_body(chunks(), lambda: released.append(1))


def async_body_of(library, told, released):
    async def chunks():
        try:
            yield ONE
            yield TWO
        finally:
            told.append("finished")

    async def release():
        released.append(1)

    return library.async_body(chunks(), release)


def test_a_response_reads_a_sync_body(library):
    response = library.response(200, stream=sync_body_of(library, [], released := []))
    assert response.read() == ALL
    assert released


@pytest.mark.parametrize("read", [0, 1])
def test_closing_a_response_closes_a_sync_body(library, read):
    response = library.response(200, stream=sync_body_of(library, told := [], released := []))
    pieces = response.iter_raw()
    assert [next(pieces) for _ in range(read)] == [BYTES] * read
    response.close()
    assert released == [1]
    assert told == ["finished"] * read


def test_closing_a_sync_body_that_is_being_read_only_releases(library):
    released = []

    def chunks():
        body.close()  # as another thread would, in the middle of a read
        yield ONE

    body = library.sync_body(chunks(), lambda: released.append(1))
    assert list(body.chunks) == [ONE]
    assert released == [1]


@pytest.mark.anyio
async def test_a_response_reads_an_async_body(library):
    response = library.response(200, stream=async_body_of(library, [], released := []))
    assert await response.aread() == ALL
    assert released


@pytest.mark.anyio
@pytest.mark.parametrize("read", [0, 1])
async def test_closing_a_response_closes_an_async_body(library, read):
    response = library.response(200, stream=async_body_of(library, told := [], released := []))
    pieces = response.aiter_raw()
    assert [await anext(pieces) for _ in range(read)] == [BYTES] * read
    await response.aclose()
    await pieces.aclose()
    assert released == [1]
    assert told == ["finished"] * read


@pytest.mark.anyio
async def test_closing_an_async_body_that_is_being_read_only_releases(library):
    released = []

    async def release():
        released.append(1)

    async def chunks():
        await body.aclose()
        yield ONE

    body = library.async_body(chunks(), release)
    assert [chunk async for chunk in body.chunks] == [ONE]
    assert released == [1]
