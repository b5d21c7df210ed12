"""confluent-kafka at work: `produce|poll BOOTSTRAP TOPIC COUNT` prints messages/s and CPU µs each.

`poll` takes one message a call, which is how this client is used; it has no loop over a consumer.
"""

import sys
import time
from typing import NamedTuple
from uuid import uuid4

from confluent_kafka import Consumer, Producer, TopicPartition

work, bootstrap, topic, text = sys.argv[1:]
count = int(text)


class Clocks(NamedTuple):
    """Seconds that have passed, and of them those of the processor, in all threads."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> "Clocks":
        """As they stand."""
        return cls(time.perf_counter(), time.process_time())

    @classmethod
    def since(cls, began: "Clocks") -> "Clocks":
        """What has passed."""
        return cls(time.perf_counter() - began.wall, time.process_time() - began.cpu)


def produce() -> Clocks:
    """Send, and wait until the broker has all."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "linger.ms": 5, "queue.buffering.max.messages": 500_000}
    )
    producer.produce(topic, b"warm up")
    producer.flush(30)
    began = Clocks.now()
    for number in range(count):
        producer.produce(topic, b"x" * 100, key=b"%d" % number)
        producer.poll(0)
    producer.flush(60)
    return Clocks.since(began)


def consume() -> Clocks:
    """Read with a handler that does nothing."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"bench-{uuid4().hex}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    while consumer.poll(1) is None:
        pass
    began = Clocks.now()
    seen = 0
    while seen < count:
        if consumer.poll(1) is not None:
            seen += 1
    took = Clocks.since(began)
    consumer.close()
    return took


took = produce() if work == "produce" else consume()
print(count / took.wall, took.cpu / count * 1e6)
