"""Messages of one key are out of order if spans prove that they were processed, or published, in another."""

from collections.abc import Sequence

import pytest

from laban_collector.store.rows import Span
from laban_mapper.story.causes.facts import Claim
from laban_mapper.story.causes.out_of_order import out_of_order

from ...shop_spans import http_server, process, publish
from .usual_traces import facts_of, many


def two(
    *,
    keys: tuple[str, str] = ("123", "123"),
    partitions: tuple[int, int] = (0, 0),
    processed: tuple[float, float] = (60, 80),
) -> list[Span]:
    """Two messages, and when email began to process each."""
    top = http_server("order", "POST /orders", 0, 50)
    first = publish("order", "orders", 10, top, offset=7, message_key=keys[0], partition=partitions[0])
    second = publish("order", "orders", 20, top, offset=8, message_key=keys[1], partition=partitions[1])
    return [
        *(top, first, second),
        process("email", first, processed[0], 5),
        process("email", second, processed[1], 5),
    ]


def sentences(spans: Sequence[Span]) -> list[str]:
    return [claim.sentence for claim in out_of_order(facts_of(spans))]


def test_a_group_that_processed_the_later_message_first_is_told() -> None:
    assert sentences(two(processed=(80, 60))) == [
        "email processed offset 7 after offset 8 of orders, but they were published in order"
    ]


def test_a_consumer_whose_clock_is_behind_by_an_unknown_time_has_still_one_clock() -> None:
    assert sentences(two(processed=(-4_980, -5_000))) == [
        "email processed offset 7 after offset 8 of orders, but they were published in order"
    ]
    assert sentences(two(processed=(-5_000, -4_980))) == []
    assert len(sentences(two(partitions=(0, 2), processed=(-4_980, -5_000)))) == 1  # only that they are apart


def test_a_publisher_that_used_several_partitions_for_one_key_is_told() -> None:
    assert sentences(two(partitions=(0, 2))) == [
        "order published messages with key 123 to partitions 0 and 2 of orders, so nothing keeps their order"
    ]
    apart = (
        "order published messages with key 123 to partitions 0 and 2 of orders; email processed the later "
    )
    assert sentences(two(partitions=(0, 2), processed=(80, 60)))[0] == apart + "one first"


@pytest.mark.parametrize(
    "spans", [two(), two(keys=("1", "2"), processed=(80, 60)), two(keys=("1", "2"), partitions=(0, 2))]
)
def test_messages_in_order_and_messages_of_two_keys_are_not_told(spans: list[Span]) -> None:
    assert sentences(spans) == []


def requests(*, published: tuple[float, float], second_at: float = 100, partition: int = 0) -> list[Span]:
    """Two requests about one order, and when each one published its message."""
    first = http_server("order", "POST /orders", 0, 50)
    second = http_server("order", "PUT /orders", second_at, 50, trace_id="b" * 32)
    offsets = (7, 8) if published[0] < published[1] else (8, 7)
    return [
        *(first, second),
        publish("order", "orders", published[0], first, offset=offsets[0], message_key="123"),
        publish(
            *("order", "orders", published[1], second),
            offset=offsets[1],
            message_key="123",
            partition=partition,
        ),
    ]


def test_a_message_that_was_published_after_that_of_a_later_request_is_told() -> None:
    [claim] = out_of_order(facts_of(requests(published=(130, 110))))
    assert claim.sentence == (
        "order published offset 8 of orders for POST /orders after offset 7 for the later PUT /orders"
    )
    assert (claim.kind, claim.service, claim.spans[0].offset) == ("out_of_order", "order", 8)


def test_requests_in_order_and_requests_at_the_same_time_are_not_told() -> None:
    assert sentences(requests(published=(40, 110))) == []
    assert sentences(requests(published=(60, 110))) == []  # late, but before the next one
    assert sentences(requests(published=(45, 35), second_at=30)) == []


def publishing(at: float, audit_at: float = 30) -> list[Span]:
    top = http_server("order", "POST /orders", 0, 50)
    return [
        *(top, publish("order", "orders", at, top), publish("order", "audits", audit_at, top, offset=3)),
    ]


def claims_on(spans: Sequence[Span]) -> list[Claim]:
    return out_of_order(facts_of(spans, many(lambda: publishing(12), 400)))


def test_a_message_that_was_published_after_its_request_had_ended_is_told() -> None:
    [claim, *_] = claims_on(publishing(500))
    assert claim.sentence == (
        "order published to orders 500 ms after POST /orders began, when that had ended; "
        "usually after 12 ms (400 traces)"
    )
    assert (claim.kind, claim.service, claim.examples) == ("out_of_order", "order", 400)


def test_two_messages_in_another_order_than_in_all_examples_are_told() -> None:
    [claim] = claims_on(publishing(12, audit_at=5))
    assert claim.sentence == "order published to audits before orders; usually after it (400 traces)"
    assert claims_on(publishing(14)) == []
