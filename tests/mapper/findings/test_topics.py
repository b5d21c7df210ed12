from laban_collector.store.rows import EdgeRow
from laban_mapper.findings.dead_letters import RULE as DEAD_LETTERS
from laban_mapper.findings.topic_without_consumer import RULE as NO_CONSUMER
from laban_mapper.findings.topic_without_producer import RULE as NO_PRODUCER
from tests.mapper.shop_spans import lag, process

from .message_systems import consumed_from, created_order, found_by, published_to, system, usual_order


def test_a_topic_that_no_group_consumes_is_found_with_proof() -> None:
    orders = [list(created_order(number)) for number in range(7)]
    (found,) = found_by(
        NO_CONSUMER, system(orders, [published_to("orders", 7)], [lag("audit", "other", 1, 1)])
    )
    assert found.place == "topic orders"
    assert found.sentence == "7 messages went to orders, but no consumer group reads it"
    assert (found.severity, found.numbers) == ("warning", {"messages": 7})
    assert found.traces == [f"{number:032x}" for number in range(1, 6)]


def test_without_polled_offsets_an_untraced_consumer_is_possible() -> None:
    (found,) = found_by(NO_CONSUMER, system([], [published_to("orders", 1)]))
    assert found.sentence == "1 message went to orders, but no consumer of it is known"
    assert found.severity == "info"


def test_a_group_that_only_commits_offsets_is_a_consumer() -> None:
    polled = [lag("email", "orders", 7, 7)]
    assert not found_by(NO_CONSUMER, system([], [published_to("orders", 7)], polled))


def test_a_topic_that_a_group_consumes_is_no_finding() -> None:
    edges = [published_to("orders", 7), consumed_from("orders", "email", 7)]
    assert not found_by(NO_CONSUMER, system([], edges))
    assert not found_by(NO_PRODUCER, system([], edges))


def test_a_topic_whose_producer_sends_no_spans_is_found() -> None:
    orphan = process("email", created_order(0)[1], 0, 5, parent_id=None)
    (found,) = found_by(NO_PRODUCER, system([[orphan]], [consumed_from("orders", "email", 9)]))
    assert found.sentence == "email consumed 9 messages of orders, but no span shows who published"
    assert found.traces == [f"{1:032x}"]


def test_a_publisher_that_names_no_topic_may_be_the_producer() -> None:
    rabbit = EdgeRow(
        "service:transfer", "external:rabbitmq", "async", "rabbitmq", 4, 0, None, None, None, 0, 0, 4
    )
    (found,) = found_by(NO_PRODUCER, system([], [consumed_from("mails", "email", 4), rabbit]))
    assert found.sentence == (
        "email consumed 4 messages of mails, but no span shows who published; transfer published without "
        "naming a topic"
    )
    assert "messaging.destination.name" in (found.advice or "")


def test_messages_in_a_dead_letter_topic_are_found_and_the_topic_needs_no_consumer() -> None:
    edges = [published_to("orders.dlq", 3, "email"), published_to("dlqueues", 3)]
    looked_at = system([usual_order(0)], edges)
    (found,) = found_by(DEAD_LETTERS, looked_at)
    assert found.sentence == "email gave up on 3 messages, now in orders.dlq; nobody has read 3 of them"
    assert [one.place for one in found_by(NO_CONSUMER, looked_at)] == ["topic dlqueues"]


def test_dead_letters_that_were_read_again_are_still_told() -> None:
    edges = [published_to("orders.dlq", 3, "email"), consumed_from("orders.dlq", "repair", 3)]
    (found,) = found_by(DEAD_LETTERS, system([], edges))
    assert found.sentence == "email gave up on 3 messages, now in orders.dlq"
