"""Makes the pictures of the pages for the documents: `python -m tests.browser.screenshots [PAGE …]`.

A collector gets the recorded shop, moved to now, and a real dashboard shows it. With `--url`, the pictures
are of another dashboard, such as that of `laban demo`. `--width` and `--dark` show how it looks elsewhere.
"""

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from tests.browser.conftest import OPTIONS, find_chromium
from tests.browser.dashboard_driver import dashboard
from tests.browser.recorded_shop import HOSTILE, ORDERS, TIMED_OUT, end_of_recording, lag_polls, spans_of
from tests.serving import serving

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "images"
_CHART: Final = "[data-testid=stVegaLiteChart] svg"
PAGES: Final = {
    "home": ("/", ".orders tbody tr"),
    "orders": ("/orders", ".orders tbody tr"),
    "order": (f"/order?order={TIMED_OUT}", ".step"),
    "sequence": (f"/order?order={TIMED_OUT}&view=Sequence", "[data-testid=stMain] svg"),
    "map": ("/map", ".canvas canvas"),
    "findings": ("/findings", ".st-key-finding-0"),
    "diagrams": ("/diagrams", "[role=region] img"),
    "what-if": ("/what-if?down=pricing", ".st-key-assumptions"),
    "compare": ("/compare?a=15m..5m&b=5m..", ".st-key-brought"),
    "latency": ("/latency?by=By+route&of=order%20%20POST%20/orders", _CHART),
    "lag": ("/lag?group=email&measure=Seconds", _CHART),
}
"""The path of each page, and what is on it when it is drawn."""
_OBJECTIVES: Final = {"latency": {"order POST /orders": 300}, "queue": {"email": 60}}
_HEIGHT: Final = 900
_WHOLE: Final = 2_400
_COLOURS: Final = 128
_AGO: Final = 5_000_000_000


def main() -> None:
    """Draw the pages that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"{', '.join(PAGES)} [default: all]")
    parser.add_argument("--url", help="a running dashboard")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--whole", action="store_true", help="the whole page, not only its first screen")
    options = parser.parse_args()
    browser = find_chromium()
    if browser is None:
        sys.exit("There is no browser: apt install chromium.")
    with shop() if options.url is None else _given(options.url) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=list(OPTIONS))
        page = chromium.new_page(
            viewport={"width": options.width, "height": _WHOLE if options.whole else _HEIGHT},
            color_scheme="dark" if options.dark else "light",
            reduced_motion="reduce",
        )
        for name in options.pages or PAGES:
            path, drawn = PAGES[name]
            picture = _picture(page, address + path, drawn)
            file = options.folder / f"dashboard-{name}.png"
            file.write_bytes(picture)
            print(f"{file} {len(picture) // 1024} KiB")
        page.goto("about:blank")
        chromium.close()


@contextmanager
def shop() -> Generator[str]:
    """Run a dashboard of the recorded shop, whose last order came some seconds ago."""
    moved = time.time_ns() - end_of_recording() - _AGO
    spans = [
        replace(span, start=span.start + moved)
        for at, order in enumerate(ORDERS)
        if order != HOSTILE
        for span in spans_of(order, at)
    ]
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "shop.duckdb"
        database = Database.open(db)
        try:
            DuckDBWriter(database).write_lag([replace(poll, time=poll.time + moved) for poll in lag_polls()])
        finally:
            database.close()
        with serving(db, environment={"LABAN_OBJECTIVES": json.dumps(_OBJECTIVES)}) as running:
            running.send(spans)
            with dashboard(running.url) as address:
                yield address


@contextmanager
def _given(url: str) -> Generator[str]:
    yield url.rstrip("/")


def _picture(page: Page, url: str, drawn: str) -> bytes:
    """A small PNG of a page when nothing changes any more."""
    page.goto(url)
    page.locator(drawn).first.wait_for(timeout=60_000)
    before, after = b"", page.screenshot()
    for _ in range(20):
        if after == before:
            break
        page.wait_for_timeout(500)
        before, after = after, page.screenshot()
    image = Image.open(io.BytesIO(after)).convert("RGB").quantize(_COLOURS)
    small = io.BytesIO()
    image.save(small, "PNG", optimize=True)
    return small.getvalue()


if __name__ == "__main__":
    main()
