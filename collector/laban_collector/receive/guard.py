"""Access control in front of an ASGI application: Host, Origin, CORS and the bearer token."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
from fastapi import Response
from fastapi.datastructures import Headers as RequestHeaders
from fastapi.middleware.cors import CORSMiddleware

from laban_collector.receive.access import Access
from laban_collector.receive.asgi import App, Headers, Receive, Scope, Send, header
from laban_collector.receive.otlp_responses import TOKEN_REQUIRED, ErrorResponse

Deny = Callable[[Scope, Send, ErrorResponse, Headers], Awaitable[None]]
"""Sends an error response in the format of the guarded application."""

_CORS_HEADERS: Final = ("authorization", "content-encoding", "content-type")
_PREFLIGHT_AGE: Final = 7200
"""Seconds that a browser may cache a preflight response; Chromium's limit."""


class Guard:
    """An ASGI application that passes permitted requests on to another one.

    Unknown hosts and origins get 403, and a missing token 401, in the format of the application. Starlette's
    TrustedHostMiddleware cannot replace the host check: it takes a fixed list of names, and this check
    accepts any IP address.

    Args:
        app: the guarded application.
        access: who may send requests.
        deny: sends error responses.
        method: the method that pages of a permitted origin may use.
        open_paths: paths that need no token.
    """

    def __init__(
        self, app: App, access: Access, deny: Deny, method: str, open_paths: frozenset[str] = frozenset()
    ) -> None:
        self._app = app
        self._access = access
        self._deny = deny
        self._open_paths = open_paths
        self._cors = _CorsMiddleware(self._check_token, access, method)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Pass a request on, or respond to it here."""
        host, origin = header(scope, b"host"), header(scope, b"origin")
        if not self._access.accepts_host(host):
            message = f"Unknown host {host!r}. If it is a name of this collector, add it to LABAN_HOSTS."
            await self._deny(scope, send, _forbidden(message), [])
        elif not origin:
            await self._check_token(scope, receive, send)
        elif self._access.accepts_origin(origin):
            await self._cors(scope, receive, send)
        else:
            message = f"The origin {origin!r} is not permitted. To permit it, add it to LABAN_CORS_ORIGINS."
            await self._deny(scope, send, _forbidden(message), [])

    async def _check_token(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["path"] in self._open_paths or self._access.accepts_token(header(scope, b"authorization")):
            await self._app(scope, receive, send)
        else:
            await self._deny(scope, send, TOKEN_REQUIRED, [(b"www-authenticate", b"Bearer")])


class _CorsMiddleware(CORSMiddleware):
    """Starlette's CORS for the origins of `Access`; a preflight request carries no token."""

    def __init__(self, app: App, access: Access, method: str) -> None:
        super().__init__(app, allow_methods=[method], allow_headers=_CORS_HEADERS, max_age=_PREFLIGHT_AGE)
        self._access = access

    def is_allowed_origin(self, origin: str) -> bool:
        return self._access.accepts_origin(origin)

    def preflight_response(self, request_headers: RequestHeaders) -> Response:
        """Respond 204 without a body, where Starlette responds 200 or 400: the browser checks the headers."""
        headers = super().preflight_response(request_headers).headers
        del headers["content-length"], headers["content-type"]
        return Response(status_code=204, headers=headers)


def _forbidden(message: str) -> ErrorResponse:
    return ErrorResponse(grpc.StatusCode.PERMISSION_DENIED, 403, message)
