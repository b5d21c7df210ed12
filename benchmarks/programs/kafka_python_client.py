"""kafka-python at work: `produce|iterate|poll BOOTSTRAP TOPIC COUNT` prints messages a second."""

import sys
import time

from kafka import KafkaConsumer, KafkaProducer

work, bootstrap, topic, text = sys.argv[1:]
count = int(text)


def produce() -> float:
    """Send, and wait until the broker has all."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=5)
    producer.send(topic, b"warm up").get(30)
    began = time.perf_counter()
    for number in range(count):
        producer.send(topic, b"x" * 100, key=b"%d" % number)
    producer.flush()
    took = time.perf_counter() - began
    producer.close()
    return took


def consume() -> float:
    """Read in one of the two ways, with a handler that does nothing."""
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    next(consumer)
    began = time.perf_counter()
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
    took = time.perf_counter() - began
    consumer.close()
    return took


print(count / (produce() if work == "produce" else consume()))
