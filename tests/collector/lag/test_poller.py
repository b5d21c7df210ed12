import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from laban_collector.errors import StoreError
from laban_collector.kafka_settings import KafkaCluster
from laban_collector.lag.brokers import TIMEOUT
from laban_collector.lag.poller import LagPoller
from laban_collector.store.rows import Lag, LagRow

from ...broker import free_port, start_broker, stop_broker
from ..log_watch import LogWatch
from ..shop import Shop

WAIT = 30.0
"""Maximum seconds to wait for a poll."""


Wanted = Callable[[Lag], bool]


class Polls:
    """Collects the rows that a poller writes."""

    def __init__(self) -> None:
        self._rows: queue.SimpleQueue[Lag] = queue.SimpleQueue()

    def write(self, rows: Sequence[LagRow]) -> None:
        for row in rows:
            if isinstance(row, Lag):
                self._rows.put(row)

    def wait_for(self, wanted: Wanted) -> Lag:
        """Wait for the next row that is wanted."""
        while True:
            row = self._rows.get(timeout=WAIT)
            if wanted(row):
                return row


@contextmanager
def polling(
    bootstrap: str, write: Callable[[Sequence[LagRow]], None], name: str = ""
) -> Generator[LagPoller, None, None]:
    poller = LagPoller(KafkaCluster(bootstrap=bootstrap), 0.1, write, name)
    poller.start()
    try:
        yield poller
    finally:
        poller.stop()


def test_a_poller_follows_a_group_that_consumes(embedded_broker: str) -> None:
    shop, polls = Shop(embedded_broker), Polls()

    def of_group(row: Lag) -> bool:
        return row.group == shop.group and row.partition == 0

    with polling(embedded_broker, polls.write):
        shop.commit(0)
        row = polls.wait_for(of_group)
        assert (row.topic, row.messages, row.seconds, row.status) == (shop.topic, 0, 0.0, "OK")
        shop.produce(4)
        row = polls.wait_for(lambda row: of_group(row) and row.end == 4)
        assert (row.committed, row.messages) == (0, 4)
        assert row.seconds is not None
        assert row.seconds > 0
        shop.commit(4)
        row = polls.wait_for(lambda row: of_group(row) and row.committed == 4)
        assert (row.messages, row.seconds, row.status) == (0, 0.0, "OK")
        shop.commit(1)
        row = polls.wait_for(lambda row: of_group(row) and row.committed == 1)
        assert (row.messages, row.status) == (3, "REWIND")
    assert row.cluster == "tansu_cluster"


def test_a_poller_learns_how_often_a_group_commits(embedded_broker: str) -> None:
    shop, polls = Shop(embedded_broker), Polls()
    with polling(embedded_broker, polls.write):
        shop.commit(0)
        shop.produce(20)
        for offset in range(2, 12, 2):
            shop.commit(offset)
            polls.wait_for(lambda row, offset=offset: row.group == shop.group and row.committed == offset)  # type: ignore[misc]
        polls.wait_for(lambda row: row.group == shop.group and row.status == "STALL")


def test_an_outage_and_its_end_are_logged_once_each(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "laban_collector")
    port = free_port()
    polls = Polls()
    broker = start_broker(port, tmp_path / "first.log")
    try:
        shop = Shop(f"127.0.0.1:{port}")
        shop.commit(0)
        with polling(f"127.0.0.1:{port}", polls.write):
            polls.wait_for(lambda row: row.group == shop.group)
            with LogWatch("does not respond") as outage:
                stop_broker(broker)
                assert outage.seen.wait(WAIT)
            broker = start_broker(port, tmp_path / "second.log")
            again = Shop(f"127.0.0.1:{port}")
            again.commit(0)
            polls.wait_for(lambda row: row.group == again.group)
    finally:
        stop_broker(broker)
    lines = [record.getMessage() for record in caplog.records if record.name == "laban_collector.lag.poller"]
    assert [f"127.0.0.1:{port}" in line for line in lines] == [True, True]
    assert ["does not respond" in line for line in lines] == [True, False]
    assert "responds again after" in lines[1]


def test_lag_that_cannot_be_stored_is_logged_and_polled_again(
    embedded_broker: str, caplog: pytest.LogCaptureFixture
) -> None:
    calls = threading.Semaphore(0)

    def fail(_: Sequence[LagRow]) -> None:
        calls.release()
        raise StoreError("the disk is full")

    with polling(embedded_broker, fail):
        assert calls.acquire(timeout=WAIT)
        assert calls.acquire(timeout=WAIT)
    assert "could not be stored" in caplog.text


def test_a_poller_knows_what_was_stored_before_it_started(embedded_broker: str) -> None:
    shop, polls = Shop(embedded_broker), Polls()
    shop.commit(0)
    shop.produce(4)
    stored = Lag(time.time_ns() - 10**10, "prod", shop.group, shop.topic, 0, 0, 0, 0, 0, 0.0, "OK")
    cluster = KafkaCluster(bootstrap=embedded_broker)
    started = LagPoller(cluster, 0.1, polls.write, "prod", lambda: [stored])
    started.start()
    try:
        row = polls.wait_for(lambda row: row.group == shop.group and row.partition == 0)
    finally:
        started.stop()
    assert row.messages == 4
    assert row.seconds is not None
    assert 5 < row.seconds < 60


def test_a_history_that_cannot_be_read_is_logged_and_the_poll_goes_on(
    embedded_broker: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Sequence[Lag]:
        raise StoreError("the disk is full")

    shop, polls = Shop(embedded_broker), Polls()
    shop.commit(0)
    started = LagPoller(KafkaCluster(bootstrap=embedded_broker), 0.1, polls.write, "prod", fail)
    started.start()
    try:
        polls.wait_for(lambda row: row.group == shop.group)
    finally:
        started.stop()
    assert "the disk is full" in caplog.text


def test_a_poller_without_a_broker_stops_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with polling(f"127.0.0.1:{free_port()}", lambda _: None):
        pass
    assert set(threading.enumerate()) == before


def test_stopping_while_it_connects_leaves_no_thread_and_no_line(
    embedded_broker: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = set(threading.enumerate())
    for _ in range(30):
        with polling(embedded_broker, lambda _: None):
            pass
    assert set(threading.enumerate()) == before
    assert [record for record in caplog.records if record.name.startswith("laban")] == []


def test_stopping_does_not_wait_for_a_broker_that_never_answers(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with polling(f"127.0.0.1:{silent.getsockname()[1]}", lambda _: None):
            silent.accept()
            began = time.monotonic()
        assert time.monotonic() - began < TIMEOUT / 2
    assert caplog.text == ""


def test_the_rows_of_a_named_cluster_have_its_name(embedded_broker: str) -> None:
    shop, polls = Shop(embedded_broker), Polls()
    shop.commit(0)
    with polling(embedded_broker, polls.write, "prod"):
        assert polls.wait_for(lambda row: row.group == shop.group).cluster == "prod"


def test_stopping_a_poller_that_was_never_started_does_nothing() -> None:
    LagPoller(KafkaCluster(bootstrap="127.0.0.1:1"), 1.0, lambda _: None).stop()
