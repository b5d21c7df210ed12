import pytest
from kafka.protocol.consumer import ListOffsetsRequest, OffsetFetchRequest

from laban_collector.errors import KafkaUnreachable
from laban_collector.kafka_settings import KafkaCluster
from laban_collector.lag.brokers import Brokers
from laban_collector.lag.evaluation import Log, Partition, Problem
from laban_collector.lag.filters import Filters, NameFilter
from laban_collector.lag.members import DESCRIBE_INTERVAL
from laban_collector.lag.reader import OffsetReader
from laban_collector.lag.security import client_options

from ..shop import Shop
from .fake_brokers import FakeBrokers

FIRST, SECOND = Partition("orders", 0), Partition("orders", 1)
NOT_COORDINATOR, TOPIC_DENIED, GROUP_DENIED, NOT_LEADER, UNKNOWN_TOPIC = 16, 29, 30, 6, 3


@pytest.fixture
def brokers() -> FakeBrokers:
    """Two brokers, two partitions, and a group on each broker."""
    brokers = FakeBrokers()
    brokers.leaders = {FIRST: 1, SECOND: 2}
    brokers.ends = {FIRST: 10, SECOND: 20}
    brokers.groups = {1: {"email": {FIRST: 4}}, 2: {"billing": {FIRST: 10, SECOND: 20}}}
    return brokers


def test_all_groups_and_logs_are_read(brokers: FakeBrokers) -> None:
    reader = OffsetReader(brokers)
    offsets = reader.read()
    assert offsets.logs == {FIRST: Log(0, 10), SECOND: Log(0, 20)}
    assert offsets.committed == {"email": {FIRST: 4, SECOND: None}, "billing": {FIRST: 10, SECOND: 20}}
    assert offsets.problems == []
    assert reader.cluster_id == "fake"


def test_committed_offsets_are_read_before_the_ends(brokers: FakeBrokers) -> None:
    OffsetReader(brokers).read()
    kinds = [type(request) for _, request in brokers.sent]
    last_committed = max(n for n, kind in enumerate(kinds) if kind is OffsetFetchRequest)
    assert last_committed < kinds.index(ListOffsetsRequest)


def test_one_request_asks_for_all_partitions_of_a_broker_and_one_for_all_groups(brokers: FakeBrokers) -> None:
    brokers.leaders = {Partition(f"topic-{n // 50}", n % 50): 1 for n in range(1000)}
    brokers.ends = dict.fromkeys(brokers.leaders, 1)
    brokers.groups = {1: {f"group-{n}": {} for n in range(100)}}
    assert len(OffsetReader(brokers).read().logs) == 1000
    assert brokers.kinds_sent().count("ListOffsetsRequest") == 2
    assert brokers.kinds_sent().count("OffsetFetchRequest") == 1


def test_an_older_broker_is_asked_for_one_group_at_a_time(brokers: FakeBrokers) -> None:
    brokers.offset_fetch = 7
    brokers.groups = {1: {"email": {FIRST: 4}, "billing": {FIRST: 10}}}
    brokers.errors["billing"] = GROUP_DENIED
    brokers.leaders = {FIRST: 1}
    offsets = OffsetReader(brokers).read()
    assert offsets.committed == {"email": {FIRST: 4}}
    assert offsets.problems == [Problem("billing", None, None, "not authorised")]


@pytest.mark.parametrize(
    ("place", "code", "problem"),
    [
        ("email", GROUP_DENIED, Problem("email", None, None, "not authorised")),
        (("email", FIRST), TOPIC_DENIED, Problem("email", "orders", 0, "not authorised")),
        ("email", NOT_COORDINATOR, Problem("email", None, None, "not coordinator")),
        (FIRST, TOPIC_DENIED, Problem(None, "orders", 0, "not authorised")),
        (FIRST, NOT_LEADER, Problem(None, "orders", 0, "no leader")),
        (1, GROUP_DENIED, Problem(None, None, None, "not authorised")),
    ],
)
def test_what_may_not_or_cannot_be_read_costs_only_itself(
    brokers: FakeBrokers, place: object, code: int, problem: Problem
) -> None:
    brokers.errors[place] = code
    offsets = OffsetReader(brokers).read()
    assert offsets.problems == [problem]
    assert offsets.committed["billing"][SECOND] == 20
    assert offsets.logs[SECOND] == Log(0, 20)
    assert (FIRST in offsets.logs) is (place != FIRST)


def test_a_partition_without_a_leader_costs_only_itself(brokers: FakeBrokers) -> None:
    brokers.leaders[FIRST] = -1
    offsets = OffsetReader(brokers).read()
    assert offsets.problems == [Problem(None, "orders", 0, "no leader")]
    assert set(offsets.logs) == {SECOND}
    assert offsets.committed["billing"] == {FIRST: 10, SECOND: 20}


def test_a_topic_that_was_deleted_is_no_problem(brokers: FakeBrokers) -> None:
    brokers.errors[FIRST] = UNKNOWN_TOPIC
    brokers.errors["gone"] = UNKNOWN_TOPIC
    brokers.leaders[Partition("gone", 0)] = 1
    offsets = OffsetReader(brokers).read()
    assert (offsets.problems, set(offsets.logs)) == ([], {SECOND})


