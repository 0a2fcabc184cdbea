from __future__ import annotations

import asyncio
import ssl

import pytest

from claif_cla.gateway.upstream.errors import UpstreamUnreachable
from gateway.upstream.made import answer_of, opened
from loopback import json_answer, whole

PROXIES = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]


@pytest.fixture
async def tls_url(certificate):
    """A server that answers each request over TLS with an empty object."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_a_certificate_that_nobody_vouches_for_is_refused(new_upstream, tls_url):
    with pytest.raises(UpstreamUnreachable, match="certificate is not trusted"):
        await opened(new_upstream(tls_url, max_retries=0))


async def test_the_operator_s_own_authority_is_trusted_where_it_is_given(
    new_upstream, tls_url, certificate
):
    assert await answer_of(new_upstream(tls_url, ca_file=certificate[0])) == (200, b"{}")


async def test_a_server_without_tls_is_told_apart(new_upstream):
    async def hang_up(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(UpstreamUnreachable, match="does not speak TLS"):
        await opened(new_upstream(url, max_retries=0))
    server.close()


async def test_the_environment_s_proxies_and_netrc_do_not_count(
    new_upstream, server, refused_url, monkeypatch, tmp_path
):
    for name in PROXIES:
        monkeypatch.setenv(name, refused_url)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.enqueue(json_answer({}))
    assert (await answer_of(new_upstream()))[0] == 200


async def test_a_proxy_is_used_where_it_is_given(new_upstream, server):
    server.enqueue(json_answer({}))
    upstream = new_upstream("http://upstream.invalid", proxy=server.url)
    assert (await answer_of(upstream))[0] == 200
    assert server.last.target == "http://upstream.invalid/v1/messages"


async def test_a_proxy_that_is_not_there_is_told_apart(new_upstream, refused_url):
    upstream = new_upstream("http://upstream.invalid", proxy=refused_url, max_retries=0)
    with pytest.raises(UpstreamUnreachable, match="the proxy takes no connection"):
        await opened(upstream)


async def test_compressed_answers_are_undone(new_upstream, server):
    import gzip  # noqa: PLC0415

    server.enqueue(whole(gzip.compress(b"{}"), headers={"content-encoding": "gzip"}))
    assert await answer_of(new_upstream()) == (200, b"{}")
    assert "gzip" in server.last.headers["accept-encoding"]


async def test_the_session_is_made_by_the_first_request(new_upstream, server):
    upstream = new_upstream()
    assert upstream._wire._session is None
    server.enqueue(json_answer({}))
    await answer_of(upstream)
    assert upstream._wire._session is not None
