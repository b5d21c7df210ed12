"""Headless Chromium for the tests of the dashboard.

The browser is the machine's own (Debian: `apt install chromium`); where there is none the tests skip, and
`.ci/run` installs it.

Every page is watched: it may write no error to its console and ask nobody but this machine. So each browser
test proves on the side that the dashboard works offline.
"""

import shutil
from collections.abc import Iterator
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.watch import Watch

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS: Final = (
    "--no-sandbox",  # CI runs as root, where Chromium refuses to make its sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Chromium asks its maker for updates and experiments of its own accord: not while we watch the network.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
HEIGHT: Final = 900

ColourScheme = Literal["light", "dark"]


def find_chromium() -> str | None:
    """The path of the first Chromium or Chrome on PATH."""
    found = (shutil.which(name) for name in NAMES)
    return next(filter(None, found), None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A running headless Chromium.

    One a module, not one a run: while Playwright's synchronous interface is open, its event loop occupies the
    main thread, and `asyncio.run` of other tests would fail there. Fixtures that use asyncio beside it need a
    thread or a process of their own.
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
    """How wide the page is, in pixels; parametrize `page_width` to have another."""
    return 1440


@pytest.fixture
def colour_scheme() -> ColourScheme:
    """What the system prefers; parametrize `colour_scheme` to have `dark`."""
    return "light"


@pytest.fixture
def watch() -> Watch:
    """What `page` did wrong so far."""
    return Watch()


@pytest.fixture
def page(chromium: Browser, page_width: int, colour_scheme: ColourScheme, watch: Watch) -> Iterator[Page]:
    """A watched page in a fresh profile, checked when the test is done."""
    context = chromium.new_context(
        viewport={"width": page_width, "height": HEIGHT},
        color_scheme=colour_scheme,
        reduced_motion="reduce",
        service_workers="block",  # their requests would pass by the watch
    )
    watch.over(context)
    yield context.new_page()
    context.close()
    watch.check()
