"""Monitors browser pages: they must not send a request to another host or log an error."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Route, WebSocket

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})
LOCAL_SCHEMES: Final = frozenset({"about", "blob", "data"})


@dataclass  # without slots: Playwright keeps its wrappers on the object whose methods it calls
class PageMonitor:
    """Records the forbidden actions of a page.

    Attributes:
        errors: console errors and uncaught exceptions.
        foreign: requested URLs on other hosts; the requests are blocked.
    """

    errors: list[str] = field(default_factory=list[str])
    foreign: list[str] = field(default_factory=list[str])

    def attach(self, context: BrowserContext) -> None:
        """Monitor every page of this context."""
        context.route("**/*", self._let_local_through)
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

    def _let_local_through(self, route: Route) -> None:
        if is_local(route.request.url):
            route.continue_()
        else:
            self.foreign.append(route.request.url)
            route.abort()

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
