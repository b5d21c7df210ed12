"""confluent-kafka benchmark client: argument `BOOTSTRAP`, commands as in `measuring`. No tracing code.

`poll` returns one message per call, the usual way to use this client. Its consumer is not iterable.
"""

import sys
from pathlib import Path
from uuid import uuid4

from confluent_kafka import Consumer, Producer, TopicPartition

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script: put the repository on the path

from benchmarks.programs.measuring import Clocks, serve

bootstrap = sys.argv[1]


def produce(topic: str, count: int) -> Clocks:
    """Send messages and wait until the broker has acknowledged all of them."""
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


def consume(topic: str, count: int) -> Clocks:
    """Poll messages, with a handler that does nothing."""
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


def work(name: str, topic: str, count: int) -> Clocks:
    """Run the named operation."""
    return produce(topic, count) if name == "produce" else consume(topic, count)


serve(work)
