"""The floor: a bare ASGI application that passes requests and answers through.

    python -m benchmarks.gateway.floor PORT UPSTREAM

It has no keys, no limits, no log, and translates nothing.
"""

from __future__ import annotations

import sys
from typing import Any

import aiohttp
import uvicorn


class Floor:
    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if self.session is None:
            connector = aiohttp.TCPConnector(limit=2_000)
            self.session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            )
        headers = {"content-type": "application/json", "authorization": "Bearer upstream"}
        url = self.upstream + "/v1/messages"
        async with self.session.post(url, data=body, headers=headers) as response:
            kept = [(b"content-type", response.headers["content-type"].encode())]
            start = {"type": "http.response.start", "status": response.status, "headers": kept}
            await send(start)
            async for piece in response.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def main() -> None:
    port, upstream = int(sys.argv[1]), sys.argv[2]
    uvicorn.run(
        Floor(upstream),
        host="127.0.0.1",
        port=port,
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
        backlog=2_048,
    )


if __name__ == "__main__":
    main()
