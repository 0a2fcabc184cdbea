"""The gateways, each in a process of its own, and what the system says of that process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.ambient import clean_environment
from benchmarks.gateway.driver import Target

__all__ = ["MAKERS", "Running", "Subject", "free_port"]

ROOT = Path(__file__).resolve().parent.parent.parent
MODEL = "claude-sonnet-5-5"
_PATIENCE = 60.0
"""Seconds in which a gateway must be ready."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Subject:
    """How to start one gateway.

    Attributes:
        name: for the table.
        command: that starts it.
        target: how it is called.
        ready: the path that answers once it is up.
        environment: beside the clean one.
        streams: whether it passes each word on before the next one comes.
    """

    name: str
    command: Sequence[str]
    target: Target
    ready: str = "/healthz"
    environment: dict[str, str] = field(default_factory=dict)
    streams: bool = True


class Running:
    """A gateway that runs.

    Attributes:
        ready_seconds: from its start to its first answer.
    """

    def __init__(self, subject: Subject, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.subject, self.process, self.ready_seconds = subject, process, seconds

    def memory(self) -> int:
        """Resident bytes, children included."""
        return sum(_resident(pid) for pid in self._processes())

    def cpu(self) -> float:
        """CPU seconds so far, children included."""
        ticks = os.sysconf("SC_CLK_TCK")
        return sum(_ticks(pid) for pid in self._processes()) / ticks

    def _processes(self) -> list[int]:
        found = [self.process.pid]
        for pid in found:
            path = Path(f"/proc/{pid}/task/{pid}/children")
            with contextlib.suppress(OSError):
                found += [int(child) for child in path.read_text().split()]
        return found


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def _ticks(pid: int) -> int:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0


@contextlib.contextmanager
def running(subject: Subject, log: Path) -> Iterator[Running]:
    """The gateway, from its first answer until the block ends.

    Raises:
        RuntimeError: it did not come up, with the end of what it printed.
    """
    started = time.perf_counter()
    with (
        log.open("wb") as output,
        subprocess.Popen(
            subject.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**clean_environment(), **subject.environment},
        ) as process,
    ):
        try:
            _wait(subject, process, log)
            yield Running(subject, process, time.perf_counter() - started)
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(subject: Subject, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    request = f"GET {subject.ready} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
    while time.monotonic() < until and process.poll() is None:
        address = ("127.0.0.1", subject.target.port)
        with (
            contextlib.suppress(OSError),
            socket.create_connection(address, timeout=5) as peer,
        ):
            peer.sendall(request.encode())
            if peer.recv(12).startswith(b"HTTP/1.1"):
                return
        time.sleep(0.01)
    raise RuntimeError(f"{subject.name} did not come up: {log.read_bytes()[-2_000:]!r}")


def ours(upstream: int, place: Path, python: str, *, access_log: bool = True) -> Subject:
    """This gateway with keys, limits, budgets, ledger, metrics and access log."""
    port, config, state = free_port(), place / "gateway.toml", place / "state"
    config.write_text(
        f"""
[server]
port = {port}
[upstream]
base_url = "http://127.0.0.1:{upstream}"
[[accounts]]
name = "one"
api_key = "sk-ant-benchmark"
[keys]
file = "{state / "keys.db"}"
[ledger]
file = "{state / "ledger.db"}"
[log]
access = {str(access_log).lower()}
[limits]
requests_per_minute = 1000000000
tokens_per_minute = 1000000000
concurrent = 100000
daily_budget = 1000000
monthly_budget = 10000000
"""
    )
    environment = {**clean_environment(), "XDG_STATE_HOME": str(state)}
    create = [python, "-m", "claif_cla.cli", "keys", "create", "--name", "benchmark"]
    create += ["--file", str(state / "keys.db")]
    key = subprocess.run(create, env=environment, capture_output=True, check=True, cwd=ROOT)
    headers = (("authorization", f"Bearer {key.stdout.decode().split()[-1]}"),)
    command = [python, "-m", "claif_cla.cli", "serve", "--config", str(config)]
    extra = {"XDG_STATE_HOME": str(state)}
    name = "ours" if access_log else "quiet"
    return Subject(name, command, Target(port, headers=headers), environment=extra)


def quiet(upstream: int, place: Path, python: str) -> Subject:
    """`ours` without the access log."""
    return ours(upstream, place, python, access_log=False)


def floor(upstream: int, place: Path, python: str) -> Subject:
    """See `floor`."""
    port = free_port()
    command = [python, "-m", "benchmarks.gateway.floor", str(port), f"http://127.0.0.1:{upstream}"]
    return Subject("floor", command, Target(port), ready="/")


def litellm(upstream: int, place: Path, python: str) -> Subject:
    """LiteLLM's proxy, one worker."""
    port, config = free_port(), place / "litellm.json"
    params = {
        "model": f"anthropic/{MODEL}",
        "api_base": f"http://127.0.0.1:{upstream}",
        "api_key": "sk-ant-benchmark",
    }
    models = [{"model_name": MODEL, "litellm_params": params}]
    key = "sk-" + 16 * "benchmark"  # it does not start without one
    settings = {"master_key": key}
    config.write_text(json.dumps({"model_list": models, "general_settings": settings}))
    command = [str(Path(python).parent / "litellm"), "--config", str(config)]
    command += ["--port", str(port), "--host", "127.0.0.1", "--num_workers", "1"]
    target = Target(port, headers=(("authorization", f"Bearer {key}"),))
    return Subject("litellm", command, target, ready="/health/liveliness")


def portkey(upstream: int, place: Path, python: str) -> Subject:
    """Portkey's open-source gateway; `python` is the folder it was installed in by npm."""
    port = free_port()
    script = Path(python) / "node_modules/@portkey-ai/gateway/build/start-server.js"
    command = ["node", str(script), f"--port={port}", "--headless"]
    headers = (
        ("x-portkey-provider", "anthropic"),
        ("x-portkey-custom-host", f"http://127.0.0.1:{upstream}/v1"),
        ("authorization", "Bearer sk-ant-benchmark"),
    )
    return Subject("portkey", command, Target(port, headers=headers), ready="/", streams=False)


MAKERS: dict[str, Callable[[int, Path, str], Subject]] = {
    "floor": floor,
    "ours": ours,
    "quiet": quiet,
    "litellm": litellm,
    "portkey": portkey,
}
HERE = sys.executable
