"""The texts and controls of the pages. The browser tests cover the components."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NoReturn

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from laban_app.errors import CollectorUnreachable, OtherVersion, RequestRefused, TokenRefused
from laban_collector.errors import StoreLocked
from laban_dashboard import answer_source
from laban_mapper.model import LatencyHistory, Orders, ServiceMap
from laban_mapper.whatif.changes import ChangeTexts
from tests.dashboard.conftest import OpenPage
from tests.dashboard.shop_answers import TRACE, ShopAnswers, edge, graph_of

PAGES = ("home", "orders", "order", "map", "findings", "diagrams", "what_if", "compare", "latency", "lag")


def text_of(at: AppTest) -> str:
    """Return the Markdown texts, headings and captions of the page."""
    elements = [*at.title, *at.header, *at.markdown, *at.caption, *at.error, *at.success]
    return "\n".join(element.value for element in elements).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens(page: str, open_page: OpenPage) -> None:
    at = open_page(page)
    assert not at.exception
    assert at.title[0].value == page.replace("_", " ").capitalize()


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_store_shows_how_to_send_spans(page: str, open_page: OpenPage, shop: ShopAnswers) -> None:
    shop.spans = 0
    at = open_page(page)
    assert not at.exception
    assert "No spans yet" in text_of(at)
    assert [block.value for block in at.code] == ["laban run -- python -m your_service", "laban demo"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("error", [CollectorUnreachable("No collector."), StoreLocked("Locked.")])
def test_an_unreachable_source_is_reported_with_its_address(
    page: str, error: Exception, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(answer_source, "open_answers", refuse)
    monkeypatch.setenv(answer_source.URL_VARIABLE, "http://127.0.0.1:9")
    at = open_page(page)
    assert not at.exception
    text = text_of(at).replace("\\", "").replace(":small[]", "")
    assert "http://127.0.0.1:9" in text
    assert str(error) in text


def test_a_page_recovers_when_the_source_is_reachable_again(
    open_page: OpenPage, shop: ShopAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise CollectorUnreachable("No collector.")

    with monkeypatch.context() as broken:
        broken.setattr(answer_source, "open_answers", refuse)
        at = open_page("lag")
        assert "Cannot reach the collector" in text_of(at)
    assert "272" in text_of(at.run())


def test_selecting_a_group_shows_its_incoming_edges_and_its_lag(open_page: OpenPage) -> None:
    text = text_of(open_page("map", select="group:email"))
    assert "## email" in text
    assert "272 messages behind, about 42\\.0 s" in text
    assert "**From**" in text


def test_selecting_an_edge_shows_its_figures_and_evidence(open_page: OpenPage) -> None:
    at = open_page("map", select="service:payment external:bank.example:443 sync http")
    figures = {metric.label: metric.value for metric in at.metric}
    assert figures == {"Calls": "882", "Errors": "31", "p50": "72 ms", "p95": "120 ms", "p99": "216 ms"}
    assert "Evidence: 882 by parent span." in text_of(at)


def test_the_url_says_around_which_node_the_map_is_drawn(open_page: OpenPage) -> None:
    at = open_page("map", focus="service:pricing", depth="2")
    assert [text.value for text in at.text] == ["Around pricing (service), steps:"]
    assert set(at.dataframe[0].value["from"]) == {"order", "inventory"}
    at.button[0].click().run()
    assert "focus" not in at.query_params
    assert not at.text


def test_a_large_map_opens_folded_and_a_selected_service_opens_its_namespace(
    open_page: OpenPage, shop: ShopAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [
        edge(f"service:s{at}", f"service:s{at + 1}", "http", 90, errors=50 * (at == 3)) for at in range(89)
    ]
    found = graph_of(calls)
    spaced = [node.model_copy(update={"namespace": f"n{int(node.name[1:]) // 10}"}) for node in found.nodes]
    large = found.model_copy(update={"nodes": spaced})

    def answer(*_: object, **__: object) -> ServiceMap:
        return large

    monkeypatch.setattr(shop, "service_map", answer)
    at = open_page("map")
    text = text_of(at)
    assert "90 services are folded into 9 namespaces. Select one and choose Open this namespace" in text
    assert "**Failing in a namespace**" in text
    assert len(at.dataframe[0].value) == 8
    at = open_page("map", select="service:s4")
    assert at.query_params["open"] == "n0"
    assert "80 services are folded into 8 namespaces." in text_of(at)
    assert "## s4" in text_of(at)
    assert len(open_page("map", namespaces="false").dataframe[0].value) == 89


def test_the_map_is_compared_with_the_hour_before(open_page: OpenPage) -> None:
    text = text_of(open_page("map", compare="true"))
    assert "Compared with the hour before: nothing new, nothing gone, nothing much slower." in text


def test_the_map_is_replayed_minute_by_minute(open_page: OpenPage) -> None:
    at = open_page("map", replay="true")
    [slider] = at.select_slider
    assert len(slider.options) == 56
    assert slider.value == "12:01"
    slider.set_value("11:40").run()
    assert "11:35:00 – 11:40:00" in text_of(at)


def test_a_time_range_without_calls_is_reported(open_page: OpenPage, shop: ShopAnswers) -> None:
    shop.edges = []
    assert "No calls in this time range" in text_of(open_page("map"))
    assert "No calls between services in this time range" in text_of(open_page("latency"))
    assert "No consumer groups yet" in text_of(open_page("lag"))


def test_an_order_in_the_url_is_displayed(open_page: OpenPage, shop: ShopAnswers) -> None:
    at = open_page("order", order="1002")
    assert ("order", "1002") in shop.queried
    text = text_of(at).replace("\\", "")
    assert ":red-badge[:material/error: failed] Order 1002 was created in 84 ms" in text
    assert "**Cause** · bank.example" in text


def test_an_order_links_to_grafana_if_its_url_is_set(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not open_page("order", order="1002").get("link_button")
    monkeypatch.setenv("LABAN_GRAFANA_URL", "http://grafana:3000/d/laban")
    answer_source.reconnect()
    [button] = open_page("order", order="1002").get("link_button")
    assert button.proto.url.startswith("http://grafana:3000/d/laban?from=")
    assert button.proto.url.endswith("&var-order=1002")


def test_another_business_key_can_be_queried(open_page: OpenPage, shop: ShopAnswers) -> None:
    shop.known = ("42",)
    open_page("order", order="customer=42")
    assert ("customer", "42") in shop.queried


def test_an_order_opens_in_the_tools_that_the_settings_name(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABAN_LINKS__JAEGER", "http://jaeger:16686/trace/{trace_id}")
    [link] = open_page("order", order="1001").get("link_button")
    assert (link.proto.label, link.proto.url) == ("Open in Jaeger", f"http://jaeger:16686/trace/{TRACE}")
    monkeypatch.setenv("LABAN_LINKS__JAEGER", "jaeger")
    at = open_page("order", order="1001")
    assert not at.exception
    assert "is not an address" in text_of(at)


def test_an_unknown_order_says_so(open_page: OpenPage) -> None:
    text = text_of(open_page("order", order="1003"))
    assert "Unknown order: 1003" in text
    assert "Similar values:" in text


def test_home_says_what_is_wrong(open_page: OpenPage) -> None:
    text = text_of(open_page("home")).replace("\\", "")
    assert "email has stopped: 272 messages behind, about 42.0 s" in text
    assert re.search(r"The last span came \d+ days ago\.\*\* Until then:", text)
    assert "Orders that went badly" in text


def test_findings_are_listed_with_why_what_to_do_and_the_reason_why_one_is_ignored(
    open_page: OpenPage,
) -> None:
    text = text_of(open_page("findings")).replace("\\", "")
    assert ":red-badge[error] **L022 group-stopped** · group email" in text
    assert "email commits nothing; 272 messages of orders wait" in text
    assert "**What to do.** Look at the log of the consumer." in text
    assert ":gray-badge[ignored] **L020 topic-without-consumer**" in text
    assert "Ignored: the auditors read it once a year" in text


def test_home_says_that_nothing_is_wrong(
    open_page: OpenPage, shop: ShopAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.edges, shop.known = [], ()
    live = shop.status().model_copy(update={"last": datetime.now(UTC)})
    monkeypatch.setattr(shop, "status", lambda: live)
    text = text_of(open_page("home"))
    assert "Nothing fails or is stuck now" in text
    assert "No recent span has the business key order" in text


@pytest.mark.parametrize("page", ["home", "orders", "order"])
def test_without_business_keys_the_pages_of_orders_say_how_to_set_them(
    page: str, open_page: OpenPage, shop: ShopAnswers
) -> None:
    shop.known = ()
    at = open_page(page)
    assert "No recent span has the business key order" in text_of(at)
    assert at.code[0].value.startswith("LABAN_KEYS=")


def test_orders_of_another_time_are_no_missing_keys(
    open_page: OpenPage, shop: ShopAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = shop.orders().model_copy(update={"orders": [], "looked_at": 0})

    def orders(*_: object) -> Orders:
        return none

    monkeypatch.setattr(shop, "orders", orders)
    assert "No span has the business key order in this time range" in text_of(open_page("orders"))


def test_a_page_that_failed_asks_again_soon(
    open_page: OpenPage, shop: ShopAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise CollectorUnreachable("No collector.")

    asked: list[float] = []
    fragment = streamlit.fragment

    def recorded(*, run_every: float) -> Callable[[Callable[[], None]], Callable[[], None]]:
        asked.append(run_every)
        return fragment(run_every=run_every)

    monkeypatch.setattr(streamlit, "fragment", recorded)
    with monkeypatch.context() as broken:
        broken.setattr(shop, "status", refuse)
        at = open_page("diagrams")
        assert asked[-1] == 5
    at.run()
    assert asked[-1] == 60


def test_a_final_story_is_not_queried_at_every_refresh(open_page: OpenPage, shop: ShopAnswers) -> None:
    at = open_page("order", order="1002")
    before = len(shop.queried)
    at.run()
    assert len(shop.queried) == before


def test_latencies_of_an_older_collector_say_that_it_must_be_updated(
    open_page: OpenPage, shop: ShopAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = shop.latency("edge").model_copy(update={"totals": []})

    def latency(*_: object) -> LatencyHistory:
        return older

    monkeypatch.setattr(shop, "latency", latency)
    text = text_of(open_page("latency"))
    assert "The collector has another version than the dashboard" in text
    assert "Update it" in text


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TokenRefused("http://c requires a valid token."), "The collector requires a token"),
        (OtherVersion("http://c does not know this question."), "The collector has another version"),
        (RequestRefused("http://c failed. Is it `laban serve`?"), "did not answer this question"),
        (RequestRefused("http://c failed. Is it `laban serve`?"), "Is it `laban serve`?"),
        (StoreLocked("shop.duckdb is open in another process."), "Cannot read the database"),
    ],
)
def test_a_refused_question_says_what_to_do(
    error: Exception, told: str, open_page: OpenPage, shop: ShopAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(shop, "waiting", refuse)
    at = open_page("lag")
    text = text_of(at)
    assert told in text
    assert "Cannot reach" not in text
    assert [block.value for block in at.code] == (
        ["LABAN_TOKEN=… laban dashboard"] if isinstance(error, TokenRefused) else []
    )


def test_the_latency_page_switches_between_edges_and_routes(open_page: OpenPage) -> None:
    at = open_page("latency", of="user")
    assert at.selectbox[0].value == "order → user"
    at = open_page("latency", by="By route")
    assert at.selectbox[0].value == "payment  process orders"
    at = open_page("latency", by="By route", of="order  POST /orders")
    figures = {metric.label: (metric.value, metric.delta) for metric in at.metric}
    assert figures["p95"][0] == "193 ms"
    assert figures["Objective (p95)"] == ("150 ms", "missed")


def test_a_chosen_edge_is_in_the_url(open_page: OpenPage) -> None:
    at = open_page("latency")
    at.selectbox[0].set_value("inventory → pricing").run()
    assert at.query_params["of"] == "inventory → pricing"
    assert at.selectbox[0].value == "inventory → pricing"


def test_the_lag_page_has_a_card_per_group_and_a_row_per_partition(open_page: OpenPage) -> None:
    at = open_page("lag", group="email")
    text = text_of(at)
    assert "**email** :red-badge[STOP]" in text
    assert "**payment** :green-badge[OK]" in text
    assert at.selectbox[0].value == "email"
    assert len(at.dataframe[0].value) == 2
    assert len(open_page("lag").dataframe[0].value) == 6


def test_the_lag_page_says_how_fast_a_queue_drains_which_orders_wait_and_why(open_page: OpenPage) -> None:
    text = text_of(open_page("lag")).replace("\\", "").replace(":small[]", "")
    assert "3.2/s in, 0/s out" in text
    assert ":red[never drains at this rate]" in text
    assert "**orders → email** · 272 messages waiting" in text
    assert ":orange-badge[slow] email SMTP send took 480 ms per message" in text
    assert "2 of 272 waiting messages are known by a span" in text
    assert "waits 42.0 s · by order · 0@860" in text


def test_without_a_broker_the_lag_page_says_how_to_name_one(open_page: OpenPage, shop: ShopAnswers) -> None:
    shop.edges = []
    at = open_page("lag")
    assert [block.value for block in at.code] == ["laban serve --kafka HOST:PORT"]


def test_a_what_if_question_is_in_the_url_and_answered_with_its_assumptions(
    open_page: OpenPage, shop: ShopAnswers
) -> None:
    at = open_page("what_if", down="user", slow="pricing=500ms")
    assert shop.asked[-1] == ChangeTexts(down=("user",), slow=("pricing=500ms",))
    text = text_of(at).replace("\\", "")
    assert "## If user is changed and pricing=500ms is changed" in text
    assert "order waits at most 2 s for user, as its spans say." in text
    assert "100 of 900 traces" in text
    buttons = {button.label.replace("\\", ""): button for button in at.button}
    buttons["user does not answer"].click().run()
    assert "down" not in at.query_params
    assert shop.asked[-1] == ChangeTexts(slow=("pricing=500ms",))


def test_a_change_is_added_to_the_url(open_page: OpenPage, shop: ShopAnswers) -> None:
    at = open_page("what_if")
    assert not shop.asked
    assert "try one of these" in text_of(at)
    at.selectbox[0].set_value("timeout").run()
    at.selectbox[1].set_value("order→user").run()
    at.text_input[0].set_value("2s").run()
    next(button for button in at.button if button.label == "Add").click().run()
    assert at.query_params["timeout"] == "order→user=2s"
    assert shop.asked[-1] == ChangeTexts(timeouts=("order→user=2s",))


def test_a_change_that_the_browser_has_not_got_is_put_into_the_url_again(
    open_page: OpenPage, shop: ShopAnswers
) -> None:
    at = open_page("what_if")
    next(button for button in at.button if button.label == "Add").click().run()
    asked = shop.asked[-1]
    assert asked.down
    at.query_params.clear()  # a run with the URL that the browser had before
    at.run()
    assert at.query_params["down"] == asked.down[0]
    assert shop.asked[-1] == asked
    at.run()
    at.query_params.clear()  # the reader goes back
    at.run()
    assert "down" not in at.query_params
    assert "try one of these" in text_of(at)


def test_an_unknown_service_of_a_what_if_question_is_told_with_the_known_ones(open_page: OpenPage) -> None:
    text = text_of(open_page("what_if", down="nobody")).replace("\\", "")
    assert "No recorded trace has a service 'nobody'. It has order, user." in text


def test_two_time_ranges_are_compared(open_page: OpenPage) -> None:
    at = open_page("compare", a="2h..1h", b="1h..")
    assert [box.value for box in at.selectbox] == ["2h..1h", "1h.."]
    text = text_of(at)
    assert "What the change brought" in text
    assert "Nothing has changed that can be told" in text
    at.selectbox[0].set_value("yesterday").run()
    assert at.query_params["a"] == "yesterday"


def test_two_time_ranges_without_calls_are_not_compared(shop: ShopAnswers, open_page: OpenPage) -> None:
    shop.edges.clear()
    text = text_of(open_page("compare", a="3h..2h", b="2h..")).replace("\\", "")
    assert "There are no calls in 3h..2h and in 2h.." in text
    assert "Select another time range above. The spans are of" in text
    assert "What the change brought" not in text


def test_with_a_token_nothing_is_shown_before_the_login(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABAN_TOKEN", "correct-horse")
    at = open_page("lag")
    assert not at.title
    assert "Log in" in text_of(at)
    at.text_input[0].set_value("wrong-horse")
    at.button[0].click().run()
    assert "This is not the token." in text_of(at)
    assert not at.title
    at.text_input[0].set_value("correct-horse")
    at.button[0].click().run()
    assert at.title[0].value == "Lag"
    assert "token_given" not in at.session_state
    assert "correct-horse" not in str(at.query_params)
    at = at.switch_page("views/home.py").run()
    assert at.title[0].value == "Home"


def test_what_cannot_be_compared_is_told(open_page: OpenPage) -> None:
    text = text_of(open_page("compare", a="/etc/passwd")).replace("\\", "")
    assert "'/etc/passwd' is not a time range" in text
    assert "Name other files and collectors with --beside" in text
