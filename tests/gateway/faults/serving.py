"""The real `claif-cla serve` in processes of its own, and what can be seen of one from outside."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx2

from gateway.faults.made import PATIENCE, until

__all__ = ["Serving"]


class Serving:
    """One gateway as a process; a context manager. It may be started again after its end.

    Args:
        folder: of its own: configuration, keys, ledger, log.
        upstream: URL.
        settings: more TOML.
        keys: their file; one of its own unless given.

    Attributes:
        url: while it runs; the same at each start, once `port` is given.
    """

    def __init__(
        self, folder: Path, upstream: str, settings: str = "", keys: Path | None = None
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.ledger = folder, folder / "ledger.db"
        self.keys = keys or folder / "keys.db"
        self.url = ""
        self._upstream = upstream
        self._config, self._log = folder / "gateway.toml", folder / "log.txt"
        self._process: subprocess.Popen[str] | None = None
        self.configure(settings)

    def configure(self, settings: str) -> None:
        """Write the configuration; a running gateway takes it with `reload`."""
        text = (
            f'[[accounts]]\nname = "only"\napi_key = "planted"\nbase_url = "{self._upstream}"\n'
            f'[keys]\nfile = "{self.keys}"\n[ledger]\nfile = "{self.ledger}"\n'
            f"[log]\naccess = false\n{settings}"
        )
        self._config.write_text(text, encoding="utf-8")

    def __enter__(self):
        command = [sys.executable, "-m", "claif_cla.cli", "serve", "--port", "0"]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [*command, "--config", str(self._config)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "HOME": str(self.folder)},
            )
        self.url = self._process.stdout.readline().strip()
        assert self.url, self.log
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        """All that it has said, in all its lives."""
        return self._log.read_text(encoding="utf-8")

    def kill(self) -> None:
        """End it at once; nothing of it runs any more."""
        self._process.kill()
        self._process.wait(PATIENCE)
        self._process.stdout.close()

    def stop(self) -> None:
        """Ask it to end; it goes on for as long as it drains."""
        self._process.send_signal(signal.SIGTERM)

    def ended(self) -> int:
        """Wait for its end, and tell its exit code."""
        return self._process.wait(PATIENCE)

    def hang_up(self) -> None:
        """Ask it to read its configuration again."""
        self._process.send_signal(signal.SIGHUP)

    def reload(self) -> None:
        """Have it read its configuration again, and wait until it has."""
        before = self.log.count("was read again")
        self.hang_up()
        until(lambda: self.log.count("was read again") > before, "no reload")

    def metric(self, name: str) -> float:
        """A figure of `/metrics`, without labels."""
        with httpx2.Client(timeout=PATIENCE) as client:
            page = client.get(f"{self.url}/metrics").text
        return float(re.search(rf"^claif_{name} (\S+)$", page, re.MULTILINE)[1])

    @property
    def open_files(self) -> int:
        """How many files and sockets it has open."""
        return len(self._open())

    @property
    def open_sockets(self) -> int:
        """How many of them are sockets."""
        return sum(where.startswith("socket:") for where in self._open())

    def _open(self) -> list[str]:
        found = []
        for file in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                found.append(str(file.readlink()))
        return found

    @property
    def memory(self) -> int:
        """Bytes that it holds in memory."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024
