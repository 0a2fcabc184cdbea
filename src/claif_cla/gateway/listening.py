"""The sockets that a gateway listens on, bound before anything else can go wrong."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import ExitStack
from typing import Any

__all__ = ["ListenError", "bound", "url_of"]

MAX_ADDRESSES = 8
"""That one host name may stand for; `localhost` has two."""


class ListenError(Exception):
    """The address cannot be had; says why."""


def bound(host: str, port: int) -> list[socket.socket]:
    """Sockets bound to every address of a host, not listening yet: nobody gets in too early.

    Args:
        host: an address or a name.
        port: 0 for a free one, the same for all addresses.

    Raises:
        ListenError: in use, not allowed, or not this machine's.
    """
    sockets: list[socket.socket] = []
    with ExitStack() as undo:
        try:
            for family, address in _addresses(host, port):
                free = sockets[0].getsockname()[1] if sockets else port
                one = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
                _prepare(one, family)
                one.bind((address[0], free, *address[2:]))
                sockets.append(one)
        except OSError as error:
            raise ListenError(_reason(error, host, port)) from error
        undo.pop_all()
    return sockets


def url_of(host: str, listener: socket.socket) -> str:
    """The address in one line, as clients write it."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    found: list[Any] = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    unique = dict.fromkeys((family, address) for family, _, _, _, address in found)
    return list(unique)[:MAX_ADDRESSES]


def _prepare(one: socket.socket, family: socket.AddressFamily) -> None:
    if os.name == "posix":  # elsewhere the option lets two programs have one port
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        # Else `::` would take the IPv4 port as well, which a name's other address may want.
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.setblocking(False)  # noqa: FBT003 - the socket's own signature


def _reason(error: OSError, host: str, port: int) -> str:
    where = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use; choose another --port, or 0 for a free one"
    return f"cannot listen on {where}: {error.strerror or error}"
