"""Event types and versions for people."""

from datetime import UTC, datetime

import pytest

from laban_collector.store.rows import ContractRow, EdgeRow
from laban_mapper.contracts import contract_name, labels
from laban_mapper.diagrams.drawing import simplify
from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.registry import FORMATS
from laban_mapper.model import Contract
from laban_mapper.service_map import build_service_map

SINCE = datetime(2026, 11, 23, 9, tzinfo=UTC)
UNTIL = datetime(2026, 11, 23, 10, tzinfo=UTC)
MINUTE = 60 * 10**9


def row(event_type: str | None, version: str | None = None, calls: int = 1, errors: int = 0) -> ContractRow:
    return ContractRow(event_type, version, calls, errors, MINUTE, 2 * MINUTE)


def contract(event_type: str | None, version: str | None = None) -> Contract:
    return Contract(event_type=event_type, version=version, calls=1, first=SINCE, last=UNTIL)


@pytest.mark.parametrize(
    ("event_type", "version", "expected"),
    [
        ("OrderCreated", None, "OrderCreated"),
        ("OrderCreated", "2", "OrderCreated (2)"),
        (None, "7", "schema 7"),
        (None, None, ""),
        ("OrderCreated", "https://schemas.shop.example/v2/order", "OrderCreated (v2/order)"),
        ("OrderCreated", "https://shop.example/", "OrderCreated (https://shop.example/)"),
        ("a\x1b[31mb\nc", "\u202e1", "a\\x1b[31mb c (\\u202e1)"),
        ("x" * 500, "9" * 500, f"{'x' * 26}…{'x' * 13} ({'9' * 15}…{'9' * 8})"),
    ],
)
def test_a_type_and_a_version_have_a_short_printable_name(
    event_type: str | None, version: str | None, expected: str
) -> None:
    assert contract_name(event_type, version) == expected


@pytest.mark.parametrize(
    ("contracts", "expected"),
    [
        ([], []),
        ([contract("a", "2"), contract("b"), contract("a", "1")], ["a (1, 2)", "b"]),
        ([contract(None, "7"), contract(None, "8")], ["schema 7, 8"]),
        ([contract(f"t{number}") for number in range(5)], ["t0", "t1", "t2", "2 more"]),
        ([contract("other"), contract("a")], ["a", "more event types"]),
        ([contract("a", str(number)) for number in range(9)], ["a (0, 1, 2, …)"]),
    ],
)
def test_labels_name_the_first_event_types_and_say_how_many_more(
    contracts: list[Contract], expected: list[str]
) -> None:
    assert labels(contracts) == expected


def test_the_edges_of_a_topic_show_what_its_messages_are() -> None:
    types = tuple(row(name) for name in ("OrderCreated", "OrderPaid", "OrderSent", "OrderLost"))
    hops = [
        EdgeRow("service:order", "topic:orders", "async", "kafka", 9, 0, 1.0, 2.0, 3.0, 0, 0, 9, types),
        EdgeRow(
            "topic:orders",
            "group:email",
            "async",
            "kafka",
            9,
            1,
            1.0,
            2.0,
            3.0,
            9,
            0,
            0,
            (row("<b>\x07", "2"),),
        ),
        EdgeRow(
            "group:email", "service:email", "async", "kafka", 9, 1, 1.0, 2.0, 3.0, 9, 0, 0, (row("unseen"),)
        ),
    ]
    found = build_service_map(hops, [], SINCE, UNTIL)
    [published] = [edge for edge in found.edges if edge.source == "service:order"]
    assert published.contracts[0] == Contract(
        event_type="OrderCreated",
        calls=1,
        first=datetime(1970, 1, 1, 0, 1, tzinfo=UTC),
        last=datetime(1970, 1, 1, 0, 2, tzinfo=UTC),
    )
    arrows = {arrow.source: arrow.lines for arrow in simplify(Graph(found)).arrows}
    assert arrows["service:order"][:4] == ("OrderCreated", "OrderPaid", "OrderSent", "1 more")
    assert arrows["topic:orders"][:2] == ("group email", "<b>\\x07 (2)")  # another type than is published
    assert b"#lt;b#gt;" in FORMATS["mermaid"].write(Graph(found))
    assert b"<b>" not in FORMATS["svg"].write(Graph(found))


def test_a_consumer_of_what_is_published_repeats_no_types() -> None:
    both = (row("OrderCreated"), row("OrderPaid"))
    hops = [
        EdgeRow("service:order", "topic:orders", "async", "kafka", 9, 0, 1.0, 2.0, 3.0, 0, 0, 9, both),
        EdgeRow("topic:orders", "group:email", "async", "kafka", 9, 1, None, None, None, 9, 0, 0, both[:1]),
    ]
    found = build_service_map(hops, [], SINCE, UNTIL)
    arrows = {arrow.source: arrow.lines for arrow in simplify(Graph(found)).arrows}
    assert arrows["topic:orders"] == ("kafka 0.1/min", "11% errors")