def test_a_topic_that_may_not_be_described_costs_only_itself(brokers: FakeBrokers) -> None:
    brokers.leaders[Partition("secret", 0)] = -1
    brokers.errors["secret"] = TOPIC_DENIED
    offsets = OffsetReader(brokers).read()
    assert Problem(None, "secret", None, "not authorised") in offsets.problems
    assert set(offsets.logs) == {FIRST, SECOND}


def test_a_broker_that_is_down_costs_its_partitions_and_the_groups_that_it_had(brokers: FakeBrokers) -> None:
    reader = OffsetReader(brokers)
    reader.read()
    brokers.down = {2}
    down = {
        Problem("billing", None, None, "broker does not answer"),
        Problem(None, "orders", 1, "broker does not answer"),
    }
    for _ in range(2):
        offsets = reader.read()
        assert set(offsets.problems) == down
        assert offsets.committed == {"email": {FIRST: 4}}

    # Another broker takes over the group and the partition.
    brokers.down = set()
    brokers.groups = {1: {"email": {FIRST: 4}, "billing": {SECOND: 20}}}
    brokers.leaders[SECOND] = 1
    offsets = reader.read()
    assert (offsets.problems, set(offsets.committed)) == ([], {"email", "billing"})


def test_a_broker_that_has_left_the_cluster_leaves_its_groups_unread(brokers: FakeBrokers) -> None:
    reader = OffsetReader(brokers)
    reader.read()
    del brokers.groups[2]
    brokers.leaders[SECOND] = -1
    assert Problem("billing", None, None, "broker does not answer") in reader.read().problems


def test_a_group_that_was_deleted_is_forgotten(brokers: FakeBrokers) -> None:
    reader = OffsetReader(brokers)
    reader.read()
    brokers.groups[2] = {}
    assert reader.read().problems == []


def test_without_any_broker_there_is_nothing_to_read(brokers: FakeBrokers) -> None:
    brokers.down = {1, 2}
    with pytest.raises(KafkaUnreachable):
        OffsetReader(brokers).read()


def test_internal_topics_and_groups_that_do_not_consume_are_left_out(brokers: FakeBrokers) -> None:
    brokers.leaders[Partition("__consumer_offsets", 0)] = 1
    brokers.groups[1]["connect-cluster"] = {}
    offsets = OffsetReader(brokers).read()
    assert set(offsets.logs) == {FIRST, SECOND}
    assert set(offsets.committed) == {"email", "billing"}


def test_filters_leave_out_groups_and_topics(brokers: FakeBrokers) -> None:
    other = Partition("payments", 0)
    brokers.leaders[other] = 1
    brokers.ends[other] = 5
    brokers.groups[1]["email"][other] = 5
    filters = Filters(NameFilter("email"), NameFilter("pay*"))
    offsets = OffsetReader(brokers, filters).read()
    assert offsets[:2] == ({other: Log(0, 5)}, {"email": {other: 5}})


def test_members_are_counted_once_a_minute_and_when_the_state_changes(brokers: FakeBrokers) -> None:
    now = 0.0
    reader = OffsetReader(brokers, clock=lambda: now)
    brokers.states["email"] = "Empty"
    for _ in range(3):
        assert reader.read().members == {"email": 0, "billing": 3}
    assert brokers.kinds_sent().count("DescribeGroupsRequest") == 1
    brokers.states["email"] = "Stable"
    assert reader.read().members == {"email": 3, "billing": 3}
    assert brokers.kinds_sent().count("DescribeGroupsRequest") == 2
    now += DESCRIBE_INTERVAL
    reader.read()
    assert brokers.kinds_sent().count("DescribeGroupsRequest") == 4


def test_members_are_unknown_if_the_broker_cannot_describe_and_it_is_not_asked_again(
    brokers: FakeBrokers,
) -> None:
    now = 0.0
    reader = OffsetReader(brokers, clock=lambda: now)
    brokers.cannot_describe = True
    for _ in range(3):
        offsets = reader.read()
        assert (offsets.members, offsets.problems) == ({"email": None, "billing": None}, [])
        now += DESCRIBE_INTERVAL
    assert brokers.kinds_sent().count("DescribeGroupsRequest") == 2


def test_members_of_a_group_that_may_not_or_cannot_be_described_are_unknown(brokers: FakeBrokers) -> None:
    brokers.errors["describe", "email"] = GROUP_DENIED
    brokers.kinds["billing"] = "consumer"  # the new protocol, which DescribeGroups does not know
    assert OffsetReader(brokers).read().members == {"email": None, "billing": None}


def test_offsets_are_read_from_the_embedded_broker(embedded_broker: str) -> None:
    assert_offsets_are_read(embedded_broker)


@pytest.mark.kafka
def test_offsets_are_read_from_apache_kafka_too(real_kafka: str) -> None:
    assert_offsets_are_read(real_kafka)


def assert_offsets_are_read(bootstrap: str) -> None:
    shop = Shop(bootstrap)
    shop.produce(5)
    shop.produce(3, partition=1)
    shop.commit(2)
    brokers = Brokers(client_options(KafkaCluster(bootstrap=bootstrap)))
    brokers.connect()
    try:
        offsets = OffsetReader(brokers).read()
    finally:
        brokers.close()
    first, second = Partition(shop.topic, 0), Partition(shop.topic, 1)
    assert (offsets.logs[first], offsets.logs[second]) == (Log(0, 5), Log(0, 3))
    assert offsets.committed[shop.group] == {first: 2, second: None}
    assert not [place for place in offsets.logs if place.topic.startswith("__")]
