"""kafka-python at work: `produce|iterate|poll BOOTSTRAP TOPIC COUNT` prints messages/s and CPU µs each."""

import sys
import time
from typing import NamedTuple

from kafka import KafkaConsumer, KafkaProducer

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
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=5)
    producer.send(topic, b"warm up").get(30)
    began = Clocks.now()
    for number in range(count):
        producer.send(topic, b"x" * 100, key=b"%d" % number)
    producer.flush()
    took = Clocks.since(began)
    producer.close()
    return took


def consume() -> Clocks:
    """Read in one of the two ways, with a handler that does nothing."""
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


took = produce() if work == "produce" else consume()
print(count / took.wall, took.cpu / count * 1e6)
