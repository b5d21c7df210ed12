"""`/mcp` on the address of the API: questions of assistants over streamable HTTP.

The SDK is loaded by the first request: a collector that no assistant asks pays nothing for it.
"""

import asyncio
import importlib.util
import json
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from laban_app.answers.protocol import TraceAnswers
from laban_collector.ingest.storage_service import StorageService
from laban_collector.receive.asgi import App, Receive, Scope, Send, respond

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PATH: Final = "/mcp"
_MAX_BODY: Final = 1 << 20
_SWITCHED_OFF: Final = "/mcp is switched off (LABAN_MCP=false)."
_NOT_INSTALLED: Final = (
    "/mcp needs the MCP SDK in the environment of this collector: pip install 'laban[mcp]'. Then restart it."
)


class McpEndpoint:
    """An ASGI application; the access control is in front of it.

    Every request stands for itself (stateless), so a collector may restart between two of them.

    Args:
        answers: answer the questions.
        storage: the storage behind them.
        enabled: whether it answers at all.
    """

    def __init__(self, answers: TraceAnswers, storage: StorageService, *, enabled: bool) -> None:
        self._answers = answers
        self._storage = storage
        self._enabled = enabled
        self._loading = asyncio.Lock()
        self._app: App | None = None
        self._running: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        refusal = self._refusal(scope)
        if refusal is not None:
            status, error = refusal
            headers = [(b"allow", b"POST")] if status == HTTPStatus.METHOD_NOT_ALLOWED else []
            body = json.dumps({"error": error}).encode()
            await respond(send, status, body, "application/json", headers)
            return
        app = self._app or await self._load()
        await app(scope, receive, send)

    async def stop(self) -> None:
        """End what runs."""
        self._stopping.set()
        if self._running is not None:
            await self._running

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        if not self._enabled:
            return HTTPStatus.NOT_FOUND, _SWITCHED_OFF
        if importlib.util.find_spec("mcp") is None:
            return HTTPStatus.NOT_IMPLEMENTED, _NOT_INSTALLED
        if scope["method"] != "POST":
            return HTTPStatus.METHOD_NOT_ALLOWED, (
                "/mcp answers an MCP client: POST with JSON-RPC. There are no sessions and no streams here."
            )
        return None

    async def _load(self) -> App:
        async with self._loading:
            if self._app is None:
                manager = await asyncio.to_thread(self._build)
                ready = asyncio.Event()
                self._running = asyncio.create_task(self._run(manager, ready), name="mcp")
                await ready.wait()
                self._app = manager.handle_request
            return self._app

    def _build(self) -> "StreamableHTTPSessionManager":
        from mcp.server.transport_security import TransportSecuritySettings

        from laban_app.mcp.asking import Asking
        from laban_app.mcp.gate import Gate
        from laban_app.mcp.registry import build_server

        server = build_server(Asking(self._open, Gate()))
        server.streamable_http_app(
            json_response=True,
            stateless_http=True,
            max_request_body_size=_MAX_BODY,
            # `Guard` has checked the host and the origin, with the names of the settings.
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        return server.session_manager

    async def _run(self, manager: "StreamableHTTPSessionManager", ready: asyncio.Event) -> None:
        async with manager.run():
            ready.set()
            await self._stopping.wait()

    @contextmanager
    def _open(self, *, settled: bool) -> Generator[TraceAnswers, Any, None]:
        if settled:
            self._storage.settle()
        yield self._answers
