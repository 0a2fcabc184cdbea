"""The real gateway in a thread of this process, on a free port of 127.0.0.1.

with RunningGateway(config) as gateway:
    openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="any")
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import uvicorn
from typing_extensions import Self

from claif_cla.gateway.app import App, build
from claif_cla.gateway.config import Config
from claif_cla.gateway.connections import Bounds, connection_class
from claif_cla.gateway.listening import bound, url_of

__all__ = ["RunningGateway"]

PATIENCE = 30.0
"""Seconds after which a start or an end has failed."""


class RunningGateway:
    """See the module.

    Args:
        config: `server.port` should be 0.

    Attributes:
        url: without a trailing slash.
        app: the application; its loop is `loop`.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.url = ""
        self.app: App
        self.loop: asyncio.AbstractEventLoop
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(PATIENCE):
            raise TimeoutError("the gateway does not start")
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._stop)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise TimeoutError("the gateway does not end")
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._course())
        except BaseException as error:  # noqa: BLE001 - told to the test
            self._failure = error
        finally:
            self._ready.set()

    async def _course(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.app = build(self.config)
        server = self.config.server
        listeners = bound(server.host, server.port)
        self.url = url_of(server.host, listeners[0])
        http = uvicorn.Config(
            self.app,
            http=connection_class(
                Bounds(server.max_connections, server.max_header_bytes, server.send_seconds)
            ),
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(http)
        await self.app.startup()
        self.loop.call_soon(self._ready.set)
        try:
            await self._server._serve(listeners)
        finally:
            await self.app.shutdown()
            for listener in listeners:
                listener.close()

    def _stop(self) -> None:
        self._server.should_exit = True

    def call(self, work: Any, *given: Any) -> Any:
        """Run a function in the gateway's loop, and give what it returns."""

        async def run() -> Any:
            return work(*given)

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(PATIENCE)
