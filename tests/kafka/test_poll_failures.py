"""What fails in a real cluster costs only itself, and a poll changes nothing."""

import time
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

from laban_collector.kafka_settings import KafkaCluster
from laban_collector.lag.brokers import TIMEOUT, Brokers
from laban_collector.lag.evaluation import Log, Offsets, Partition, Problem
from laban_collector.lag.filters import Filters, NameFilter
from laban_collector.lag.reader import OffsetReader
from laban_collector.lag.security import client_options

from ..collector.shop import Shop
from .real_kafka import find_runtime
from .two_brokers import FIRST, SECOND, TwoBrokers, running_two_brokers

pytestmark = pytest.mark.kafka

WAIT = 30.0
SENT_MS = 1_795_000_000_000
GROUPS = ("group-a", "group-b")
"""The hashes of these names differ by one, so each group is on another of the two partitions of offsets."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoBrokers]:
    runtime = find_runtime()
    if isinstance(runtime, str):
        pytest.skip(runtime)
    with running_two_brokers(runtime, tmp_path_factory.mktemp("two-brokers")) as cluster:
        cluster.create_topic("orders", [FIRST, SECOND])
        for group in GROUPS:
            cluster.commit(group, {("orders", 0): 0, ("orders", 1): 0})
        yield cluster


@pytest.fixture
def brokers(cluster: TwoBrokers) -> Iterator[Brokers]:
    brokers = Brokers(client_options(KafkaCluster(bootstrap=cluster.address)))
    brokers.connect()
    yield brokers
    brokers.close()


def read_until(reader: OffsetReader, wanted: Callable[[Offsets], bool]) -> Offsets:
    deadline = time.monotonic() + WAIT
    while not wanted(offsets := reader.read()):
        assert time.monotonic() < deadline, offsets
    return offsets


def inventory(address: str) -> tuple[set[str], dict[str, str]]:
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        groups = {group["group_id"]: group["group_state"] for group in admin.list_groups()}
        return set(admin.list_topics()), groups


def test_polls_create_no_topic_and_join_no_group(cluster: TwoBrokers, brokers: Brokers) -> None:
    shop = Shop(cluster.address)
    shop.commit(0)
    with KafkaAdminClient(bootstrap_servers=cluster.address) as admin:
        admin.delete_topics([shop.topic])  # the group has still committed there
    before = inventory(cluster.address)
    reader = OffsetReader(brokers)
    for _ in range(3):
        assert shop.group in reader.read().committed
    assert inventory(cluster.address) == before
    assert shop.topic not in before[0]


def test_the_time_of_the_first_waiting_message_is_read_past_the_end_of_a_transaction(
    cluster: TwoBrokers, brokers: Brokers
) -> None:
    shop = Shop(cluster.address)
    sent = [SENT_MS, SENT_MS + 1]
    for time_ms in sent:  # each transaction ends with a record that is no message
        with KafkaProducer(
            bootstrap_servers=cluster.address, transactional_id=f"tx-{shop.topic}"
        ) as producer:
            producer.init_transactions()
            producer.begin_transaction()
            producer.send(shop.topic, b"order", partition=0, timestamp_ms=time_ms).get(20)
            producer.commit_transaction()
    reader = OffsetReader(brokers, Filters(NameFilter(shop.group), NameFilter(shop.topic)))
    place = Partition(shop.topic, 0)
    found = []
    for offset in (0, 1, 3, 4):
        shop.commit(offset)
        offsets = reader.read()
        assert offsets.committed[shop.group][place] == offset
        found.append(offsets.times.get((shop.group, place)))
    assert offsets.logs[place] == Log(0, 4)
    assert found == [sent[0] * 1_000_000, sent[1] * 1_000_000, None, None]


def test_the_members_of_a_group_are_counted(cluster: TwoBrokers, brokers: Brokers) -> None:
    shop = Shop(cluster.address)
    shop.produce(1)
    shop.commit(0)
    reader = OffsetReader(brokers, Filters(groups=NameFilter(shop.group)))
    assert reader.read().members == {shop.group: 0}
    consumer = KafkaConsumer(
        shop.topic, bootstrap_servers=cluster.address, group_id=shop.group, consumer_timeout_ms=20_000
    )
    next(consumer)
    assert read_until(reader, lambda offsets: offsets.members != {shop.group: 0}).members == {shop.group: 1}
    consumer.close()
    read_until(reader, lambda offsets: offsets.members == {shop.group: 0})


def test_only_the_groups_and_topics_of_the_filters_are_read(cluster: TwoBrokers, brokers: Brokers) -> None:
    shop = Shop(cluster.address)
    shop.commit(0)
    filters = Filters(NameFilter("group-*", "*-b"), NameFilter(deny=shop.topic))
    offsets = OffsetReader(brokers, filters).read()
    assert set(offsets.committed) == {"group-a"}
    assert {place.topic for place in offsets.logs} & {"orders", shop.topic} == {"orders"}


def test_a_broker_that_hangs_and_then_dies_costs_only_its_partitions_and_groups(
    cluster: TwoBrokers, brokers: Brokers
) -> None:
    filters = Filters(NameFilter(",".join(GROUPS)), NameFilter("orders"))
    reader = OffsetReader(brokers, filters)
    mine, other = Partition("orders", 0), Partition("orders", 1)
    whole = reader.read()
    assert (set(whole.committed), set(whole.logs), whole.problems) == (set(GROUPS), {mine, other}, [])

    cluster.pause()
    began = time.monotonic()
    hung = reader.read()
    assert time.monotonic() - began < 2 * TIMEOUT
    (lost,) = set(GROUPS) - set(hung.committed)
    assert set(hung.logs) == {mine}
    assert Problem(lost, None, None, "broker does not answer") in hung.problems
    # The cluster may miss the broker while the poll waits for it.
    reasons = {problem.reason for problem in hung.problems if problem[1:3] == other}
    assert reasons <= {"broker does not answer", "no leader"}
    assert len(hung.problems) == 2

    # When the cluster has missed it, the partition has no leader. The group has no other coordinator.
    dead = read_until(reader, lambda offsets: Problem(None, *other, "no leader") in offsets.problems)
    assert Problem(lost, None, None, "broker does not answer") in dead.problems
    assert (set(dead.committed), set(dead.logs)) == (set(GROUPS) - {lost}, {mine})

    cluster.resume()
    read_until(reader, lambda offsets: offsets[:3] == whole[:3])
