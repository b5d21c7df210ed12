"""kafka-python benchmark client: argument `BOOTSTRAP`, commands as in `measuring`. No tracing code."""

import sys
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script: put the repository on the path

from benchmarks.programs.measuring import Clocks, serve

bootstrap = sys.argv[1]


def produce(topic: str, count: int) -> Clocks:
    """Send messages and wait until the broker has acknowledged all of them."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=5)
    producer.send(topic, b"warm up").get(30)
    began = Clocks.now()
    for number in range(count):
        producer.send(topic, b"x" * 100, key=b"%d" % number)
    producer.flush()
    took = Clocks.since(began)
    producer.close()
    return took


def consume(work: str, topic: str, count: int) -> Clocks:
    """Read messages by iterating or polling, with a handler that does nothing."""
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    next(consumer)
    began = Clocks.now()
    seen = 0
    if work == "iterate":
        for _ in consumer:
            seen += 1
            if seen == count:
                break
    while work == "poll" and seen < count:
        for records in consumer.poll(timeout_ms=1000).values():
            for _ in records:
                seen += 1
    took = Clocks.since(began)
    consumer.close()
    return took


def work(name: str, topic: str, count: int) -> Clocks:
    """Run the named operation."""
    return produce(topic, count) if name == "produce" else consume(name, topic, count)


serve(work)
