"""The exceptions of the HTTP library that the caller's client uses.

openai 2.x brings `httpx`, 3.x `httpx2`; the simulator raises what either would, so that the
SDK sees, and retries, a timeout or a broken connection as its own.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

__all__ = ["http_library", "read_timeout", "remote_protocol_error"]

_LIBRARIES = ("httpx2", "httpx")


def http_library(client: Any) -> Any:
    """The module whose client this is; without a client, the one that openai has loaded."""
    for kind in type(client).__mro__:
        root = kind.__module__.partition(".")[0]
        if root in _LIBRARIES:
            return sys.modules[root]
    loaded = next((name for name in _LIBRARIES if name in sys.modules), None)
    if loaded is not None:
        return sys.modules[loaded]
    name = next((name for name in _LIBRARIES if importlib.util.find_spec(name)), None)
    if name is None:
        raise RuntimeError("neither httpx2 nor httpx is installed; openai brings one of them")
    return importlib.import_module(name)


def read_timeout(client: Any) -> Exception:
    """What a read raises that takes longer than the read timeout."""
    error: Exception = http_library(client).ReadTimeout("The simulated read timed out")
    return error


def remote_protocol_error(client: Any) -> Exception:
    """What a read raises when the peer closes the connection in the middle of a body."""
    error: Exception = http_library(client).RemoteProtocolError(
        "peer closed connection without sending complete message body (simulated)"
    )
    return error
