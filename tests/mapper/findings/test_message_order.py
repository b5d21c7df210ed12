from dataclasses import replace

from laban_collector.store.rows import Span
from laban_mapper.findings.duplicates import RULE as DUPLICATES
from laban_mapper.findings.out_of_order import RULE as OUT_OF_ORDER
from laban_mapper.findings.poison_messages import RULE as POISON
from laban_mapper.findings.skewed_partitions import RULE as SKEWED
from tests.mapper.shop_spans import http_client, lag, process, publish, raised

from .message_systems import created_order, found_by, system, usual_order


def charged(number: int, published: Span, at: float) -> list[Span]:
    """Payment processes a message, and calls a bank."""
    paid = process("payment", published, at, 20)
    return [paid, http_client("payment", "POST", at + 1, 10, paid, peer_address="bank")]


def published_again(number: int, **identity: object) -> tuple[list[Span], Span, Span]:
    created, first = created_order(number)
    first = replace(first, attributes=identity)
    second = publish("order", "orders", 14, created, offset=500 + number, message_key=f"o-{number}")
    second = replace(second, attributes=identity)
    return [created, first, second], first, second


def test_an_event_that_is_published_twice_and_charged_twice_is_found() -> None:
    def order(number: int) -> list[Span]:
        spans, first, second = published_again(number, **{"cloudevents.event_id": f"e-{number}"})
        return [*spans, *charged(number, first, 40), *charged(number, second, 80)]

    (found,) = found_by(
        DUPLICATES, system([*(usual_order(number) for number in range(5)), order(5), order(6)])
    )
    assert found.place == "topic orders"
    assert found.sentence == (
        "of 9 sampled messages of orders, order published 2 messages twice, and consumers did the work twice"
    )
    assert found.traces == [f"{6:032x}", f"{7:032x}"]


def skipped(number: int) -> list[Span]:
    """An event is published twice, and payment skips the repetition."""
    spans, first, second = published_again(number, **{"cloudevents.event_id": f"e-{number}"})
    return [*spans, *charged(number, first, 40), process("payment", second, 80, 1)]


def test_repetitions_that_a_consumer_skips_are_an_info() -> None:
    (found,) = found_by(DUPLICATES, system(skipped(number) for number in range(3)))
    assert found.severity == "info"
    assert found.sentence == (
        "of 6 sampled messages of orders, order published 3 messages twice; "
        "no consumer is seen to do the work twice"
    )
    assert not found_by(DUPLICATES, system([skipped(1), skipped(2)]))  # may be chance


def test_two_messages_of_equal_size_may_be_two_items_of_an_order() -> None:
    spans, first, second = published_again(1, **{"messaging.message.body.size": 120})
    order = [*spans, *charged(1, first, 40), *charged(1, second, 80)]
    assert not found_by(DUPLICATES, system([order]))


def test_a_message_that_is_delivered_and_charged_twice_is_found() -> None:
    created, published = created_order(1)
    order = [created, published, *charged(1, published, 40), *charged(1, published, 90)]
    (found,) = found_by(DUPLICATES, system([order]))
    assert found.sentence == (
        "of 1 sampled message of orders, payment processed 1 message twice, with the same effects"
    )
    skipped = [created, published, *charged(1, published, 40), process("payment", published, 90, 1)]
    assert not found_by(DUPLICATES, system([skipped]))


def updated_order(number: int, *, swapped: bool = False, partition: int = 0) -> list[Span]:
    created, first = created_order(number)
    second = publish(
        "order", "orders", 20, created, offset=700 + number, message_key=f"o-{number}", partition=partition
    )
    times = (60, 40) if swapped else (40, 60)
    return [
        created,
        first,
        second,
        *(process("email", one, at, 5) for one, at in zip((first, second), times, strict=True)),
    ]


def test_a_key_that_is_processed_in_another_order_than_published_is_found() -> None:
    orders = [updated_order(number, swapped=number % 2 == 1) for number in range(4)]
    (found,) = found_by(OUT_OF_ORDER, system([*orders, usual_order(9)]))
    assert found.place == "email process orders"
    assert found.sentence == (
        "in 2 traces of 4 with several messages, for example: email processed offset 101 after offset 701 of "
        "orders, but they were published in order"
    )
    assert (found.severity, found.numbers) == ("warning", {"traces": 2, "of": 4})


def test_a_key_in_two_partitions_is_told_as_a_risk_only() -> None:
    (found,) = found_by(OUT_OF_ORDER, system([updated_order(1, partition=1)]))
    assert found.severity == "info"
    assert found.sentence.endswith("so nothing keeps their order")
    assert not found_by(OUT_OF_ORDER, system([updated_order(1)]))


def test_messages_that_no_group_can_read_blame_their_publisher() -> None:
    def poisoned(number: int, *groups: str) -> list[Span]:
        created, published = created_order(number)
        error = raised("JSONDecodeError", "Expecting value")
        return [
            created,
            published,
            *(process(one, published, 40, 1, status=2, events=error) for one in groups),
        ]

    orders = [usual_order(0), poisoned(1, "email", "payment"), poisoned(2, "email", "payment")]
    (found,) = found_by(POISON, system(orders))
    assert found.place == "order → topic orders"
    assert found.sentence == (
        "order published 2 messages of 3 sampled to orders that email and payment could not read "
        "(JSONDecodeError: Expecting value)"
    )
    created, published = created_order(1)
    readable = [*poisoned(1, "email"), process("payment", published, 45, 20)]
    broken_consumer = [created, published, *readable[2:]]
    assert not found_by(POISON, system([broken_consumer]))


def test_a_partition_with_most_of_the_messages_is_found() -> None:
    polled = [replace(lag("email", "orders", 1, 1), partition=number) for number in range(4)]
    skewed = [list(created_order(number, partition=0 if number % 10 else 1)) for number in range(120)]
    (found,) = found_by(SKEWED, system(skewed, polled=polled))
    assert found.sentence == (
        "partition 0 of orders got 108 of 120 sampled messages (90%); a fair share of 4 partitions is 25%"
    )
    even = [list(created_order(number, partition=number % 4)) for number in range(120)]
    assert not found_by(SKEWED, system(even, polled=polled))
    assert not found_by(SKEWED, system(skewed[:99], polled=polled)), "a few keys decide"
    assert not found_by(SKEWED, system(skewed)), "the number of partitions is unknown"


def test_the_only_partition_has_all_messages() -> None:
    orders = [list(created_order(number)) for number in range(120)]
    assert not found_by(SKEWED, system(orders, polled=[lag("email", "orders", 1, 1)]))
