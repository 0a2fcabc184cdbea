"""Gateways for tests: the real one, in a thread, before a scriptable upstream or the simulator."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the extra `gateway` is not installed")
pytest.importorskip("uvicorn", reason="the extra `gateway` is not installed")

from claif_cla.gateway.config import Config, load
from claif_cla.gateway.keys import KeyStore
from gateway.running import RunningGateway
from loopback import LoopbackServer

UPSTREAM_KEY = "sk-ant-upstream-secret-0123456789"


@pytest.fixture
def config_of(tmp_path: Path) -> Callable[..., Config]:
    """A configuration on a free port, with files of this test: `config_of({"server.host": …})`."""

    def make(changes: dict[str, Any] | None = None, **accounts: str) -> Config:
        flags: dict[str, Any] = {
            "server.port": 0,
            "keys.file": str(tmp_path / "keys.db"),
            "ledger.file": str(tmp_path / "ledger.db"),
            "log.access": False,
            **(changes or {}),
        }
        text = "".join(
            f'[[accounts]]\nname = "{name}"\nbase_url = "{url}"\n'
            f'api_key = "{UPSTREAM_KEY}-{name}"\n'
            for name, url in accounts.items()
        )
        file = tmp_path / "gateway.toml"
        file.write_text(text, encoding="utf-8")
        return load(file, {}, flags)

    return make


@pytest.fixture
def start(config_of: Callable[..., Config]) -> Iterator[Callable[..., RunningGateway]]:
    """Starts gateways; they end with the test. Takes what `config_of` takes."""
    with ExitStack() as stack:

        def begin(changes: dict[str, Any] | None = None, **accounts: str) -> RunningGateway:
            return stack.enter_context(RunningGateway(config_of(changes, **accounts)))

        yield begin


@pytest.fixture
def gateway(start: Callable[..., RunningGateway], server: LoopbackServer) -> RunningGateway:
    """A gateway before the scriptable upstream `server`; nobody needs a key, nothing is retried."""
    return start({"upstream.max_retries": 0}, only=server.url)


@pytest.fixture
def simulated(start: Callable[..., RunningGateway]) -> RunningGateway:
    """A gateway on the simulator."""
    return start({"upstream.backend": "simulator"})


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyStore]:
    """The keys of this test's gateways; make one before the gateway starts, or wait a second."""
    store = KeyStore(tmp_path / "keys.db")
    yield store
    store.close()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody vouches for, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed; it makes the certificate")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout {key}"
    made += f" -out {cert} -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([openssl, *made.split()], check=True, capture_output=True)
    return cert, key
