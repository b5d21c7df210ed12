"""Several versions on a topic at once, and a consumer that fails with a new one."""

from collections.abc import Iterable

import pytest

from laban_collector.store.rows import ContractRow, EdgeRow
from laban_mapper.findings.facts import Found, SampledEntry, System, sampled_traces
from laban_mapper.findings.new_version_fails import RULE as NEW_VERSION_FAILS
from laban_mapper.findings.several_versions import RULE as SEVERAL_VERSIONS
from laban_mapper.lag import report
from laban_mapper.service_map import build_service_map
from laban_mapper.times import utc_time
from tests.mapper.shop_spans import http_server, publish

MINUTE = 60 * 10**9
T0 = 1_790_000_040 * 10**9


def row(
    event_type: str | None, version: str | None, minutes: tuple[int, int], calls: int = 50, errors: int = 0
) -> ContractRow:
    first, last = (T0 + minute * MINUTE for minute in minutes)
    return ContractRow(event_type, version, calls, errors, first, last)


def edge(source: str, target: str, contracts: Iterable[ContractRow]) -> EdgeRow:
    rows = tuple(contracts)
    calls, errors = sum(one.calls for one in rows), sum(one.errors for one in rows)
    return EdgeRow(source, target, "async", "kafka", calls, errors, None, None, None, calls, 0, 0, rows)


def system(*edges: EdgeRow, entries: Iterable[SampledEntry] = ()) -> System:
    return System(
        build_service_map(edges, [], utc_time(T0), utc_time(T0 + 60 * MINUTE)), report([]), [*entries]
    )


def published(*contracts: ContractRow) -> System:
    return system(edge("service:order", "topic:orders", contracts))


def consumed(*contracts: ContractRow) -> System:
    return system(edge("topic:orders", "group:stock", contracts))


def several(looked_at: System) -> list[Found]:
    return list(SEVERAL_VERSIONS.find(looked_at))


def fails(looked_at: System) -> list[Found]:
    return list(NEW_VERSION_FAILS.find(looked_at))


def test_two_versions_at_once_are_found_with_their_publishers_and_proof() -> None:
    created = http_server("order", "POST /orders", 0, 80)
    sent = publish("order", "orders", 50, created, message_type="Created", message_version="2")
    [trace] = sampled_traces(created.trace_id, [created, sent])
    found = several(
        system(
            edge("service:order", "topic:orders", [row("Created", "1", (0, 9)), row("Paid", "1", (0, 9))]),
            edge("service:shop", "topic:orders", [row("Created", "2", (3, 9), 7)]),
            entries=[SampledEntry("order", "POST /orders", 1, [trace])],
        )
    )
    [one] = found
    assert one.place == "topic orders, Created"
    assert one.sentence == (
        "orders carries 2 versions of Created at once: 1 (50) and 2 (7), published by order and shop"
    )
    assert (one.severity, one.numbers) == ("warning", {"versions": 2, "messages": 57})
    assert one.traces == [created.trace_id]


def test_a_version_in_the_event_type_is_a_version() -> None:
    [one] = several(published(row("shop.created.v1", None, (0, 9)), row("shop.created.v2", None, (3, 9))))
    assert one.place == "topic orders, shop.created"


def test_schemas_of_messages_without_a_type_may_be_two_types() -> None:
    [one] = several(published(row(None, "7", (0, 9)), row(None, "8", (3, 9))))
    assert one.severity == "info"
    assert one.sentence.startswith("orders carries 2 schemas at once: 7 (50) and 8 (50)")


@pytest.mark.parametrize(
    "contracts",
    [
        [row("Created", "1", (0, 5)), row("Created", "2", (5, 9))],  # one after the other
        [row("Created", "1", (0, 0)), row("Created", "2", (0, 0))],  # in one minute: unknown
        [row("Created", "1", (0, 9)), row("Paid", "2", (0, 9))],
        [row("Created", "1", (0, 9)), row("Created", None, (0, 9))],
        [row("other", None, (0, 9)), row("Created", "1", (0, 9))],
        [row("Proxied", None, (0, 9)), row("v2", None, (0, 9))],
    ],
)
def test_what_is_not_two_versions_at_once_is_no_finding(contracts: list[ContractRow]) -> None:
    assert several(published(*contracts)) == []


def test_a_consumer_that_fails_with_the_new_version_is_found() -> None:
    old, new = row("Created", "1", (0, 4), 200, 1), row("Created", "2", (5, 9), 40, 30)
    [one] = fails(consumed(new, old))
    assert one.place == "orders → stock, Created (2)"
    assert one.sentence == (
        "stock failed with 30 of 40 messages of Created in version 2, first seen at 2026-09-21 14:19 UTC, "
        "and with 1 of 200 in version 1"
    )
    assert one.numbers == {"errors": 30, "messages": 40, "errors_before": 1, "messages_before": 200}


def test_without_a_type_the_schema_is_named() -> None:
    [one] = fails(consumed(row(None, "8", (5, 9), 40, 30), row(None, "7", (0, 4), 200)))
    assert one.place == "orders → stock, schema 8"
    assert one.sentence.startswith("stock failed with 30 of 40 messages in schema 8, first seen at ")


@pytest.mark.parametrize(
    "contracts",
    [
        [row("Created", "1", (0, 4), 200), row("Created", "2", (5, 9), 40, 2)],  # two errors
        [row("Created", "1", (0, 4), 200, 150), row("Created", "2", (5, 9), 40, 30)],  # as before
        [row("Created", "1", (0, 4), 10), row("Created", "2", (5, 9), 40, 30)],  # too few before
        [row("Created", "1", (0, 4), 200, 150), row("Created", "2", (5, 9), 40)],  # the new one is better
        [row("Created", "1", (0, 4), 200), row("Paid", "2", (5, 9), 40, 30)],  # another type
        [row("Created", "1", (0, 9), 200), row("Created", "2", (0, 9), 40, 30)],  # which one is new?
        [row("Created", "1", (0, 4), 200, 6), row("Created", "2", (5, 9), 40, 3)],  # by chance
    ],
)
def test_failures_that_a_new_version_does_not_explain_are_no_finding(contracts: list[ContractRow]) -> None:
    assert fails(consumed(*contracts)) == []
