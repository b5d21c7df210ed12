"""The answers about lag over a real database that holds decoded spans and polls."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from laban_app.answers.lag_answers import lag_report, waiting_report
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import Lag, LagProblem, LagRow, Span
from laban_mapper import waiting
from laban_mapper.model import LagReport, WaitingTopic

from ...mapper.shop_spans import MS, T0, http_server, lag, process, publish
from ...otlp import to_otlp

SECOND = 1000


class Shop:
    """Stores spans and polls, and answers."""

    def __init__(self, path: Path) -> None:
        self.database = Database.open(path / "spans.duckdb")
        self._writer = DuckDBWriter(self.database)

    def spans(self, spans: Sequence[Span]) -> None:
        self._writer.write(decode([to_otlp(spans)], KeyFinder()).batch)

    def polls(self, rows: Sequence[LagRow]) -> None:
        self._writer.write_lag(rows)

    def report(self) -> LagReport:
        return waiting_report(DuckDBReader(self.database))

    def topic(self, group: str = "email") -> WaitingTopic:
        (found,) = [one for one in self.report().groups if one.group == group]
        assert found.waiting is not None
        (topic,) = found.waiting
        return topic


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def order(offset: int, *, partition: int = 0, at: float | None = None) -> list[Span]:
    """Order A-<offset>, published a second after the one before."""
    begin = offset * SECOND if at is None else at
    request = http_server("order", "POST /orders", begin, 50, attributes={"order.id": f"A-{offset}"})
    request = replace(request, trace_id=f"{partition:016x}{offset + 1:016x}")
    return [request, publish("order", "orders", begin + 10, request, offset=offset, partition=partition)]


def orders(*offsets: int, partition: int = 0) -> list[Span]:
    return [span for offset in offsets for span in order(offset, partition=partition)]


def polled(committed: int | None, end: int, at: float, **fields: object) -> Lag:
    row = replace(lag("email", "orders", committed, end), time=T0 + round(at * SECOND) * MS, status="STOP")
    return replace(row, **fields)  # type: ignore[arg-type]


def test_unread_orders_are_named_oldest_first(shop: Shop) -> None:
    shop.spans([*orders(0, 1, 2, 3), *orders(10, partition=1)])
    shop.polls([polled(1, 4, 20), polled(0, 11, 20, partition=1)])
    topic = shop.topic()
    assert [[key.value for key in message.keys] for message in topic.oldest] == [
        ["A-1"],
        ["A-2"],
        ["A-3"],
        ["A-10"],
    ]
    first = topic.oldest[0]
    assert (first.partition, first.offset, first.service, first.waiting_ms) == (0, 1, "order", 18990)
    assert first.keys[0].key == "order.id"
    assert (topic.messages, topic.known, topic.named, topic.left_out) == (14, 4, 4, 0)


def test_messages_without_a_span_are_counted(shop: Shop) -> None:
    shop.spans(orders(2, 5))
    shop.polls([polled(0, 40, 20)])
    topic = shop.topic()
    assert (topic.messages, topic.known, topic.named) == (40, 2, 2)


def test_a_processed_message_does_not_wait_although_it_is_not_committed(shop: Shop) -> None:
    spans = orders(0, 1, 2)
    done = process("mailer", spans[1], 900, 20, group="email")
    other = process("audit", spans[3], 1900, 20)
    shop.spans([*spans, done, other])
    shop.polls([polled(0, 3, 20)])
    topic = shop.topic()
    assert [message.offset for message in topic.oldest] == [1, 2]
    assert (topic.messages, topic.known, topic.processed) == (3, 2, 1)


def test_what_retention_deleted_does_not_wait(shop: Shop) -> None:
    shop.spans(orders(0, 1, 2))
    shop.polls([polled(0, 3, 20, start=2, messages=1, lost=2)])
    topic = shop.topic()
    assert ([message.offset for message in topic.oldest], topic.messages) == ([2], 1)


def test_the_oldest_messages_are_named_and_the_others_counted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MAX_MESSAGES", 3)
    shop.spans([*orders(0, 1, 2, 3, 4), *orders(0, 1, partition=1)])
    shop.polls([polled(0, 5, 20), polled(0, 2, 20, partition=1)])
    topic = shop.topic()
    assert [(message.partition, message.offset) for message in topic.oldest] == [(0, 0), (1, 0), (0, 1)]
    assert (topic.known, topic.left_out) == (7, 4)


def test_partitions_beyond_the_limit_are_said_to_be_unexamined(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MAX_RANGES", 1)
    shop.spans([*orders(0), *orders(0, 1, partition=1)])
    shop.polls([polled(0, 1, 20), polled(0, 2, 20, partition=1)])
    topic = shop.topic()
    assert ({message.partition for message in topic.oldest}, topic.unexamined_partitions) == ({1}, 1)


def test_a_message_of_a_batch_has_only_its_own_order(shop: Shop) -> None:
    request = http_server("order", "POST /batch", 0, 50)
    sent = [
        replace(
            publish("order", "orders", 10 + offset, request, offset=offset),
            attributes={"order.id": f"B-{offset}"},
        )
        for offset in range(3)
    ]
    shop.spans([request, *sent])
    shop.polls([polled(1, 3, 20)])
    assert [[key.value for key in message.keys] for message in shop.topic().oldest] == [["B-1"], ["B-2"]]


def test_a_message_with_a_kafka_key_only_is_known_by_it(shop: Shop) -> None:
    request = http_server("order", "POST /", 0, 50)
    shop.spans([request, publish("order", "orders", 10, request, offset=0, message_key="c-7")])
    shop.polls([polled(0, 1, 20)])
    (message,) = shop.topic().oldest
    assert message.message_key == "c-7"
    assert [(name.key, name.value) for name in message.keys] == [("kafka.key", "c-7")]


def test_rates_tell_how_long_the_queue_takes_to_drain(shop: Shop) -> None:
    shop.polls([polled(number * 30, 1000 + number * 10, 100 + number * 5) for number in range(12)])
    topic = shop.topic()
    assert topic.published_per_s == pytest.approx(2.0)
    assert topic.consumed_per_s == pytest.approx(6.0)
    assert topic.drain_s == pytest.approx((1110 - 330) / 4.0)


def test_rates_of_a_group_that_commits_rarely_are_measured_from_commit_to_commit(shop: Shop) -> None:
    shop.polls([polled(number // 4 * 40, 10 * number, number * 5) for number in range(19)])
    topic = shop.topic()
    assert topic.consumed_per_s == pytest.approx(2.0)
    assert topic.drain_s is None


def test_both_rates_are_of_the_same_polls_so_that_they_differ_as_the_lag_does(shop: Shop) -> None:
    ends = [0, 40, *range(45, 100, 5)]  # many orders at first
    shop.polls([polled(end, end, number * 5) for number, end in enumerate(ends)])
    topic = shop.topic()
    assert topic.published_per_s == topic.consumed_per_s == pytest.approx(1.0)


def test_a_group_that_stopped_is_measured_until_now(shop: Shop) -> None:
    shop.polls([polled(min(10 * number, 40), 10 * number + 10, number * 5) for number in range(21)])
    topic = shop.topic()
    assert topic.published_per_s == pytest.approx(2.0)
    assert topic.consumed_per_s == pytest.approx(0.4)


def test_a_queue_without_consumption_does_not_drain(shop: Shop) -> None:
    shop.polls([polled(5, 10 * number + 10, number * 5) for number in range(5)])
    topic = shop.topic()
    assert (topic.consumed_per_s, topic.drain_s) == (0.0, None)
    shop.polls([polled(200, 200, 30)])
    assert shop.topic().drain_s == 0.0


def test_rates_are_unknown_after_one_poll(shop: Shop) -> None:
    shop.polls([polled(5, 10, 5)])
    topic = shop.topic()
    assert (topic.published_per_s, topic.consumed_per_s, topic.drain_s) == (None, None, None)


def test_slow_consumers_are_told_with_their_number(shop: Shop) -> None:
    spans = orders(*range(6))
    shop.spans([*spans, *(process("mailer", sent, 9000, 400, group="email") for sent in spans[1:8:2])])
    shop.polls([polled(4, 6, 20)])
    (cause,) = shop.topic().causes
    assert (cause.kind, cause.service, cause.messages, cause.of) == ("slow", "mailer", 4, 4)


def test_groups_without_members_and_topics_without_groups_are_told(shop: Shop) -> None:
    request = http_server("order", "POST /", 0, 50)
    shop.spans([*orders(0), request, publish("order", "forgotten", 10, request, offset=0)])
    shop.polls([polled(0, 1, 20, members=0), polled(1, 1, 20, group="audit", members=2)])
    report = shop.report()
    assert report.groups_without_members == ["email"]
    assert report.topics_without_groups == ["forgotten"]


def test_topics_of_two_clusters_are_not_guessed_from_spans(shop: Shop) -> None:
    shop.spans(orders(0, 1))
    shop.polls([polled(0, 2, 20), polled(0, 2, 20, cluster="staging")])
    here, there = shop.report().groups
    assert (here.cluster, there.cluster) == ("c", "staging")
    for group in (here, there):
        assert group.waiting is not None
        assert (group.waiting[0].messages, group.waiting[0].known) == (2, 0)
        assert group.waiting[0].unexamined_partitions == 1
    assert [one.topics[0].seconds_from for one in lag_report(DuckDBReader(shop.database)).groups] == [
        None,
        None,
    ]


def test_the_span_of_the_first_unread_message_dates_the_lag(shop: Shop) -> None:
    shop.spans(orders(0, 1, 2))
    shop.polls([polled(1, 3, 20, seconds=99.0, seconds_from="interpolated")])
    (group,) = lag_report(DuckDBReader(shop.database)).groups
    assert (group.topics[0].seconds, group.topics[0].seconds_from) == (18.99, "span")
    shop.polls([polled(3, 4, 30, seconds=99.0, seconds_from="interpolated")])
    (group,) = lag_report(DuckDBReader(shop.database)).groups
    assert (group.topics[0].seconds, group.topics[0].seconds_from) == (99.0, "interpolated")


def test_problems_are_part_of_the_report(shop: Shop) -> None:
    shop.polls([LagProblem(T0, "c", "secret", None, None, "not authorised")])
    report = shop.report()
    assert [(group.group, group.status, group.problem) for group in report.groups] == [
        ("secret", None, "not authorised")
    ]
    assert report.groups[0].waiting == []


def test_an_empty_database_has_an_empty_report(shop: Shop) -> None:
    report = shop.report()
    assert (report.groups, report.groups_without_members, report.topics_without_groups) == ([], [], [])
