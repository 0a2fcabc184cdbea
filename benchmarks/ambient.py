"""No credentials, no settings of this machine, no way out of loopback: for every process here."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

__all__ = ["clean_environment", "stay_on_loopback"]

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")


def clean_environment() -> dict[str, str]:
    """An environment without keys, proxies or a home whose files could hold them."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        "HOME": os.path.join(tempfile.gettempdir(), "no-such-home"),  # noqa: PTH118
        # LiteLLM would fetch its price list from the internet when imported.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }


def stay_on_loopback() -> None:
    """From now on, a connection to elsewhere raises. It imports nothing, which would be timed."""
    sys.addaudithook(_refuse_elsewhere)


def _refuse_elsewhere(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = args[1]
        host = address[0] if isinstance(address, tuple) else "localhost"  # or a unix socket
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    if host not in ("127.0.0.1", "::1", "localhost", b"127.0.0.1", b"localhost", None):
        raise RuntimeError(f"a benchmark tried to reach {host!r}; it stays on loopback")
