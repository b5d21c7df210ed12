"""Measures the dashboard in a real browser: until a page is useful, what a refresh costs, and ten browsers.

`./run bench dashboard [--spans 1M,10M] [--times N] [--keep DIR] [--publish]` fills a store of each size, as
`./run bench query` does, and starts a collector and a dashboard on it. "Useful" is the time from the request
of the page until its numbers are on the screen, in a browser that has loaded Streamlit before; the median of
N. The cost of a refresh is processor time of the dashboard and of the collector, while one browser has the
page open, divided by the refreshes; a long task is 50 ms or more in which the page does not react.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Final, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.query import filled, sizes_of
from benchmarks.workload import report
from laban_collector.store.duckdb.connection.database import Database
from tests.browser.conftest import OPTIONS, find_chromium
from tests.browser.dashboard_driver import running_dashboard
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
    "the median. Refresh: processor time for one refresh, of the dashboard and of the collector. Long tasks: "
    "of the page while it refreshes, 50 ms or more each. 10 to 1: the collector's processor time with ten "
    "browsers on the page, divided by that with one. Two that ask at different times cost twice as much."
)
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
    parser.add_argument("--times", type=int, default=5, help="how often to open a page")
    parser.add_argument("--refreshes", type=int, default=4, help="how many refreshes to watch")
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
        "10 to 1",
    ]
    rows: list[list[str]] = []
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() if options.keep is None else nullcontext(options.keep) as folder:
        for size, spans in options.spans.items():
            path = Path(folder) / f"{size}.duckdb"
            with Database.open(path) as database:
                filled(database, spans)
            with serving(path, anew=True) as collector, running_dashboard(collector.url) as dashboard:
                processes = Processes(dashboard.process.pid, collector.process.pid)
                with sync_playwright() as playwright:
                    chromium = playwright.chromium.launch(executable_path=browser, args=list(OPTIONS))
                    for name in options.pages:
                        cells = _measure(
                            chromium, dashboard.address, name, processes, options.times, options.refreshes
                        )
                        rows.append([name, size, *cells])
                        print(" | ".join(rows[-1]), file=sys.stderr)
                    chromium.close()
    load = f"Load of the machine before and after: {before:.0f} and {os.getloadavg()[0]:.0f}."
    text = f"{report.machine()} {load}\n\n{report.table(head, rows)}\n\n{_HOW}"
    print(text)
    if options.publish:
        report.publish("dashboard", text)


def _measure(
    chromium: Browser, address: str, name: str, processes: Processes, times: int, refreshes: int
) -> list[str]:
    path, useful, every = PAGES[name]
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.add_init_script(_LONG_TASKS)
    opened = [_open(page, address + path, useful) for _ in range(times + 1)][1:]
    dashboard, collector, tasks = _refreshes(page, every, processes, refreshes)
    context.close()
    one, ten = (_several(chromium, number, address + path, useful, every, processes) for number in (1, 10))
    return [
        f"{statistics.median(opened):.2f}",
        f"{1000 * dashboard:.0f}",
        f"{1000 * collector:.0f}",
        f"{len(tasks)}",
        f"{max(tasks, default=0):.0f}",
        f"{ten / one:.1f}" if one else "–",
    ]


def _open(page: Page, url: str, useful: str) -> float:
    """Seconds until a page is useful."""
    page.goto("about:blank")
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator(useful).first.wait_for(state="visible", timeout=120_000)
    return time.perf_counter() - began


def _refreshes(page: Page, every: int, processes: Processes, number: int) -> tuple[float, float, list[float]]:
    """Seconds of processor time for a refresh, of dashboard and collector; and the long tasks (ms)."""
    page.wait_for_timeout(1000 * every)  # what follows from opening the page is no refresh
    page.evaluate("window.longTasks.length = 0")
    before = processes.used()
    page.wait_for_timeout(1000 * every * number)
    dashboard, collector = (after - start for after, start in zip(processes.used(), before, strict=True))
    return dashboard / number, collector / number, page.evaluate("window.longTasks")


def _several(
    chromium: Browser, browsers: int, url: str, useful: str, every: int, processes: Processes
) -> float:
    """Seconds of processor time of the collector while several browsers have the page open."""
    contexts = [chromium.new_context() for _ in range(browsers)]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        _open(page, url, useful)
    pages[0].wait_for_timeout(1000 * every)
    before = processes.used()[1]
    pages[0].wait_for_timeout(2000 * every)
    used = processes.used()[1] - before
    for context in contexts:
        context.close()
    return used


def _used(process: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


if __name__ == "__main__":
    main()
