"""The watch over the browser sees what it is there for; a blind one would let every page pass."""

from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page, expect

from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

QUIET = "<title>quiet</title><p>All is well.</p>"
FONT_FROM_AFAR = "<title>font</title><link rel=stylesheet href=https://fonts.example/sans.css>"
SOCKET_TO_AFAR = "<title>socket</title><script>new WebSocket('ws://telemetry.example/')</script>"
LOGS_AN_ERROR = "<title>error</title><script>console.error('no such node')</script>"
THROWS = "<title>throws</title><script>throw new Error('not caught')</script>"


@contextmanager
def served(html: str) -> Generator[str]:
    """The address of a page with this content."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = html.encode() if self.path == "/" else b""
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the name it has there

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_quiet_page_passes(page: Page, watch: Watch) -> None:
    with served(QUIET) as url:
        page.goto(url)
        expect(page.get_by_text("All is well.")).to_be_visible()
    assert (watch.errors, watch.foreign) == ([], [])


@pytest.mark.parametrize(
    ("html", "event", "address"),
    [
        pytest.param(FONT_FROM_AFAR, "requestfailed", "https://fonts.example/sans.css", id="style sheet"),
        pytest.param(SOCKET_TO_AFAR, "websocket", "ws://telemetry.example/", id="web socket"),
    ],
)
def test_an_address_outside_is_refused_and_named(
    page: Page, watch: Watch, html: str, event: str, address: str
) -> None:
    with served(html) as url, page.expect_event(event):
        page.goto(url)
    assert watch.foreign == [address]
    with pytest.raises(AssertionError, match=address):
        watch.check()
    page.context.close()  # so that nothing comes in late
    watch.forget()


@pytest.mark.parametrize(
    ("html", "event", "text"),
    [
        pytest.param(LOGS_AN_ERROR, "console", "no such node", id="logged"),
        pytest.param(THROWS, "pageerror", "not caught", id="thrown"),
    ],
)
def test_an_error_is_kept_with_its_text(page: Page, watch: Watch, html: str, event: str, text: str) -> None:
    with served(html) as url, page.expect_event(event):
        page.goto(url)
    assert text in watch.errors[0]
    with pytest.raises(AssertionError, match=text):
        watch.check()
    page.context.close()  # so that nothing comes in late
    watch.forget()


@pytest.mark.parametrize("page_width", [1440, 800])
@pytest.mark.parametrize("colour_scheme", ["light", "dark"])
def test_the_page_has_the_width_and_the_colours_asked_for(
    page: Page, page_width: int, colour_scheme: str
) -> None:
    assert page.evaluate("window.innerWidth") == page_width
    assert page.evaluate(f"matchMedia('(prefers-color-scheme: {colour_scheme})').matches")
