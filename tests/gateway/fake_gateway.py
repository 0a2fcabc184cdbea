"""A stand-in for the gateway's app, served by `claif_cla.gateway.serve` in a process of its own.

    python fake_gateway.py gateway.toml

`/hello` tells the configured `chat.compat`. `/talk` answers with what it is sent, piece by piece,
until a piece is `bye`; it says `draining` by itself. What happens to the app goes to stderr.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from claif_cla.gateway.config import ConfigError, load
from claif_cla.gateway.serve import serve


def tell(text):
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def announce(url):
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


class FakeGateway:
    def __init__(self, config):
        self.config = config
        self.in_flight = 0
        self.drain = asyncio.Event()

    async def startup(self):
        tell("app: startup")

    async def shutdown(self):
        tell("app: shutdown")

    def reload(self, config):
        if config.chat.compat == "lenient":
            raise RuntimeError("planted")
        self.config = config

    def begin_drain(self):
        self.drain.set()

    async def __call__(self, scope, receive, send):
        self.in_flight += 1
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            if scope["path"] == "/talk":
                await self.talk(receive, send)
            else:
                client = scope["client"][0]
                body = f"{self.config.chat.compat} {client}".encode()
                await send({"type": "http.response.body", "body": body})
        except asyncio.CancelledError:
            tell("app: cut")
            raise
        finally:
            self.in_flight -= 1

    async def talk(self, receive, send):
        async def warn():
            await self.drain.wait()
            await say(b"draining")

        async def say(text):
            await send({"type": "http.response.body", "body": text, "more_body": True})

        warning = asyncio.create_task(warn())
        try:
            await say(b"hi")
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                await say(message["body"])
                if message["body"] == b"bye":
                    await send({"type": "http.response.body", "body": b""})
                    return
        finally:
            warning.cancel()


def main():
    path = Path(sys.argv[1])
    try:
        return serve(
            lambda: load(path, os.environ),
            tell,
            announce,
            build=FakeGateway,
        )
    except ConfigError as error:
        tell(f"refused: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
