"""Headless Chromium for the dashboard tests.

The tests use the machine's browser (Debian: `apt install chromium`) and skip if there is none; `.ci/run`
installs it.

Every page is monitored: it must not log a console error or send a request to another host. So each browser
test also proves that the dashboard works offline.
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


@pytest.fixture
def monitor() -> PageMonitor:
    """The monitor of `page`."""
    return PageMonitor()


@pytest.fixture
def page(
    chromium: Browser, page_width: int, colour_scheme: ColourScheme, monitor: PageMonitor
) -> Iterator[Page]:
    """A monitored page in a new browser profile; the monitor is checked after the test."""
    context = chromium.new_context(
        viewport={"width": page_width, "height": HEIGHT},
        color_scheme=colour_scheme,
        reduced_motion="reduce",
        service_workers="block",  # their requests would bypass the monitor
    )
    monitor.attach(context)
    yield context.new_page()
    context.close()
    monitor.check()
