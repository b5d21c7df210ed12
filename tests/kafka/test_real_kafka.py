"""The real broker behaves as the other tests expect."""

from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import UnknownTopicOrPartitionError

from tests.kafka.real_kafka import KafkaStartError, Runtime, find_runtime, running_kafka

pytestmark = pytest.mark.kafka

READ_TIMEOUT_MS = 20_000


@pytest.fixture
def topic(real_kafka: str) -> str:
    """A new topic with two partitions."""
    name = f"orders-{uuid4().hex}"
    with KafkaAdminClient(bootstrap_servers=real_kafka) as admin:
        admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])
        admin.wait_for_topics([name])
    return name


def produce(address: str, topic: str, values: list[bytes]) -> list[int]:
    """Send the values to partition 1 and return their offsets."""
    producer = KafkaProducer(bootstrap_servers=address)
    headers = [("traceparent", b"00-01-02-01")]
    sent = [producer.send(topic, value, key=b"1001", partition=1, headers=headers) for value in values]
    offsets = [future.get(timeout=20).offset for future in sent]
    producer.close()
    return offsets


def test_a_record_comes_back_with_key_headers_and_offset(real_kafka: str, topic: str) -> None:
    assert produce(real_kafka, topic, [b"created"]) == [0]

    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=real_kafka,
        auto_offset_reset="earliest",
        consumer_timeout_ms=READ_TIMEOUT_MS,
    )
    record = next(consumer)
    consumer.close()

    assert (record.key, record.value, record.partition, record.offset) == (b"1001", b"created", 1, 0)
    assert list(record.headers) == [("traceparent", b"00-01-02-01")]


def test_a_group_has_its_committed_offset_and_the_log_end_offset(real_kafka: str, topic: str) -> None:
    produce(real_kafka, topic, [b"a", b"b", b"c"])
    group = f"email-{uuid4().hex}"
    partition = TopicPartition(topic, 1)

    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=real_kafka,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=1,
        consumer_timeout_ms=READ_TIMEOUT_MS,
    )
    next(consumer)
    consumer.commit()
    end = consumer.end_offsets([partition])[partition]
    consumer.close()

    with KafkaAdminClient(bootstrap_servers=real_kafka) as admin:
        groups = [listed["group_id"] for listed in admin.list_groups()]
        committed = admin.list_group_offsets({group: None})[group][partition].offset
    assert group in groups
    assert (committed, end) == (1, 3)


def test_asking_for_an_unknown_topic_does_not_create_it(real_kafka: str) -> None:
    name = f"never-created-{uuid4().hex}"
    with KafkaAdminClient(bootstrap_servers=real_kafka) as admin:
        (described,) = admin.describe_topics([name])
        assert described["error_code"] == UnknownTopicOrPartitionError.errno
        assert name not in admin.list_topics()


def test_missing_jars_are_reported_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    reason = find_runtime(tmp_path)
    assert isinstance(reason, str)
    assert "dependency:copy-dependencies" in reason or "Java" in reason


def test_a_failed_start_is_reported_with_its_reason(tmp_path: Path) -> None:
    runtime = find_runtime()
    if isinstance(runtime, str):
        pytest.skip(runtime)
    empty = Runtime(runtime.java, tmp_path)
    with pytest.raises(KafkaStartError, match="StorageTool"), running_kafka(empty, tmp_path):
        pytest.fail("the broker runs without its JARs")
