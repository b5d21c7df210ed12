"""Measures the dashboard in a real browser: until a page is useful, what a refresh costs, and ten browsers.

`./run bench dashboard [--spans 1M,10M] [--arriving N] [--times N] [--keep DIR] [--publish]` fills a store of
each size, as `./run bench query` does, and starts a collector and a dashboard on it. "Useful" is the time
from the request of the page until its numbers are on the screen, in a browser that has loaded Streamlit
before; the median of N. The cost of a refresh is processor time of the dashboard and of the collector while
one browser has the page open, without what both use before it is opened, divided by the refreshes; a long
task is 50 ms or more in which the page does not react. With `--arriving`, so many new spans per second arrive
all the time, for four minutes before the first page is opened: until then, little is known of what is usual
now, and each answer looks for it. A size takes three minutes; ten while spans arrive.
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final, NamedTuple

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.query import filled, sizes_of
from benchmarks.workload import report
from benchmarks.workload.shop import START, one_day
from laban_collector.store.duckdb.connection.database import Database
from tests.browser.conftest import OPTIONS, find_chromium
from tests.browser.dashboard_driver import running_dashboard
from tests.browser.many_services import CALLS, SERVICES, all_calls
from tests.serving import serving

PAGES: Final = {
    "Home": ("/", ".st-key-figures", 5),
    "Orders": ("/orders", ".orders tbody tr", 5),
    "Map": ("/map", ".canvas canvas", 5),
    "Findings": ("/findings", "[data-testid=stMain] [data-testid=stCaptionContainer]", 15),
    "Latency": ("/latency", "[data-testid=stVegaLiteChart] svg", 5),
    "Lag": ("/lag", "[data-testid=stMain] [data-testid=stCaptionContainer]", 5),
}
"""Path, what is on the screen when the page is useful, and the seconds between two refreshes."""
_LONG_TASKS: Final = """
    window.longTasks = [];
    const note = (list) => window.longTasks.push(...list.getEntries().map((one) => one.duration));
    new PerformanceObserver(note).observe({type: 'longtask', buffered: true});
