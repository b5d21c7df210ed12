"""The pages in a browser, with a real `laban serve` that received real spans."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import HEIGHT, ColourScheme
from tests.browser.contrast import faint_texts
from tests.browser.dashboard_driver import (
    canvas_of,
    cells_of,
    click_on_map,
    dashboard,
    evaluate_on_map,
    leave,
    press_slash,
    store_lag,
    visit,
)
from tests.browser.made_map import labels_of, overlaps_of_labels
from tests.browser.page_monitor import PageMonitor
from tests.browser.recorded_shop import (
    HOSTILE,
    HOSTILE_TEXT,
    ORDERS,
    SUCCESSFUL,
    TIMED_OUT,
    WAITING,
    all_orders,
    services,
    spans_of,
)
from tests.serving import Serving, serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PAGES = {
    "Home": "/",
    "Orders": "/orders",
    "Order": f"/order?order={TIMED_OUT}",
    "Map": "/map",
    "Findings": "/findings",
    "Diagrams": "/diagrams",
    "What if": "/what-if?window=All&down=pricing&slow=order=200ms",
    "Compare": "/compare?a=10m..5m&b=5m..",
    "Latency": "/latency",
    "Lag": "/lag",
}
ORDER_TO_PRICING = "service:order service:pricing sync grpc"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A collector with the recorded shop."""
    db = tmp_path_factory.mktemp("shop") / "shop.duckdb"
    store_lag(db)
    with serving(db) as running:
        running.send(all_orders())
        yield running


@pytest.fixture(scope="module")
def address(shop: Serving) -> Iterator[str]:
    """The address of a dashboard for this collector."""
    with dashboard(shop.url) as found:
        yield found


