"""A uvicorn server in a task of the running event loop; the caller handles signals."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn


class BackgroundServer:
    """Serves an application from a listening socket.

    Args:
        config: of uvicorn.
        name: of the task.
    """

    def __init__(self, config: uvicorn.Config, name: str) -> None:
        self._server = _Server(config)
        self._name = name
        self._serving: asyncio.Task[None] | None = None

    async def start(self, listener: socket.socket) -> None:
        """Start to answer; raises what ends the server before it is ready."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name=self._name)
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({ready, self._serving}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():  # the server ended before it was ready; its task raises the reason
            ready.cancel()
            await self._serving

    async def stop(self) -> None:
        """Accept no more requests, and wait for those in progress."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving


class _Server(uvicorn.Server):
    """A uvicorn server that sets an event when it is ready, and installs no signal handlers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
