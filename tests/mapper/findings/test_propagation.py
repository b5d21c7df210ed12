from dataclasses import replace

from laban_collector.store.rows import Span
from laban_mapper.findings.broken_traces import RULE as BROKEN
from laban_mapper.findings.lost_context import RULE as LOST
from laban_mapper.findings.message_details import RULE as DETAILS
from tests.mapper.shop_spans import http_server

from .message_systems import consumed_from, found_by, published_to, system, usual_order

EDGES = [published_to("orders", 50), consumed_from("orders", "email", 50)]


def orphan(number: int) -> list[Span]:
    return [replace(http_server("api", "GET /things", 0, 5), parent_id=f"{number + 7:016x}")]


def alone(number: int) -> list[Span]:
    """A consumer without parent and link."""
    email = next(span for span in usual_order(number) if span.service == "email")
    return [replace(email, parent_id=None, offset=None)]


def test_spans_whose_parent_never_came_are_found() -> None:
    (found,) = found_by(BROKEN, system([orphan(number) for number in range(20)]))
    assert found.place == "service api"
    assert found.sentence == "20 sampled spans of api (of 20) name a parent that never came"


def test_a_parent_may_still_come_and_single_spans_get_lost_anywhere() -> None:
    assert not found_by(BROKEN, system([orphan(number) for number in range(20)], after=10))
    assert not found_by(BROKEN, system([orphan(number) for number in range(19)]))
    few = [[http_server("api", "GET /things", 0, 5)] for _ in range(600)]
    assert not found_by(BROKEN, system([*few, *(orphan(number) for number in range(20))]))


def test_a_consumer_that_begins_a_new_trace_although_the_publisher_is_traced_is_found() -> None:
    orders = [alone(number) for number in range(25)]
    (found,) = found_by(LOST, system(orders, EDGES))
    assert found.place == "topic orders → email"
    assert found.sentence == (
        "25 sampled messages of orders (of 25) begin a new trace in email, although the publisher is traced"
    )


def test_a_consumer_begins_a_trace_if_nobody_publishes_or_links_lead_back() -> None:
    orders = [alone(number) for number in range(25)]
    assert not found_by(LOST, system(orders, EDGES[1:])), "the publisher is not traced"
    assert not found_by(LOST, system([usual_order(number) for number in range(25)], EDGES))
    linked = [[replace(one, links=(("f" * 32, "e" * 16),)) for one in order] for order in orders]
    assert not found_by(LOST, system(linked, EDGES))


def test_spans_that_do_not_say_which_message_or_group_are_told() -> None:
    def stock(number: int) -> list[Span]:
        return [
            replace(span, offset=None, group=None) if span.topic else span for span in usual_order(number)
        ]

    found = found_by(DETAILS, system([stock(number) for number in range(20)]))
    assert [one.sentence for one in found] == [
        "spans of email that process messages lack offset and group (20 spans of 20 sampled)",
        "spans of order that publish messages lack offset (20 spans of 20 sampled)",
        "spans of payment that process messages lack offset and group (20 spans of 20 sampled)",
    ]
    assert not found_by(DETAILS, system([usual_order(number) for number in range(20)]))
