"""A small HTTP client for the API of a collector, from the standard library: it loads in a tenth of the time.

One connection a request: commands ask once, and a new connection is cheap beside an answer.
"""

import base64
import json
import ssl
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import (
    BadStatusLine,
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    HTTPSConnection,
    RemoteDisconnected,
)
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

CONNECT_TIMEOUT: Final = 2.0
"""Seconds."""
_PIECE: Final = 1 << 16


class ExchangeFailed(Exception):
    """No answer, or half of one; the message gives the reason."""


class Response(NamedTuple):
    """An answer, read completely.

    Attributes:
        status_code: the status.
        headers: the headers; their names in lower case.
        content: the body.
    """

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """The body as JSON; raises ValueError."""
        return json.loads(self.content)


class HttpClient:
    """Sends requests to one server.

    Args:
        url: its base URL, with http or https; a user and a password in it are sent as Basic credentials.
        token: sent as a bearer token; None: none.
        trusted: the trusted certificate authorities for https; None: those of the system.
    """

    def __init__(self, url: str, token: str | None = None, trusted: ssl.SSLContext | None = None) -> None:
        self._url = urlsplit(url)
        self._trusted = trusted
        self._headers = {"accept": "*/*", "user-agent": "laban"} | _authorization(self._url, token)

    def request(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = 30.0,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> Response:
        """Send a request and read the answer, whatever its status; raises ExchangeFailed."""
        target = f"{path}?{urlencode(parameters)}" if parameters else path
        with self._open(method, target, body, headers or {}, timeout, connect_timeout) as response:
            return _read(response)

    @contextmanager
    def stream(self, method: str, path: str) -> Generator[tuple[int, Iterator[bytes]], None, None]:
        """Send a request; give the status and the pieces of the body, without a limit on the time.

        Raises:
            ExchangeFailed: no answer, or the connection broke before the end of the body.
        """
        with self._open(method, path, None, {}, None, CONNECT_TIMEOUT) as response:
            yield response.status, _pieces(response)

    @contextmanager
    def _open(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: float | None,
        connect_timeout: float,
    ) -> Generator[HTTPResponse, None, None]:
        with _translated():
            connection = self._connection(connect_timeout)
        try:
            with _translated():
                connection.connect()
                connection.sock.settimeout(timeout)
                connection.request(
                    method, f"{self._url.path.rstrip('/')}{target}", body, self._headers | dict(headers)
                )
                response = connection.getresponse()
            yield response
        finally:
            connection.close()

    def _connection(self, timeout: float) -> HTTPConnection:
        host = self._url.hostname
        if not host:
            raise ValueError("the URL names no host")
        if self._url.scheme.lower() == "https":
            context = self._trusted or ssl.create_default_context()
            return HTTPSConnection(host, self._url.port, timeout=timeout, context=context)
        return HTTPConnection(host, self._url.port, timeout=timeout)


@contextmanager
def _translated() -> Generator[None, None, None]:
    try:
        yield
    except BadStatusLine as error:  # its text is what came instead, such as a frame of gRPC
        raise ExchangeFailed(
            str(error) if isinstance(error, RemoteDisconnected) else "that is not HTTP/1"
        ) from error
    except (OSError, HTTPException, ValueError) as error:
        raise ExchangeFailed(str(error) or type(error).__name__) from error


def _read(response: HTTPResponse) -> Response:
    with _translated():
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, headers, response.read())


def _pieces(response: HTTPResponse) -> Iterator[bytes]:
    with _translated():
        while piece := response.read(_PIECE):
            yield piece
        if response.length:  # `read` with a size does not complain about the missing rest
            raise HTTPException(f"{response.length} bytes are missing")


def _authorization(url: SplitResult, token: str | None) -> dict[str, str]:
    if token is not None:
        return {"authorization": f"Bearer {token}"}
    if url.username is None:
        return {}
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
