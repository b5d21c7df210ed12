"""Text from spans is text on every page: no link, no HTML, no reordering, no control characters."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from tests.browser.dashboard_driver import dashboard, visit
from tests.browser.hostile_shop import HOST, ORDER, hostile_orders, hostile_polls, names_of
from tests.browser.page_monitor import PageMonitor
from tests.hostile import UNSAFE
from tests.serving import serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CONTROLS: Final = next(name for name in names_of(hostile_orders()) if "\x1b" in name)
PAGES: Final = {
    "Home": "/",
    "Orders": "/orders?window=All",
    "Order": f"/order?order={quote(ORDER)}",
    "Map": "/map?window=All",
    "Findings": "/findings?window=All",
    "Diagrams": "/diagrams?window=All",
    "Diagrams, of a service": f"/diagrams?window=All&scope=Service&service={quote(CONTROLS)}",
    "What if": f"/what-if?window=All&down={quote('<b>x</b>[y](http://' + HOST + ')')}",
    "Compare": f"/compare?a=30m..15m&b={quote('[y](http://' + HOST + ')..')}",
    "Latency": "/latency?window=All",
    "Lag": "/lag?window=All",
}
DRAWN: Final = {
    "Home": ".orders tbody tr",
    "Orders": ".orders tbody tr",
    "Order": ".step",
    "Map": ".canvas canvas",
    "Findings": ".st-key-finding-0",
    "Diagrams": "[role=region] img",
    "Diagrams, of a service": "input[value*=bell]",
    "What if": "[data-testid=stAlert]",
    "Compare": "[data-testid=stAlert]",
    "Latency": "[data-testid=stVegaLiteChart] svg",
    "Lag": "[data-testid=stVegaLiteChart] svg",
}
FOUND: Final = """() => {
  const roots = [document];
  for (const root of roots) {
    for (const one of root.querySelectorAll('*')) if (one.shadowRoot) roots.push(one.shadowRoot);
  }
  const all = (what) => roots.flatMap((root) => [...root.querySelectorAll(what)]);
  const shown = all('*').filter((one) => !['SCRIPT', 'STYLE'].includes(one.tagName));
  return {
    links: all('a[href]').map((one) => one.href),
    media: all('img[src], iframe[src], object, embed').map((one) => one.src || one.tagName),
    texts: shown.flatMap((one) => [...one.childNodes].filter((node) => node.nodeType === 3)
      .map((node) => node.data)),
    values: all('input').map((one) => one.value),
    titles: shown.flatMap((one) => ['title', 'aria-label', 'alt'].map((at) => one.getAttribute(at) ?? '')),
    canvases: all('.canvas').filter((one) => one.cy)
      .flatMap((one) => one.cy.elements().map((it) => it.data('label') ?? '')),
    bold: all('b').filter((one) => one.textContent === '1').length,
  };
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard of the shop with hostile names."""
    db = tmp_path_factory.mktemp("hostile") / "shop.duckdb"
    database = Database.open(db)
    try:
        DuckDBWriter(database).write_lag(hostile_polls())
    finally:
        database.close()
    with serving(db) as running:
        running.send(hostile_orders())
        with dashboard(running.url) as found:
            yield found


def show_tooltip(page: Page, chart: Locator) -> None:
    """Move over a chart until it shows a tooltip."""
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    tooltip = page.locator("#vg-tooltip-element.visible")
    for across in range(2, 40):
        for down in range(2, 20):
            page.mouse.move(box["x"] + box["width"] * across / 40, box["y"] + box["height"] * down / 20)
            if tooltip.count():
                expect(tooltip).to_contain_text("\\u202e")
                return
    raise AssertionError("no tooltip")


def test_text_from_spans_is_text_on_every_page(page: Page, address: str, monitor: PageMonitor) -> None:
    for name, path in PAGES.items():
        visit(page, address, monitor, path)
        expect(page.locator("h1")).to_have_text(name.partition(",")[0])
        drawn = page.locator(DRAWN[name]).first
        expect(drawn).to_be_attached()
        if name == "Lag":  # its tooltips have names
            show_tooltip(page, drawn)
        found = page.evaluate(FOUND)
        assert {link for link in found["links"] if not link.startswith(address)} == set(), name
        assert [one for one in found["media"] if HOST in one] == [], name
        assert found["bold"] == 0, name
        for kind in ("texts", "values", "titles", "canvases"):
            unsafe = [text for text in found[kind] if UNSAFE.search(text)]
            assert unsafe == [], (name, kind)
        assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth"), name
