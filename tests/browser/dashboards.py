"""A real `laban dashboard` in a process of its own, and the few things that the tests do with its pages."""

import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Locator, Page

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from tests.browser.recorded_shop import lag_polls
from tests.browser.watch import Watch

_STOP_S = 20


@contextmanager
def dashboard(url: str) -> Generator[str]:
    """Start it on a free port, asking the collector at `url`; its address. Stopped as an operator would."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "laban", "dashboard", "--url", url, "--port", str(port)]
    process = subprocess.Popen(command)
    try:
        address = f"http://127.0.0.1:{port}"
        # Retries while nobody listens yet, each after a longer pause.
        with httpx.Client(transport=httpx.HTTPTransport(retries=9), timeout=60) as client:
            client.get(f"{address}/_stcore/health").raise_for_status()
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(_STOP_S) is not None
        finally:
            process.kill()
            process.wait()


def store_lag(db: Path) -> None:
    """Put the poller's readings into a new database by the collector's own door."""
    database = Database.open(db)
    try:
        DuckDBWriter(database).write_lag(lag_polls())
    finally:
        database.close()


def visit(page: Page, address: str, watch: Watch, path: str = "/") -> None:
    """Open a page by its address and wait for its title.

    Opened below the root, Streamlit first looks for its server below the page's own path; those two
    answers of 404 are its way of finding out, and forgiven.
    """
    page.goto(address + path)
    page.wait_for_selector("h1")
    watch.errors[:] = [error for error in watch.errors if "/_stcore/" not in error]


def leave(page: Page) -> None:
    """Let go of the dashboard before it is stopped: a page that is cut off says so on its console."""
    page.goto("about:blank")


def cells_of(page: Page) -> set[str]:
    """The texts in the page's one table; Streamlit paints it, and keeps them beside for screen readers."""
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    cells = table.locator("[role=gridcell]")
    cells.first.wait_for(state="attached")
    return {text.strip() for text in cells.all_text_contents()}


def canvas_of(page: Page) -> Locator:
    """The map's canvas, drawn."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('*')].some((element) => element.shadowRoot"
        "?.querySelector('.canvas')?.cy?.nodes().nonempty())"
    )
    return page.locator(".canvas")


def ask_map(canvas: Locator, question: str, argument: Any = None) -> Any:
    """What a JavaScript expression over `cy` and `argument` says of the map."""
    script = f"(element, argument) => {{ const cy = element.cy; return {question}; }}"
    return canvas.evaluate(script, argument)


def click_on_map(page: Page, canvas: Locator, element_id: str) -> None:
    """Click on a node's centre or an edge's middle, where they stand on the screen."""
    at = ask_map(
        canvas,
        "((it) => it.isNode() ? it.renderedPosition() : it.renderedMidpoint())(cy.getElementById(argument))",
        element_id,
    )
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + at["x"], box["y"] + at["y"])
