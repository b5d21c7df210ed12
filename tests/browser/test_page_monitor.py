"""The page monitor detects what it must detect; otherwise every page would pass."""

from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Window
from tests.browser.page_monitor import PageMonitor

pytestmark = pytest.mark.browser

QUIET = "<title>quiet</title><p>All is well.</p>"
FOREIGN_FONT = "<title>font</title><link rel=stylesheet href=https://fonts.example/sans.css>"
FOREIGN_ADDRESS = "<title>address</title><img src=http://192.0.2.1/pixel.png>"
FOREIGN_SOCKET = "<title>socket</title><script>new WebSocket('ws://telemetry.example/')</script>"
LOGS_AN_ERROR = "<title>error</title><script>console.error('no such node')</script>"
THROWS = "<title>throws</title><script>throw new Error('not caught')</script>"


@contextmanager
def served(html: str) -> Generator[str]:
    """Serve a page with this content; yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = html.encode() if self.path == "/" else b""
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the name in the base class

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_quiet_page_passes(page: Page, monitor: PageMonitor) -> None:
    with served(QUIET) as url:
        page.goto(url)
        expect(page.get_by_text("All is well.")).to_be_visible()
    assert (monitor.errors, monitor.foreign) == ([], [])


@pytest.mark.parametrize(
    ("html", "event", "address"),
    [
        pytest.param(FOREIGN_FONT, "requestfailed", "https://fonts.example/sans.css", id="style sheet"),
        pytest.param(FOREIGN_SOCKET, "websocket", "ws://telemetry.example/", id="web socket"),
    ],
)
def test_a_request_to_another_host_is_blocked_and_reported(
    page: Page, monitor: PageMonitor, html: str, event: str, address: str
) -> None:
    with served(html) as url, page.expect_event(event):
        page.goto(url)
    assert monitor.foreign == [address]
    with pytest.raises(AssertionError, match=address):
        monitor.check()
    page.context.close()  # so that no late event arrives
    monitor.clear()


@pytest.mark.parametrize("html", [FOREIGN_FONT, FOREIGN_ADDRESS])
def test_chromium_opens_no_connection_to_another_host(page: Page, monitor: PageMonitor, html: str) -> None:
    with served(html) as url, page.expect_event("requestfailed") as failed:
        page.goto(url)
    assert failed.value.failure == "net::ERR_NAME_NOT_RESOLVED"
    assert monitor.foreign == [failed.value.url]
    page.context.close()  # so that no late event arrives
    monitor.clear()


def test_a_page_finds_nothing_of_the_page_before(page: Page, monitor: PageMonitor, window: Window) -> None:
    with served(QUIET) as url:
        page.goto(url)
        page.evaluate("localStorage.a = sessionStorage.b = document.cookie = 'c=1'")
        page.set_viewport_size({"width": 300, "height": 200})
        window.clear()
        window.clean_page(800, "dark").goto(url)
        left = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie, history.length]")
        # The address in the beginning, `about:blank`, and this one.
        assert left == [0, 0, "", 2]
        assert page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]") == [
            800,
            True,
        ]


@pytest.mark.parametrize(
    ("html", "event", "text"),
    [
        pytest.param(LOGS_AN_ERROR, "console", "no such node", id="logged"),
        pytest.param(THROWS, "pageerror", "not caught", id="thrown"),
    ],
)
def test_an_error_is_recorded_with_its_text(
    page: Page, monitor: PageMonitor, html: str, event: str, text: str
) -> None:
    with served(html) as url, page.expect_event(event):
        page.goto(url)
    assert text in monitor.errors[0]
    with pytest.raises(AssertionError, match=text):
        monitor.check()
    page.context.close()  # so that no late event arrives
    monitor.clear()


@pytest.mark.parametrize("page_width", [1440, 800])
@pytest.mark.parametrize("colour_scheme", ["light", "dark"])
def test_the_page_has_the_requested_width_and_colour_scheme(
    page: Page, page_width: int, colour_scheme: str
) -> None:
    assert page.evaluate("window.innerWidth") == page_width
    assert page.evaluate(f"matchMedia('(prefers-color-scheme: {colour_scheme})').matches")
