"""`claif-cla simulate`: the simulator as a server, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import errno
import json
import signal
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from types import FrameType
from typing import NoReturn

from claif_cla.backends.simulator.engine import Engine
from claif_cla.backends.simulator.server import SimulatorServer
from claif_cla.catalog.model_info import newest_of_line
from claif_cla.catalog.names import DEFAULT_LINE
from claif_cla.cli.console import CommandError, Console, UsageError
from claif_cla.translate.chat.sampling import CURRENT_VERSION

__all__ = ["run"]


def run(args: Namespace, console: Console) -> int:
    """Serve until told to stop.

    Raises:
        UsageError: `--fault` or `--pace` is not understood.
        CommandError: the address cannot be had.
    """
    server = SimulatorServer(_engine(args), host=args.host, port=args.port)
    with _stoppable(), _listening(server, args):
        try:
            console.line(server.url)
            console.flush()
            if not args.quiet:
                _welcome(server.url, args.host, console)
            server.wait()
        except KeyboardInterrupt:
            if not args.quiet:
                console.note("stopped")
    return 0


def _engine(args: Namespace) -> Engine:
    try:
        return Engine(faults=args.fault, pace=args.pace, require_key=True)
    except ValueError as error:
        # It names the header of the same meaning: `x-simulator-fault: …`.
        raise UsageError(f"--{str(error).removeprefix('x-simulator-')}") from error


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM as Ctrl-C. Only the main thread may say what a signal does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _listening(server: SimulatorServer, args: Namespace) -> Iterator[None]:
    try:
        server.start()
    except OSError as error:
        where = f"{args.host}:{args.port}"
        if error.errno == errno.EADDRINUSE:
            message = f"{where} is in use; choose another --port, or 0 for a free one"
        else:
            message = f"cannot listen on {where}: {error.strerror or error}"
        raise CommandError(message) from error
    try:
        yield
    finally:
        server.stop()


def _welcome(url: str, host: str, console: Console) -> None:
    body = {
        "model": newest_of_line(DEFAULT_LINE).id,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello"}],
    }
    console.note("this is the simulator, an offline stand-in and no model; Ctrl-C stops it")
    console.aside(f'  anthropic SDK  anthropic.Anthropic(base_url="{url}", api_key="any")')
    console.aside(f'  openai SDK     claif_cla.OpenAI(base_url="{url}", api_key="any")')
    console.aside(
        f"  curl           curl {url}/v1/messages -H 'x-api-key: any'"
        f" -H 'anthropic-version: {CURRENT_VERSION}' -H 'content-type: application/json'"
        f" -d '{json.dumps(body)}'"
    )
    if not _is_loopback(host):
        console.note(f"{host} is no loopback address: whoever reaches it can use the simulator")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
