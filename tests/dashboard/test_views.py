"""What the pages say; what the components draw is tested in a browser."""

from pathlib import Path
from typing import NoReturn

import pytest
from streamlit.testing.v1 import AppTest

from laban_app.errors import CollectorUnreachable
from laban_collector.errors import StoreLocked
from laban_dashboard import place
from tests.dashboard.conftest import OpenPage
from tests.dashboard.shop import ShopAnswers

PAGES = ("map", "order", "latency", "lag")


def text_of(at: AppTest) -> str:
    """Everything that the page says in Markdown, headings and captions."""
    elements = [*at.title, *at.subheader, *at.markdown, *at.caption, *at.error]
    return "\n".join(element.value for element in elements)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens(page: str, open_page: OpenPage) -> None:
    at = open_page(page)
    assert not at.exception
    assert at.title[0].value == page.title()


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_store_says_what_to_do(page: str, open_page: OpenPage, shop: ShopAnswers) -> None:
    shop.spans = 0
    at = open_page(page)
    assert not at.exception
    assert "No spans yet" in text_of(at)
    assert [block.value for block in at.code] == ["laban run -- python -m your_service", "laban demo"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "error", [CollectorUnreachable("Nobody answers there."), StoreLocked("Another has it.")]
)
def test_nobody_who_answers_is_said_with_the_place_that_was_asked(
    page: str, error: Exception, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_url: str | None, _db: Path | None) -> NoReturn:
        raise error

    monkeypatch.setattr(place, "open_answers", refuse)
    monkeypatch.setenv(place.URL_VARIABLE, "http://127.0.0.1:9")
    at = open_page(page)
    assert not at.exception
    told = text_of(at).replace("\\", "")
    assert "http://127.0.0.1:9" in told
    assert str(error) in told


def test_a_page_recovers_when_somebody_answers_again(
    open_page: OpenPage, shop: ShopAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_url: str | None, _db: Path | None) -> NoReturn:
        raise CollectorUnreachable("Nobody answers there.")

    with monkeypatch.context() as broken:
        broken.setattr(place, "open_answers", refuse)
        at = open_page("lag")
        assert "No answer from the collector" in text_of(at)
    assert "272" in text_of(at.run())


def test_the_map_offers_every_node_and_edge_to_the_keyboard(open_page: OpenPage, shop: ShopAnswers) -> None:
    options = open_page("map").selectbox[0].options
    assert "pricing (service)" in options
    assert "order → inventory" in options
    assert len(options) == len(shop.service_map().nodes) + len(shop.edges)


def test_picking_a_group_shows_its_callers_and_its_lag(open_page: OpenPage) -> None:
    at = open_page("map")
    at.selectbox[0].set_value("group:email").run()
    told = text_of(at)
    assert "#### email" in told
    assert "272 messages behind, about 42.0 s" in told
    assert "payments → email" in told


def test_picking_an_edge_shows_its_figures_and_evidence(open_page: OpenPage) -> None:
    at = open_page("map")
    at.selectbox[0].set_value("service:payment external:bank.example:443 sync http").run()
    figures = {metric.label: metric.value for metric in at.metric}
    assert figures == {"Calls": "882", "Errors": "31", "p50": "72 ms", "p95": "120 ms", "p99": "216 ms"}
    assert "Seen 882 by a parent span." in text_of(at)


def test_a_window_without_calls_says_so(open_page: OpenPage, shop: ShopAnswers) -> None:
    shop.edges = []
    assert "Nobody talked in this window" in text_of(open_page("map"))
    assert "No service called another in this window" in text_of(open_page("latency"))
    assert "No consumer group has been read yet" in text_of(open_page("lag"))


def test_an_order_in_the_address_is_told(open_page: OpenPage, shop: ShopAnswers) -> None:
    at = open_page("order", order="1002")
    assert ("order", "1002") in shop.asked
    told = text_of(at).replace("\\", "")
    assert ":red-badge[:material/error: failed] Order 1002 was created in 84 ms" in told
    assert "Root cause: bank.example" in told


def test_another_business_key_can_be_asked_for(open_page: OpenPage, shop: ShopAnswers) -> None:
    shop.orders = ("42",)
    open_page("order", order="customer=42")
    assert ("customer", "42") in shop.asked


def test_an_unknown_order_offers_the_nearest_and_opens_the_one_that_is_chosen(
    open_page: OpenPage, shop: ShopAnswers
) -> None:
    at = open_page("order", order="1003")
    assert "No order 1003 has been seen" in text_of(at)
    next(button for button in at.button if button.key == "nearest-1001").click().run()
    assert at.text_input[0].value == "1001"
    assert "still waiting behind 42 messages" in text_of(at)


def test_without_an_order_the_newest_are_offered(open_page: OpenPage) -> None:
    at = open_page("order")
    next(button for button in at.button if button.key == "open-1002").click().run()
    assert "Root cause" in text_of(at)


def test_a_settled_story_is_not_asked_for_at_every_refresh(open_page: OpenPage, shop: ShopAnswers) -> None:
    at = open_page("order", order="1002")
    before = len(shop.asked)
    at.run()
    assert len(shop.asked) == before


def test_latency_switches_between_edges_and_routes(open_page: OpenPage) -> None:
    at = open_page("latency", of="user")
    assert at.selectbox[0].value == "order → user"
    at = open_page("latency", by="By route")
    assert at.selectbox[0].value == "payment  process orders"


def test_lag_shows_a_card_for_each_group_and_the_partitions(open_page: OpenPage) -> None:
    at = open_page("lag", group="email")
    told = text_of(at)
    assert "**email** :red-badge[STOP]" in told
    assert "**payment** :green-badge[OK]" in told
    assert at.selectbox[0].value == "email"
    assert len(at.dataframe[0].value) == 6