"""
_HOW: Final = (
    "Useful: until the numbers of a page are on the screen, in a browser that has loaded Streamlit before; "
    "the median. Refresh: processor time for one refresh, of the dashboard and of the collector, without "
    "what they use while no page is open (the collector verifies its database with 5 % of a processor, and "
    "takes spans if some arrive). Long tasks: of the page while it refreshes, 50 ms or more each."
)
_SEVERAL: Final = "Home"
"""The page that ten browsers open."""
_AFTER: Final = 3_000
"""ms: what follows from opening a page is no refresh."""
_IDLE: Final = 5_000
"""ms in which no page is open; while spans arrive, as many seconds as a page is watched."""
_WARM: Final = 240
"""Seconds in which spans arrive before the first page is opened."""
_REQUEST: Final = 512
_REQUESTS: Final = 80
_TICK: Final = os.sysconf("SC_CLK_TCK")


class Processes(NamedTuple):
    """The processes whose time is measured."""

    dashboard: int
    collector: int

    def used(self) -> tuple[float, float]:
        """Seconds of processor time that each has used."""
        return _used(self.dashboard), _used(self.collector)


def main() -> None:
    """Fill the stores, measure, print a table, and publish it if requested."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=sizes_of, default="1M,10M", help="sizes of the stores")
    parser.add_argument("--arriving", type=int, default=0, help="spans that arrive in a second")
    parser.add_argument("--times", type=int, default=3, help="how often to open a page")
    parser.add_argument(
        "--watch",
        type=int,
        default=10,
        help="seconds in which a page refreshes; while spans arrive, 30 are better",
    )
    parser.add_argument("--pages", nargs="*", choices=PAGES, default=list(PAGES))
    parser.add_argument("--keep", type=Path, help="keep the stores in this directory and reuse them")
    parser.add_argument("--publish", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    browser = find_chromium()
    if browser is None:
        sys.exit("There is no browser: apt install chromium.")
    head = [
        "page",
        "spans",
        "useful, s",
        "refresh, ms",
        "collector, ms",
        "long tasks",
        "longest, ms",
    ]
    several: list[str] = []
    rows: list[list[str]] = []
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() if options.keep is None else nullcontext(options.keep) as folder:
        for size, spans in options.spans.items():
            path = Path(folder) / f"{size}.duckdb"
            with Database.open(path) as database:
                filled(database, spans)
            with (
                serving(path, anew=True) as collector,
                running_dashboard(collector.url) as dashboard,
                _arriving(collector.http, options.arriving),
            ):
                processes = Processes(dashboard.process.pid, collector.process.pid)
                time.sleep(_WARM if options.arriving else 0)
                with sync_playwright() as playwright:
                    chromium = playwright.chromium.launch(executable_path=browser, args=list(OPTIONS))
                    for name in options.pages:
                        idle = 1000 * options.watch if options.arriving else _IDLE
                        cells = _measure(
                            chromium, dashboard.address, name, processes, options.times, options.watch, idle
                        )
                        rows.append([name, size, *cells])
                        print(" | ".join(rows[-1]), file=sys.stderr)
                    if _SEVERAL in options.pages:
                        several.append(_several(chromium, dashboard.address, size, processes, options.watch))
                        print(several[-1], file=sys.stderr)
                    chromium.close()
        if "Map" in options.pages:
            several.append(_many_services(Path(folder) / "services.duckdb", browser, options.times))
            print(several[-1], file=sys.stderr)
    load = f"Load of the machine before and after: {before:.0f} and {os.getloadavg()[0]:.0f}."
    arriving = f" {options.arriving:,} spans per second arrive." if options.arriving else ""
    text = "\n\n".join((f"{report.machine()} {load}{arriving}", report.table(head, rows), *several, _HOW))
    print(text)
    if options.publish:
        report.publish("dashboard", text)


def _measure(
    chromium: Browser, address: str, name: str, processes: Processes, times: int, watch: int, idle_ms: int
) -> list[str]:
    path, useful, every = PAGES[name]
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.add_init_script(_LONG_TASKS)
    idle = _usage(page, idle_ms, processes)
    opened = [_open(page, address + path, useful) for _ in range(times + 1)][1:]
    page.wait_for_timeout(_AFTER)
    page.evaluate("window.longTasks.length = 0")
    used = _usage(page, 1000 * max(watch, every), processes)
    tasks = page.evaluate("window.longTasks")
    context.close()
    dashboard, collector = (max(busy - rest, 0) * every for busy, rest in zip(used, idle, strict=True))
    return [
        f"{statistics.median(opened):.2f}",
        f"{1000 * dashboard:.0f}",
        f"{1000 * collector:.0f}",
        f"{len(tasks)}",
        f"{max(tasks, default=0):.0f}",
    ]


def _open(page: Page, url: str, useful: str) -> float:
    """Seconds until a page is useful."""
    page.goto("about:blank")
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator(useful).first.wait_for(state="visible", timeout=120_000)
    return time.perf_counter() - began


def _usage(page: Page, wait: int, processes: Processes) -> tuple[float, float]:
    """The part of a processor that dashboard and collector use during some ms."""
    before, began = processes.used(), time.perf_counter()
    page.wait_for_timeout(wait)
    lasted = time.perf_counter() - began
    dashboard, collector = ((now - then) / lasted for now, then in zip(processes.used(), before, strict=True))
    return dashboard, collector


def _several(chromium: Browser, address: str, size: str, processes: Processes, watch: int) -> str:
    """A sentence about what two and ten browsers on a page cost the collector."""
    path, useful, every = PAGES[_SEVERAL]
    contexts = [chromium.new_context() for _ in range(10)]
    idle = _usage(contexts[0].new_page(), _IDLE, processes)
    cost: list[float] = []
    for more in (contexts[:2], contexts[2:]):
        pages = [context.new_page() for context in more]
        for page in pages:
            _open(page, address + path, useful)
        pages[0].wait_for_timeout(_AFTER)
        used = _usage(pages[0], 1000 * max(watch, 2 * every), processes)
        cost.append(1000 * every * max(used[1] - idle[1], 0))
    for context in contexts:
        context.close()
    return (
        f"{_SEVERAL} with {size} spans costs the collector {cost[0]:.0f} ms in {every} s with two browsers, "
        f"and {cost[1]:.0f} ms with ten."
    )


def _many_services(path: Path, browser: str, times: int) -> str:
    """A sentence about how soon a large map is on the screen."""
    path.unlink(missing_ok=True)
    with (
        serving(path) as collector,
        running_dashboard(collector.url) as dashboard,
        sync_playwright() as playwright,
    ):
        collector.send(all_calls())
        chromium = playwright.chromium.launch(executable_path=browser, args=list(OPTIONS))
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        opened: list[float] = []
        for _ in range(times + 1):
            began = time.perf_counter()
            _open(page, f"{dashboard.address}/map", ".canvas canvas")
            fits = "(canvas) => canvas.cy?.zoom() < 0.5"
            page.wait_for_function(fits, arg=page.locator(".canvas").element_handle())
            opened.append(time.perf_counter() - began)
        chromium.close()
    median = statistics.median(opened[1:])
    return f"A map of {SERVICES} services and {CALLS:,} calls is on the screen after {median:.2f} s."


@contextmanager
def _arriving(http: str, rate: int) -> Generator[None, None, None]:
    """Send new spans of the present, so many in a second, until the block ends."""
    over = threading.Event()

    def send() -> None:
        day = one_day(_REQUESTS, _REQUEST, a_second=rate)
        number = (time.time_ns() - START) // day.period
        with httpx.Client(headers={"content-type": "application/x-protobuf"}) as client:
            while not over.is_set():
                for at, template in enumerate(day.templates):
                    due = START + number * day.period + at * day.period // _REQUESTS
                    if over.wait(max(due - time.time_ns(), 0) / 1e9):
                        return
                    body = template.fresh(number, day.period)
                    client.post(f"http://{http}/v1/traces", content=body).raise_for_status()
                number += 1

    thread = threading.Thread(target=send)
    if rate:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if rate:
            thread.join()


def _used(process: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


if __name__ == "__main__":
    main()
