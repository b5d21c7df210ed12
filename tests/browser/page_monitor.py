"""Monitors browser pages: they must not send a request to another host or log an error.

It listens and does not intercept: a handler of `route` costs three processes a round trip for each of the
hundred files of a page, and turns the browser's cache off. The browser itself blocks other hosts
(`--host-resolver-rules` in `conftest.py`).
"""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Request, WebSocket

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})
LOCAL_SCHEMES: Final = frozenset({"about", "blob", "data"})


@dataclass  # without slots: Playwright keeps its wrappers on the object whose methods it calls
class PageMonitor:
    """Records the forbidden actions of a page.

    Attributes:
        errors: console errors and uncaught exceptions.
        foreign: requested URLs on other hosts.
    """

    errors: list[str] = field(default_factory=list[str])
    foreign: list[str] = field(default_factory=list[str])

    def attach(self, context: BrowserContext) -> None:
        """Monitor every page of this context."""
        context.on("request", self._note_request)
        context.on("console", self._note_message)
        context.on("weberror", lambda caught: self._note_exception(caught.error))
        context.on("page", lambda page: page.on("websocket", self._note_socket))

    def check(self) -> None:
        """Fail if an action was recorded."""
        assert not self.foreign, f"the page requested other hosts: {self.foreign}"
        assert not self.errors, f"the page logged console errors: {self.errors}"

    def clear(self) -> None:
        """Clear the record, for a test that causes an error on purpose."""
        self.errors.clear()
        self.foreign.clear()

    def _note_request(self, request: Request) -> None:
        if not is_local(request.url):
            self.foreign.append(request.url)

    def _note_socket(self, socket: WebSocket) -> None:
        if not is_local(socket.url):
            self.foreign.append(socket.url)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location['url']})")

    def _note_exception(self, error: Error) -> None:
        self.errors.append(f"uncaught: {error.message}")


def is_local(url: str) -> bool:
    """Return whether this URL is on this machine."""
    parts = urlsplit(url)
    return parts.scheme in LOCAL_SCHEMES or parts.hostname in LOOPBACK
