"""A map of 500 services and 2,000 calls among them."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page

from laban_collector.store.rows import Span
from tests.browser.dashboard_driver import canvas_of, dashboard, evaluate_on_map, visit
from tests.browser.page_monitor import PageMonitor
from tests.mapper.shop_spans import http_client, http_server
from tests.serving import serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SERVICES = 500
STEPS = (1, 7, 41, 139)


def all_calls() -> list[Span]:
    """Each service calls four others, in a trace of its own for each call."""
    spans: list[Span] = []
    for number in range(SERVICES):
        for step in STEPS:
            callee = (number * 3 + step) % SERVICES
            client = http_client(f"svc-{number:03}", "GET", 0, 20, http_server("web", "GET /", 0, 30))
            client = replace(client, parent_id=None, trace_id=f"{len(spans) + 1:032x}")
            spans += [client, http_server(f"svc-{callee:03}", "GET /", 5, 10, client)]
    return spans


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard for a collector with these calls."""
    with serving(tmp_path_factory.mktemp("large") / "large.duckdb") as running:
        running.send(all_calls())
        with dashboard(running.url) as found:
            yield found


def test_a_large_map_is_soon_drawn_and_moves_fluidly(page: Page, address: str, monitor: PageMonitor) -> None:
    visit(page, address, monitor, "/order")  # the scripts of Streamlit are loaded, and the source is open
    begun = time.monotonic()
    visit(page, address, monitor, "/map?window=All")
    canvas = canvas_of(page)
    drawn = time.monotonic() - begun
    assert evaluate_on_map(canvas, "[cy.nodes().length, cy.edges().length]") == [
        SERVICES,
        SERVICES * len(STEPS),
    ]
    assert drawn < 10  # 2 s on 2 quiet cores; a machine that runs tests is busy
    frames = evaluate_on_map(
        canvas,
        """new Promise((done) => {
          const times = [];
          const step = (now) => {
            times.push(now);
            cy.panBy({ x: 8, y: 3 });
            if (times.length < 31) requestAnimationFrame(step);
            else done((times.at(-1) - times[0]) / 30);
          };
          requestAnimationFrame(step);
        })""",
    )
    print(f"first picture {drawn:.2f} s, {frames:.0f} ms a frame")
    assert frames < 200
