"""Runs a real `laban dashboard` process and interacts with its pages."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Locator, Page

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import Lag
from tests.browser.page_monitor import PageMonitor
from tests.browser.recorded_shop import lag_polls

_STOP_S = 20


@dataclass(frozen=True)
class RunningDashboard:
    """A running `laban dashboard`: its address and its process."""

    address: str
    process: subprocess.Popen[bytes]


@contextmanager
def dashboard(url: str, environment: Mapping[str, str] | None = None) -> Generator[str]:
    """Run the dashboard on a free port against the collector at `url`; yield its address."""
    with running_dashboard(url, environment) as running:
        yield running.address


@contextmanager
def running_dashboard(url: str, environment: Mapping[str, str] | None = None) -> Generator[RunningDashboard]:
    """Run the dashboard, and yield its process, too."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "laban", "dashboard", "--url", url, "--port", str(port)]
    process = subprocess.Popen(command, env=os.environ | dict(environment or {}))
    try:
        address = f"http://127.0.0.1:{port}"
        # Retries until the server listens, with increasing delays.
        with httpx.Client(transport=httpx.HTTPTransport(retries=9), timeout=60) as client:
            client.get(f"{address}/_stcore/health").raise_for_status()
        yield RunningDashboard(address, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(_STOP_S) is not None
        finally:
            process.kill()
            process.wait()


def store_lag(db: Path, polls: Sequence[Lag] | None = None) -> None:
    """Write lag readings to a new database through the collector's writer; None: those of the recording."""
    database = Database.open(db)
    try:
        DuckDBWriter(database).write_lag(lag_polls() if polls is None else polls)
    finally:
        database.close()


def visit(page: Page, address: str, monitor: PageMonitor, path: str = "/") -> None:
    """Open a page by its URL and wait for its title.

    For a URL below the root, Streamlit first looks for its server below that path. The two 404 responses are
    expected, so they are not errors.
    """
    page.goto(address + path)
    page.wait_for_selector("h1")
    monitor.errors[:] = [error for error in monitor.errors if "/_stcore/" not in error]


def press_slash(page: Page) -> None:
    """Press the key that goes to the search field, once the page listens to the keyboard."""
    page.wait_for_selector("body[aria-keyshortcuts='/']", state="attached")  # it has no height
    page.keyboard.press("/")


def leave(page: Page) -> None:
    """Leave the dashboard before it stops: a disconnected page logs console errors."""
    page.goto("about:blank")


def cells_of(page: Page) -> set[str]:
    """Return the texts in the page's only table, from the cells that Streamlit keeps for screen readers."""
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    cells = table.locator("[role=gridcell]")
    cells.first.wait_for(state="attached")
    return {text.strip() for text in cells.all_text_contents()}


def canvas_of(page: Page) -> Locator:
    """Return the map's canvas after the map is drawn."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('*')].some((element) => element.shadowRoot"
        "?.querySelector('.canvas')?.cy?.nodes().nonempty())"
    )
    return page.locator(".canvas")


def evaluate_on_map(canvas: Locator, expression: str, argument: Any = None) -> Any:
    """Evaluate a JavaScript expression over `cy` and `argument`."""
    script = f"(element, argument) => {{ const cy = element.cy; return {expression}; }}"
    return canvas.evaluate(script, argument)


def click_on_map(page: Page, canvas: Locator, element_id: str) -> None:
    """Click on the centre of a node or the midpoint of an edge."""
    at = evaluate_on_map(
        canvas,
        "((it) => it.isNode() ? it.renderedPosition() : it.renderedMidpoint())(cy.getElementById(argument))",
        element_id,
    )
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + at["x"], box["y"] + at["y"])
