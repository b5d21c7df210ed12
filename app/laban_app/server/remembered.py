"""Remembers the answers of the API, and repeats them while nothing that is stored has changed."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from laban_collector.receive.asgi import App, Headers, Message, Receive, Scope, Send, header

_PREFIX: Final = "/api/v1/"
_REMEMBERED: Final = frozenset(
    {
        *("order", "story", "traces", "map", "lag", "choreography", "compare", "latency", "values"),
        *("neighbours", "orders", "findings", "whatif"),
    }
)
"""The first parts of the paths whose answers depend on the store and the clock alone."""
_WINDOWED: Final = frozenset(
    {"map", "history", "choreography", "compare", "latency", "values", "findings", "whatif"}
)
"""The last parts of the paths of questions about a time range that ends now, unless they have another."""
_LARGEST: Final = 1 << 20
_MOST: Final = 16 << 20
"""Bytes of one answer, and of all."""
_AT_LEAST: Final = 2.0
_AT_MOST: Final = 600.0
_PART: Final = 0.2
"""Seconds that an answer is repeated, and the part of the time since the last change: an answer may also
depend on how long ago something was, and the older that is, the less the time that passes matters."""

Question = tuple[str, bytes]


class _Answer(NamedTuple):
    """An answer, the number of changes before it was asked for, and when that was."""

    headers: Headers
    body: bytes
    changes: int
    asked: float


class Remembered:
    """An application whose answers have an ETag, and are repeated while they are true.

    A client that has an answer, and says so with `If-None-Match`, gets none again (304).

    Args:
        app: the API.
        changes: a number that is the same only while nothing that is stored or acknowledged changes; None if
            that is unknown: then the API is asked.
        quiet: seconds since the last change, at the start.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        app: App,
        changes: Callable[[], int | None],
        quiet: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._changes = changes
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: int | None = changes()
        self._since = clock() - quiet
        """When this number of changes was seen first."""
        self._answers: OrderedDict[Question, _Answer] = OrderedDict()
        self._bytes = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        if not _may_be_remembered(scope):
            await self._app(scope, receive, send)
            return
        question = (str(scope["path"]), bytes(scope["query_string"]))
        changes, now = self._changes(), self._clock()
        known = self._known(question, changes, now)
        if known is None:
            held = _Held(send)
            await self._app(scope, receive, held)
            if not held.is_whole:
                return
            known = _Answer([*held.headers, (b"etag", _tag(held.body))], held.body, changes or 0, now)
            if changes is not None:
                self._remember(question, known)
        await _respond(send, known, header(scope, b"if-none-match"))

    def _known(self, question: Question, changes: int | None, now: float) -> _Answer | None:
        with self._lock:
            if changes != self._seen:
                self._seen, self._since = changes, now
            found = self._answers.get(question)
            if found is None or changes is None or found.changes != changes:
                return None
            longer = _PART * (now - self._since) if _is_absolute(question) else 0.0
            if now - found.asked > min(_AT_LEAST + longer, _AT_MOST):
                return None
            self._answers.move_to_end(question)
            return found

    def _remember(self, question: Question, answer: _Answer) -> None:
        with self._lock:
            self._forget(question)
            self._answers[question] = answer
            self._bytes += len(answer.body)
            while self._bytes > _MOST:
                self._forget(next(iter(self._answers)))

    def _forget(self, question: Question) -> None:
        found = self._answers.pop(question, None)
        self._bytes -= 0 if found is None else len(found.body)


class _Held:
    """Holds an answer that may be remembered; sends any other one on."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self.headers: Headers = []
        self.body = b""
        self.is_whole = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == HTTPStatus.OK:
            self._start = message
            return
        if self._start is not None:
            body = bytes(message.get("body", b""))
            if not message.get("more_body", False) and len(body) <= _LARGEST:
                self.headers, self.body, self.is_whole = list(self._start["headers"]), body, True
                return
            await self._send(self._start)
            self._start = None
        await self._send(message)


def _may_be_remembered(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(_PREFIX):
        return False
    return scope["path"].removeprefix(_PREFIX).partition("/")[0] in _REMEMBERED


def _is_absolute(question: Question) -> bool:
    """Whether the time range of a question begins at a time, and not some minutes ago."""
    path, query = question
    if b"since=" in query:
        return b"since=20" in query and (b"until=" not in query or b"until=20" in query)
    return path.rpartition("/")[2] not in _WINDOWED


def _tag(body: bytes) -> bytes:
    return b'"%s"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode()


async def _respond(send: Send, answer: _Answer, client_has: str) -> None:
    tag = answer.headers[-1][1].decode()
    if tag in client_has:
        await send(
            {"type": "http.response.start", "status": HTTPStatus.NOT_MODIFIED, "headers": answer.headers[-1:]}
        )
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
