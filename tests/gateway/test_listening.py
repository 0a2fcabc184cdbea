from __future__ import annotations

import socket

import pytest

from claif_cla.gateway.listening import ListenError, bound, url_of


def closed(sockets):
    for one in sockets:
        one.close()


def test_nobody_gets_in_before_it_listens():
    sockets = bound("127.0.0.1", 0)
    try:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(sockets[0].getsockname(), timeout=5)
    finally:
        closed(sockets)


def test_a_port_in_use_is_named_with_what_to_do():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=f"127.0.0.1:{port} is in use; choose another --port"):
            bound("127.0.0.1", port)


@pytest.mark.parametrize("host", ["gateway.invalid", "192.0.2.1"])
def test_an_address_of_nobody_or_of_another_is_named(monkeypatch, host):
    if host == "gateway.invalid":
        reason = socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        def unknown(*args, **options):
            raise reason

    else:

        def unknown(*args, **options):
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ListenError, match=f"cannot listen on {host}:0: "):
        bound(host, 0)


def test_the_addresses_of_a_name_share_a_free_port(monkeypatch):
    def two(*args, **options):
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.2", 0)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    sockets = bound("two.example", 0)
    try:
        assert len({one.getsockname()[1] for one in sockets}) == 1
        assert url_of("::1", sockets[0]) == f"http://[::1]:{sockets[0].getsockname()[1]}"
    finally:
        closed(sockets)
