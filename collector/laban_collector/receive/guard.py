"""Stands before an ASGI application, and lets in whom `Access` lets in."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc

from laban_collector.receive.access import Access
from laban_collector.receive.asgi import App, Headers, Message, Receive, Scope, Send, header
from laban_collector.receive.otlp_responses import TOKEN_NEEDED, Refusal

Deny = Callable[[Scope, Send, Refusal, Headers], Awaitable[None]]
"""Writes a refusal in the words of the application behind the guard."""

_PREFLIGHT_AGE: Final = b"7200"
"""Seconds that a browser may remember a permission; Chromium's limit."""


class Guard:
    """An ASGI application before another one.

    Args:
        app: what is guarded.
        access: who may come in.
        deny: writes refusals.
        methods: those that a page of a configured origin may use, `POST, OPTIONS`.
        open_paths: answered without a token.
    """

    def __init__(
        self, app: App, access: Access, deny: Deny, methods: str, open_paths: frozenset[str] = frozenset()
    ) -> None:
        self._app = app
        self._access = access
        self._deny = deny
        self._methods = methods.encode()
        self._open_paths = open_paths

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        refusal = self._foreign(scope)
        if refusal is not None:
            await self._deny(scope, send, refusal, [])
            return
        origin = header(scope, b"origin")
        if origin:
            send = _permitting(send, origin)
            if scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method"):
                await self._permit(send)
                return
        if scope["path"] not in self._open_paths and not self._access.knows(header(scope, b"authorization")):
            await self._deny(scope, send, TOKEN_NEEDED, [(b"www-authenticate", b"Bearer")])
            return
        await self._app(scope, receive, send)

    def _foreign(self, scope: Scope) -> Refusal | None:
        """The refusal of a request that was sent to another name, or by a page that may not send."""
        host, origin = header(scope, b"host"), header(scope, b"origin")
        if not self._access.serves_host(host):
            return _forbidden(f"Host {host!r} is none of this collector's: name it in LABAN_HOSTS if it is.")
        if origin and not self._access.serves_origin(origin):
            return _forbidden(
                f"Pages of {origin!r} may not send here: name it in LABAN_CORS_ORIGINS if they may."
            )
        return None

    async def _permit(self, send: Send) -> None:
        """Answer a browser's question beforehand, which carries no token."""
        headers = [
            (b"access-control-allow-methods", self._methods),
            (b"access-control-allow-headers", b"authorization, content-encoding, content-type"),
            (b"access-control-max-age", _PREFLIGHT_AGE),
        ]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _forbidden(message: str) -> Refusal:
    return Refusal(grpc.StatusCode.PERMISSION_DENIED, 403, message)


def _permitting(send: Send, origin: str) -> Send:
    """A `send` that lets the page read the answer."""

    async def permitting(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")]
            message["headers"] = [*message["headers"], *own]
        await send(message)

    return permitting
