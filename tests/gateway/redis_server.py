"""A Redis of the tests' own: on a free port, in memory alone."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time

import pytest

__all__ = ["RedisServer", "check_installed"]


class RedisServer:
    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder, self._process = folder, None

    def start(self):
        self._process = subprocess.Popen(
            [
                *f"redis-server --port {self.port} --bind 127.0.0.1 --appendonly no".split(),
                *("--save", "", "--dir", str(self._folder)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.01)
        pytest.fail("redis-server did not start within 30 s")

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def check_installed() -> None:
    """Skip the test where Redis, or its library, is not there."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed (Debian: apt install redis-server)")
    pytest.importorskip("redis", reason="the extra `redis` is not installed")