def test_the_map_has_every_service_and_both_kinds_of_edges(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/map?window=All")
    canvas = canvas_of(page)
    nodes = set(evaluate_on_map(canvas, "cy.nodes().map((node) => node.id())"))
    assert nodes >= {f"service:{name}" for name in services(all_orders())}
    assert nodes >= {"topic:orders", "topic:payments", "group:email", "group:payment"}
    assert set(evaluate_on_map(canvas, "cy.edges().map((edge) => edge.data('kind'))")) == {"sync", "async"}
    dashed = evaluate_on_map(canvas, "cy.edges('[kind = \"async\"]').map((edge) => edge.style('line-style'))")
    assert set(dashed) == {"dashed"}
    expect(page.locator(".legend")).to_contain_text("asynchronous")


def test_clicking_a_group_shows_its_lag_and_links_to_its_chart(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/map")
    click_on_map(page, canvas_of(page), "group:email")
    panel = page.locator(".st-key-panel")
    expect(panel).to_contain_text("consumer group")
    expect(panel).to_contain_text("10 messages behind")
    panel.get_by_text("Lag over time").click()
    expect(page.locator("h1")).to_have_text("Lag")
    expect(page.get_by_role("combobox", name="Consumer group")).to_have_value("email")


def test_a_node_is_found_by_the_keyboard_and_shown_with_its_neighbours(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/map?window=All")
    canvas = canvas_of(page)
    press_slash(page)
    expect(page.locator(".find")).to_be_focused()
    page.keyboard.type("pric")
    found = page.locator(".found a")
    expect(found).to_have_text("pricingservice")
    assert "focus=service%3Apricing" in (found.get_attribute("href") or "")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    near = "cy.nodes().map((node) => node.data('name')).sort()"
    page.wait_for_function("(canvas) => canvas.cy.nodes().length === 4", arg=canvas.element_handle())
    assert evaluate_on_map(canvas, near) == ["inventory", "order", "pricing", "user"]
    assert "focus=service%3Apricing" in page.url
    page.go_back()
    page.wait_for_function("(canvas) => canvas.cy.nodes().length > 4", arg=canvas.element_handle())
    assert "focus=" not in page.url


def test_arrow_keys_walk_over_the_map_and_enter_selects(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/map?window=All")
    canvas, told, panel = canvas_of(page), page.locator(".told"), page.locator(".st-key-panel")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect(told).to_contain_text("caller, not traced")
    page.keyboard.press("ArrowRight")
    expect(told).to_contain_text("order, service")
    page.keyboard.press("Enter")
    page.wait_for_url("**select=service%3Aorder**")
    page.keyboard.press("ArrowRight")
    expect(told).not_to_contain_text("order, service")
    page.keyboard.press("Escape")
    expect(told).to_be_empty()
    expect(panel).to_contain_text("Overview")
    page.keyboard.press("Escape")
    expect(canvas).not_to_be_focused()


@pytest.mark.parametrize("page_width", [800])
def test_names_and_labels_on_the_map_can_be_read_in_a_narrow_and_a_wide_window(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/map?window=All")
    canvas = canvas_of(page)
    for width in (800, 1440):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.wait_for_function(
            "([it, narrow]) => it.clientWidth < 800 === narrow", arg=[canvas.element_handle(), width == 800]
        )
        sizes = "cy.nodes().map((node) => node.numericStyle('font-size') * cy.zoom())"
        assert min(evaluate_on_map(canvas, sizes)) > 9
        assert evaluate_on_map(
            canvas, "cy.nodes().every((node) => node.style('label').includes(node.data('title')))"
        )
        boxes = (
            "cy.nodes().map((node) => [node.position('x'), node.position('y'), node.width(), node.height()])"
        )
        places = evaluate_on_map(canvas, boxes)
        for index, (x, y, node_width, height) in enumerate(places):
            for other_x, other_y, other_width, other_height in places[:index]:
                beside = abs(x - other_x) - (node_width + other_width) / 2
                assert beside > 0 or abs(y - other_y) > (height + other_height) / 2
        assert overlaps_of_labels(canvas) == []
        assert len(labels_of(canvas)) > evaluate_on_map(canvas, "cy.edges().length") / 2


def test_clicking_an_edge_shows_its_figures_and_evidence(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/map?window=All")
    canvas = canvas_of(page)
    click_on_map(page, canvas, ORDER_TO_PRICING)
    panel = page.locator(".st-key-panel")
    expect(panel).to_contain_text("order → pricing")
    expect(panel).to_contain_text("p99")
    expect(panel).to_contain_text("by parent span")
    page.keyboard.press("Escape")
    expect(panel).to_contain_text("Overview")


def test_zoom_selection_and_positions_survive_new_calls(
    page: Page, address: str, monitor: PageMonitor, shop: Serving
) -> None:
    visit(page, address, monitor, "/map?window=All")
    canvas = canvas_of(page)
    click_on_map(page, canvas, "service:order")
    expect(page.locator(".st-key-panel")).to_contain_text("order")
    page.get_by_role("button", name="Zoom in").click()
    places = "cy.nodes().map((node) => [node.id(), node.position()])"
    view = f"[cy.zoom(), cy.pan(), cy.$('.chosen').map((one) => one.id()), {places}]"
    before = evaluate_on_map(canvas, view)
    label = evaluate_on_map(canvas, "cy.getElementById(argument).data('label')", ORDER_TO_PRICING)
    shop.send([span for trace in range(100, 200) for span in spans_of("2001", 20, trace)])
    page.wait_for_function(
        "([canvas, id, label]) => canvas.cy.getElementById(id).data('label') !== label",
        arg=[canvas.element_handle(), ORDER_TO_PRICING, label],
    )
    assert evaluate_on_map(canvas, view) == before


def test_each_click_is_one_step_back(page: Page, address: str, monitor: PageMonitor) -> None:
    visit(page, address, monitor, "/orders?window=All")
    page.get_by_role("link", name=SUCCESSFUL, exact=True).click()
    page.wait_for_url(f"**/order?order={SUCCESSFUL}")
    page.get_by_role("link", name="Lag").first.click()
    page.wait_for_url("**/lag?window=All")
    page.get_by_role("link", name="Latency").first.click()
    page.wait_for_url("**/latency?window=All")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.go_back()
    expect(page.locator("h1")).to_have_text("Lag")
    expect(page.get_by_role("radio", name="All")).to_be_checked()
    page.wait_for_url("**/lag?window=All")
    page.go_back()
    page.wait_for_url(f"**/order?order={SUCCESSFUL}")
    expect(page.get_by_label("Order ID or key=value")).to_have_value(SUCCESSFUL)
    page.go_back()
    page.wait_for_url("**/orders?window=All")
    page.go_forward()
    page.wait_for_url(f"**/order?order={SUCCESSFUL}")


def test_an_order_is_found_by_its_id_and_has_its_own_url(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/order")
    expect(page.locator(".orders tbody tr").first).to_be_visible()
    search = page.get_by_role("textbox", name="Order ID")
    search.fill(SUCCESSFUL)
    search.press("Enter")
    expect(page.locator(".st-key-verdict")).to_contain_text(f"Order {SUCCESSFUL} was created in 84 ms")
    expect(page.locator(".st-key-verdict")).to_contain_text("ok")
    assert page.url.endswith(f"/order?order={SUCCESSFUL}")
    expect(page.locator(".lane .queue").first).to_be_attached()
    assert set(page.locator(".lane .label .name").all_text_contents()) == services(spans_of(SUCCESSFUL, 0))
    folded = page.locator(".step").count()
    page.get_by_text("Every step").click()
    expect(page.locator(".step")).to_have_count(len(spans_of(SUCCESSFUL, 0)))
    assert folded < len(spans_of(SUCCESSFUL, 0))
    assert "every=true" in page.url
    search.fill(TIMED_OUT)
    search.press("Enter")
    expect(page.locator(".st-key-verdict")).to_contain_text(f"Order {TIMED_OUT}")
    page.go_back()
    expect(page.locator(".st-key-verdict")).to_contain_text(f"Order {SUCCESSFUL}")
    expect(search).to_have_value(SUCCESSFUL)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    page.go_back()
    expect(page.locator(".orders tbody tr").first).to_be_visible()
    expect(search).to_have_value("")
    page.go_forward()
    expect(page.locator(".st-key-verdict")).to_contain_text(f"Order {SUCCESSFUL}")


@pytest.mark.parametrize("page_width", [800])
def test_a_bar_of_a_lane_opens_its_step_and_labels_at_a_pause_keep_apart(
    page: Page, address: str, monitor: PageMonitor, shop: Serving
) -> None:
    shop.send([*spans_of("2002", 21, 301), *spans_of("2002", 25, 302)])
    visit(page, address, monitor, "/order?order=2002")
    labels = page.locator(".lanes .ticks span")
    expect(page.locator(".lanes .ticks .break")).to_be_visible()
    boxes = [label.bounding_box() for label in labels.all() if label.is_visible()]
    for index, box in enumerate(boxes):
        for other in boxes[:index]:
            assert box is not None
            assert other is not None
            beside = max(box["x"] - other["x"] - other["width"], other["x"] - box["x"] - box["width"])
            assert beside >= 0 or abs(box["y"] - other["y"]) >= box["height"] - 1
    bar = page.locator(".lane button.span").last
    bar.click()
    expect(page.locator(".step.open")).to_have_count(1)
    expect(page.locator(".step.open .row")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".step.open")).to_have_count(0)


def test_an_order_is_drawn_as_a_sequence_and_leads_to_the_next_order(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, f"/order?order={SUCCESSFUL}&view=Sequence")
    picture = page.locator(".sequence svg")
    expect(picture).to_contain_text("shop.Pricing/Quote")
    assert page.locator(".sequence .head").count() == page.locator(".sequence .life").count() > 4
    page.get_by_role("link", name="Next order").first.click()
    expect(page.locator(".st-key-verdict")).to_contain_text(f"Order {TIMED_OUT}")
    expect(page.locator(".sequence .failing").first).to_be_attached()
    page.go_back()
    expect(page.locator(".st-key-verdict")).to_contain_text(f"Order {SUCCESSFUL}")


def test_a_failed_order_shows_its_root_cause_and_its_steps_expand(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, f"/order?order={TIMED_OUT}")
    expect(page.locator(".st-key-verdict")).to_contain_text("Cause: timed out · user")
    page.get_by_role("button", name="Errors").click()
    expect(page.locator(".step.failed")).to_have_count(page.locator(".step").count())
    row = page.locator(".row").last
    expect(row).to_have_attribute("aria-expanded", "true")  # the proof of the cause is open at first
    expect(page.locator(".details")).to_contain_text("ReadTimeout: timed out")
    row.focus()
    page.keyboard.press("Enter")
    expect(row).to_have_attribute("aria-expanded", "false")
    expect(page.locator(".details")).to_have_count(0)


def test_a_waiting_order_shows_the_number_of_messages_ahead(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, f"/order?order={WAITING}")
    expect(page.locator(".st-key-verdict")).to_contain_text("waiting")
    expect(page.get_by_role("row").filter(has_text="email")).to_contain_text("waiting behind 9 messages")
    assert faint_texts(page) == []


def test_an_unknown_order_offers_similar_orders(page: Page, address: str, monitor: PageMonitor) -> None:
    visit(page, address, monitor, "/order?order=100")
    expect(page.locator(".st-key-unknown")).to_contain_text("Unknown order: 100")
    offered = page.locator(".st-key-unknown").get_by_role("link").first
    known = offered.inner_text()
    assert offered.get_attribute("href") == f"order?order={known}"
    assert known in ORDERS
    offered.click()
    expect(page.locator(".st-key-verdict")).to_contain_text(f"Order {known}")


@pytest.mark.parametrize(
    "path", [f"/order?order={HOSTILE}", f"/order?order={HOSTILE}&view=Sequence", "/orders?window=All", "/"]
)
def test_text_from_spans_is_displayed_literally(
    path: str, page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, path)
    shown = page.locator(".st-key-verdict, .orders tbody tr").filter(has_text=HOSTILE_TEXT[:20])
    if path != "/":  # which orders are on Home depends on what else went badly
        expect(shown.first).to_contain_text("\\u202eodd\\x1b[2J")
    text = "".join(page.locator("body, .timeline, .orders, .sequence").all_text_contents())
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert page.locator("a[href*='stranger.example'], img[src='x'], img[src*='stranger']").count() == 0


def test_the_latency_page_has_percentiles_and_the_slowest_edge(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/latency?window=All")
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
    expect(page.get_by_role("combobox", name="Edge or route")).to_have_value("order → inventory")
    assert "order → pricing" in cells_of(page)
    page.get_by_role("radio", name="By route").click()
    expect(page.get_by_role("combobox", name="Edge or route")).to_have_value("user  GET /users/{customer_id}")


def test_the_lag_page_has_every_group_its_partitions_and_a_chart(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/lag?window=All")
    expect(page.locator(".st-key-card-email")).to_contain_text("STOP")
    expect(page.locator(".st-key-card-payment")).to_contain_text("OK")
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(1)
    assert {"email", "payment", "orders", "STOP"} <= cells_of(page)
    page.locator(".st-key-card-email").get_by_test_id("stTooltipIcon").hover()
    expect(page.get_by_test_id("stTooltipContent")).to_contain_text(
        "has committed nothing for longer than usual"
    )


def test_the_lag_page_says_which_orders_wait_and_opens_one(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/lag?window=All&group=email")
    queue = page.locator(".st-key-queue-email-orders")
    expect(queue).to_contain_text("orders → email")
    expect(queue).to_contain_text("1 message waiting")
    expect(queue).to_contain_text("9 more processed but not committed")
    expect(queue).to_contain_text("email process orders took 30 ms per message")
    queue.get_by_role("link", name=f"order {WAITING}").click()
    expect(page.locator("h1")).to_have_text("Order")
    expect(page.locator(".st-key-verdict")).to_contain_text(f"Order {WAITING}")


def test_a_what_if_question_is_asked_by_clicks_and_has_its_own_url(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/what-if?window=All")
    suggestion = page.locator(".st-key-suggestions").get_by_role("link").first
    expect(suggestion).to_have_attribute("href", re.compile("down="))  # it can be copied
    suggestion.click()
    answered = page.locator(".st-key-entry-0")
    expect(answered).to_contain_text("order POST /orders")
    expect(answered.get_by_role("row").filter(has_text="Fail, of 100")).to_contain_text("100")
    # What Streamlit loses on the way comes with the next refresh, after 30 s.
    expect(page).to_have_url(re.compile(r"[?&]down="), timeout=90_000)
    url = page.url
    page.locator(".st-key-changes").get_by_role("button").click()
    expect(page.locator(".st-key-suggestions")).to_be_visible()
    visit(page, address, monitor, url.removeprefix(address))
    expect(answered).to_be_visible()


def test_two_parts_of_a_recording_are_compared(page: Page, address: str, monitor: PageMonitor) -> None:
    visit(page, address, monitor, "/compare?a=10m..5m&b=5m..")
    expect(page.locator(".st-key-brought")).to_contain_text("A client waits for 2 services instead of 4")
    expect(page.get_by_role("row").filter(has_text="order ─▶ inventory")).to_contain_text("gone")


def _check_navigation_fits(page: Page) -> None:
    """No link of the navigation that is shown is cut off by the window."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-testid=stTopNavLink]')]"
        ".filter((link) => link.checkVisibility({ visibilityProperty: true, opacityProperty: true }))"
        ".every((link) => link.getBoundingClientRect().right <= innerWidth)"
    )


def test_with_a_token_a_browser_logs_in_first(page: Page, tmp_path: Path, monitor: PageMonitor) -> None:
    token = {"LABAN_TOKEN": "correct-horse"}
    db = tmp_path / "shop.duckdb"
    with serving(db, environment=token) as guarded, dashboard(guarded.url, token) as found:
        page.goto(f"{found}/lag?group=email")
        given = page.get_by_role("textbox", name="Token")
        given.fill("wrong-horse")
        given.press("Enter")
        expect(page.get_by_test_id("stAlert")).to_contain_text("This is not the token")
        expect(page.get_by_role("link", name="Home")).to_have_count(0)
        given.fill("correct-horse")
        given.press("Enter")
        expect(page.locator("h1")).to_have_text("Lag")
        expect(page.locator(".st-key-no_data")).to_be_visible()
        assert "horse" not in page.url
        kept = "localStorage.getItem('laban.login /')"
        page.wait_for_function(kept)
        assert "horse" not in page.evaluate("JSON.stringify(localStorage)")
        page.reload()
        expect(page.locator("h1")).to_have_text("Lag")
        page.goto(f"{found}/map")
        expect(page.locator("h1")).to_have_text("Map")
        for width in (1100, 1000, 950):
            page.set_viewport_size({"width": width, "height": 900})
            _check_navigation_fits(page)
        page.set_viewport_size({"width": 1440, "height": 900})
        page.get_by_role("link", name="Log out").click()
        expect(given).to_be_visible()
        expect(page.locator("h1")).to_have_count(0)
        page.reload()
        expect(given).to_be_visible()
        page.wait_for_function(f"{kept} === null")
        expect(page.locator("h1")).to_have_count(0)
        monitor.errors[:] = [error for error in monitor.errors if "/_stcore/" not in error]
        leave(page)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_its_window_in_light_and_dark(
    name: str, page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, PAGES[name])
    expect(page.locator("h1")).to_have_text(name)
    charts = "[data-testid=stVegaLiteChart]"
    drawn = {
        "Home": ".orders tbody tr",
        "Orders": ".orders tbody tr",
        "Order": ".step",
        "Map": ".canvas canvas",
        "Findings": ".st-key-finding-0",
        "Diagrams": "[role=region] img",
        "What if": ".st-key-assumptions",
        "Compare": ".st-key-brought",
    }
    expect(page.locator(drawn.get(name, charts)).first).to_be_attached()
    looks: list[tuple[int, ColourScheme]] = [(1440, "light"), (800, "dark")]
    for width, scheme in looks:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            "dark => (+getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
            ".match(/\\d+/)[0] < 128) === dark",
            arg=scheme == "dark",
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert faint_texts(page) == []
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map((it) => +it.tagName[1])")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels


def test_home_has_an_address_with_its_name(page: Page, address: str, monitor: PageMonitor) -> None:
    visit(page, address, monitor, "/home?window=All")
    expect(page.locator("h1")).to_have_text("Home")
    expect(page.get_by_test_id("stAlert")).to_contain_text("email has stopped")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_url(f"{address}/?window=All")


def test_home_says_what_is_wrong_and_opens_an_order_that_went_badly(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor)
    expect(page.get_by_test_id("stAlert")).to_contain_text("email has stopped: 10 messages behind")
    expect(page.locator(".st-key-figure-Worst-group")).to_contain_text("STOP")
    assert evaluate_on_map(canvas_of(page), "cy.getElementById('group:email').data('health')") == "stopped"
    bad = page.locator(".orders tbody tr").filter(has_text=WAITING)
    expect(bad).to_contain_text("waiting")
    bad.get_by_role("link").click()
    expect(page.locator("h1")).to_have_text("Order")
    expect(page.locator(".st-key-verdict")).to_contain_text(f"Order {WAITING}")
    page.go_back()
    expect(page.locator("h1")).to_have_text("Home")


def test_the_orders_are_filtered_by_the_url_and_each_has_a_link(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/orders?window=All&show=Failed")
    rows = page.locator(".orders tbody tr")
    expect(rows.filter(has_text=TIMED_OUT)).to_contain_text("failed")
    expect(rows.filter(has_text=SUCCESSFUL)).to_have_count(0)
    link = rows.filter(has_text=TIMED_OUT).get_by_role("link")
    assert link.get_attribute("href") == f"order?order={TIMED_OUT}"
    page.get_by_text("Failed", exact=True).click()
    expect(rows.filter(has_text=SUCCESSFUL).first).to_be_visible()
    assert "show=" not in page.url
    press_slash(page)
    page.get_by_role("searchbox", name="Find in this list").fill(TIMED_OUT)
    expect(rows.filter(visible=True)).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(link).to_be_focused()


def test_findings_are_searched_by_the_keyboard_and_the_url_keeps_the_text(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/findings?window=All&find=GROUP")
    shown = page.locator("[class*=st-key-finding-]").filter(visible=True)
    field = page.get_by_role("searchbox", name="Find in the findings")
    expect(field).to_have_value("GROUP")
    expect(shown.first).to_contain_text("group email")
    found = shown.count()
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()  # all of the page listens
    press_slash(page)
    expect(field).to_be_focused()
    page.keyboard.type("no such finding")
    expect(page.locator(".st-key-empty_window")).to_contain_text("No finding is like that")
    page.wait_for_url("**find=no+such+finding**")
    page.keyboard.type("s")
    page.wait_for_url("**find=no+such+findings**")
    page.keyboard.press("Escape")
    expect(shown.nth(found)).to_be_visible()
    page.wait_for_function("!location.search.includes('find=')")
    press_slash(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(shown.nth(1).locator("summary")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(field).to_be_focused()
    page.keyboard.press("Tab")
    page.go_back()  # all that was typed is one step
    page.wait_for_url("**find=GROUP**")
    expect(field).to_have_value("GROUP")
    expect(shown).to_have_count(found)


def test_a_diagram_is_chosen_seen_and_downloaded_and_the_url_keeps_it(
    page: Page, address: str, monitor: PageMonitor
) -> None:
    visit(page, address, monitor, "/diagrams?window=All&scope=Service&service=payment")
    picture = page.get_by_role("img", name="payment, up to 1 call away")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
    page.get_by_role("combobox", name="Format").click()
    page.get_by_role("option", name="mermaid").click()
    code = page.get_by_test_id("stCode")
    expect(code).to_contain_text('service_payment("payment")')
    expect(code).not_to_contain_text("service_pricing")
    assert "format=mermaid" in page.url
    assert "service=payment" in page.url
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "laban-diagram.mmd"
    assert "flowchart LR" in download.value.path().read_text(encoding="utf-8")


def test_a_refresh_does_not_fade_the_page(page: Page, address: str, monitor: PageMonitor) -> None:
    visit(page, address, monitor, "/map?window=All")
    canvas_of(page)
    page.wait_for_function("document.querySelector('[data-stale=true]') !== null")
    opacities = (
        "[...document.querySelectorAll('[data-stale=true], [data-testid=stExpander] summary')]"
        ".map((one) => getComputedStyle(one).opacity)"
    )
    assert set(page.evaluate(opacities)) == {"1"}


def test_an_unreachable_collector_is_reported_and_retried(page: Page, monitor: PageMonitor) -> None:
    with dashboard("http://127.0.0.1:9") as disconnected:
        visit(page, disconnected, monitor)
        expect(page.locator(".st-key-unanswered")).to_contain_text("http://127.0.0.1:9")
        expect(page.locator(".st-key-unanswered")).to_contain_text("retries automatically")
        leave(page)


def test_a_collector_without_spans_shows_how_to_send_some(
    page: Page, tmp_path: Path, monitor: PageMonitor
) -> None:
    with serving(tmp_path / "empty.duckdb") as empty, dashboard(empty.url) as found:
        visit(page, found, monitor)
        expect(page.locator(".st-key-no_data")).to_contain_text("laban demo")
        empty.send(spans_of(SUCCESSFUL, 0))
        assert evaluate_on_map(canvas_of(page), "cy.nodes().length") > 0
        leave(page)
