"""Takes the pictures of the dashboard in docs/images.

`.venv/bin/python -m tests.browser.screenshots [NAME …]` takes those of all pages, or of some.
The data is that of the browser tests, moved to the last minutes.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

from laban_collector.store.rows import Span
from tests.browser.conftest import HEIGHT, OPTIONS, find_chromium
from tests.browser.dashboard_driver import dashboard, store_lag
from tests.browser.recorded_shop import TIMED_OUT, all_orders, end_of_recording, lag_polls
from tests.serving import serving

FOLDER: Final = Path(__file__).parents[2] / "docs" / "images"
PAGES: Final = {
    "home": ("/", ".orders tbody tr"),
    "orders": ("/orders", ".orders tbody tr"),
    "order": (f"/order?order={TIMED_OUT}", ".step"),
    "sequence": (f"/order?order={TIMED_OUT}&view=Sequence", ".sequence .head"),
    "map": ("/map", ".canvas canvas"),
    "findings": ("/findings", ".st-key-finding-0"),
    "latency": ("/latency", "[data-testid=stVegaLiteChart]"),
    "lag": ("/lag", "[data-testid=stVegaLiteChart]"),
}
_WIDTH: Final = 1440


def recent_orders(moved: int) -> list[Span]:
    """Return the recorded orders, some ns later."""
    return [replace(span, start=span.start + moved) for span in all_orders()]


def main(names: Sequence[str]) -> None:
    """Take the pictures of the pages with these names; of all without names."""
    moved = time.time_ns() - end_of_recording() - 5_000_000_000
    polls = [replace(lag, time=lag.time + moved) for lag in lag_polls()]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        db = Path(folder) / "shop.duckdb"
        store_lag(db, polls)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(OPTIONS))
        with serving(db) as running, dashboard(running.url) as address:
            running.send(recent_orders(moved))
            for name, (path, drawn) in PAGES.items():
                if names and name not in names:
                    continue
                page = browser.new_page(viewport={"width": _WIDTH, "height": HEIGHT})
                page.goto(address + path)
                page.locator(drawn).first.wait_for()
                page.wait_for_load_state("networkidle")
                page.screenshot(path=FOLDER / f"dashboard-{name}.png")
                page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
