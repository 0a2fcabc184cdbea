"""What every test gets: no ambient credentials, no way out of loopback, a server, profiles."""

from __future__ import annotations

import os

_AMBIENT = ("ANTHROPIC_", "CLAUDE_", "CLAIF_", "OPENAI_", "AWS_", "AZURE_", "GOOGLE_")
# Before anything is imported: some libraries read the environment at import time.
for _name in [name for name in os.environ if name.upper().startswith(_AMBIENT)]:
    del os.environ[_name]

import ipaddress  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from typing import Any  # noqa: E402

import hypothesis  # noqa: E402
import pytest  # noqa: E402

from callers import AsyncCaller, Caller, SyncCaller  # noqa: E402
from loopback import LoopbackServer, refused_address  # noqa: E402

# A shell lets what it runs in the background ignore SIGINT, and so would all that a test starts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_SETTINGS: dict[str, Any] = {
    "deadline": None,  # a busy machine is no bug
    "derandomize": False,
    "suppress_health_check": [hypothesis.HealthCheck.too_slow],
}
hypothesis.settings.register_profile("default", max_examples=60, **_SETTINGS)
hypothesis.settings.register_profile("ci", max_examples=1000, print_blob=True, **_SETTINGS)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def _require_loopback(address: Any) -> None:
    if not isinstance(address, tuple):
        return  # a unix socket
    host = address[0]
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost"):
        return
    try:
        inside = ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        inside = False
    if not inside:
        # No `Exception`: clients turn those into connection errors and try again.
        pytest.fail(
            f"a test tried to reach {host!r}; tests stay on 127.0.0.1. "
            "Use the fixture `server`, or the simulator."
        )


@pytest.fixture(autouse=True, scope="session")
def _stay_on_loopback() -> Iterator[None]:
    real_getaddrinfo = socket.getaddrinfo
    real_connect, real_connect_ex = socket.socket.connect, socket.socket.connect_ex

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        _require_loopback((host,))
        return real_getaddrinfo(host, *args, **options)

    def connect(self: socket.socket, address: Any) -> None:
        _require_loopback(address)
        real_connect(self, address)

    def connect_ex(self: socket.socket, address: Any) -> int:
        _require_loopback(address)
        return real_connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        patch.setattr(socket.socket, "connect", connect)
        patch.setattr(socket.socket, "connect_ex", connect_ex)
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def _session_server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


@pytest.fixture
def server(_session_server: LoopbackServer) -> Iterator[LoopbackServer]:
    """A clean loopback server. The test fails if the server itself met a failure."""
    _session_server.reset()
    yield _session_server
    failures = list(_session_server.failures)
    _session_server.reset()
    assert not failures, "\n".join(failures)


@pytest.fixture
def refused_url() -> Iterator[str]:
    """The URL of a port that refuses every connection."""
    with refused_address() as url:
        yield url


@pytest.fixture(params=[SyncCaller, AsyncCaller], ids=["sync", "async"])
def new_caller(
    request: pytest.FixtureRequest, server: LoopbackServer
) -> Iterator[Callable[..., Caller]]:
    """Makes clients of the loopback server, sync and async in turn; see `callers`."""
    made: list[Caller] = []

    def new(**options: Any) -> Caller:
        known = {"api_key": "sk-ant-test", "base_url": server.url, "max_retries": 0}
        made.append(request.param(**{**known, **options}))
        return made[-1]

    yield new
    for caller in made:
        caller.close()


@pytest.fixture
def caller(new_caller: Callable[..., Caller]) -> Caller:
    """A client of the loopback server that does not retry, sync and async in turn."""
    return new_caller()
