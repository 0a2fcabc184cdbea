from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings


@pytest.mark.parametrize("host", ["93.184.215.14", "2606:2800:21f::1", "10.0.0.1", "0.0.0.0"])
def test_connections_to_other_machines_are_refused(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as outgoing:
        for connect in (outgoing.connect, outgoing.connect_ex):
            with pytest.raises(pytest.fail.Exception, match=r"stay on 127\.0\.0\.1"):
                connect((host, 443))


@pytest.mark.parametrize("host", ["api.anthropic.com", b"api.openai.com", "169.254.169.254"])
def test_names_of_other_machines_are_not_looked_up(host):
    with pytest.raises(pytest.fail.Exception, match="tried to reach"):
        socket.getaddrinfo(host, 443)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", None])
def test_loopback_is_looked_up(host):
    assert socket.getaddrinfo(host, 80)


def test_unix_sockets_are_allowed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # short names: a path of a unix socket has about 100 bytes
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind("s")
        listener.listen(1)
        client.connect("s")


def test_a_client_of_a_refusing_port_is_refused(refused_url):
    port = int(refused_url.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_ambient_credentials_are_gone_before_anything_is_imported():
    ambient = {
        "ANTHROPIC_API_KEY": "x",
        "openai_base_url": "y",
        "CLAIF_CLA_MODEL": "z",
        "KEEP": "1",
    }
    code = "import conftest, os; print(sorted(k for k in os.environ if k != 'LC_CTYPE'))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**ambient, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "['KEEP', 'PYTHONPATH']"


def test_hypothesis_has_no_deadline():
    assert settings().deadline is None


async def test_async_tests_run_on_asyncio(anyio_backend_name):
    assert anyio_backend_name == "asyncio"
    assert asyncio.get_running_loop().is_running()
