"""Headless Chromium for the dashboard tests.

The tests use the machine's browser (Debian: `apt install chromium`) and skip if there is none; `.ci/run`
installs it.

Every page is monitored: it must not log a console error or send a request to another host. So each browser
test also proves that the dashboard works offline.

The tests of a module share one page, which is cleared between them. In a new browser profile, Chromium would
load and compile Streamlit's scripts again, two seconds of CPU time for each test.
"""

import shutil
from collections.abc import Iterator
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.page_monitor import PageMonitor

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS: Final = (
    "--no-sandbox",  # CI runs as root, and Chromium cannot create its sandbox as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Chromium checks for updates and experiments by itself, which the monitor would report.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Blocks all other hosts, addresses included.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
HEIGHT: Final = 900

expect.set_options(timeout=20_000)  # the default, 5 s, is short for a machine that does other work

ColourScheme = Literal["light", "dark"]


def find_chromium() -> str | None:
    """Return the path of the first Chromium or Chrome on PATH."""
    found = (shutil.which(name) for name in NAMES)
    return next(filter(None, found), None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A running headless Chromium, one per module.

    A session-wide browser would break `asyncio.run` in other tests: Playwright's synchronous API keeps an
    event loop on the main thread. A fixture that uses asyncio next to this one needs its own thread or
    process.
    """
    path = find_chromium()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on PATH (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
        yield browser
        browser.close()


@pytest.fixture
def page_width() -> int:
    """The width of the page in pixels; parametrize `page_width` to change it."""
    return 1440


@pytest.fixture
def colour_scheme() -> ColourScheme:
    """The preferred colour scheme; parametrize `colour_scheme` for `dark`."""
    return "light"


class Window:
    """A page that many tests use in turn, and its monitor."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.monitor = PageMonitor()
        self._page = self._open()

    def clean_page(self, width: int, colour_scheme: ColourScheme) -> Page:
        """Return the page as if it were new, with this width and preferred colour scheme."""
        if self._page.is_closed():
            self._page = self._open()
        self._page.set_viewport_size({"width": width, "height": HEIGHT})
        self._page.emulate_media(color_scheme=colour_scheme)
        self.monitor.clear()
        return self._page

    def clear(self) -> None:
        """Leave what the page shows, and forget all that it and its user left behind."""
        page = self._page
        if page.is_closed():
            return
        if page.url.startswith("http"):
            page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.goto("about:blank")
        page.mouse.move(0, 0)
        page.context.clear_cookies()
        session = page.context.new_cdp_session(page)
        session.send("Page.resetNavigationHistory")
        session.detach()

    def close(self) -> None:
        """Close the page and its browser profile."""
        self._page.context.close()

    def _open(self) -> Page:
        context = self._browser.new_context(
            reduced_motion="reduce",
            service_workers="block",  # their requests would bypass the monitor
        )
        self.monitor.attach(context)
        return context.new_page()


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[Window]:
    """The window of a module."""
    opened = Window(chromium)
    yield opened
    opened.close()


@pytest.fixture
def monitor(window: Window) -> PageMonitor:
    """The monitor of `page`."""
    return window.monitor


@pytest.fixture
def page(window: Window, page_width: int, colour_scheme: ColourScheme) -> Iterator[Page]:
    """A monitored page without history, cookies or storage; the monitor is checked after the test."""
    yield window.clean_page(page_width, colour_scheme)
    window.clear()
    window.monitor.check()
