"""Consumes with kafka-python in every way: `BOOTSTRAP TOPIC`. Prints the version of kafka-python.

Each handler starts a span `WAY NUMBER`, whose parent is the process span.
"""

import sys

import kafka
from opentelemetry import trace

bootstrap, topic = sys.argv[1:]
tracer = trace.get_tracer("program")


def made(name: str) -> None:
    tracer.start_span(name).end()


def consumer(**options: object) -> kafka.KafkaConsumer:
    return kafka.KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=10_000,
        **options,
    )


def produce() -> None:
    producer = kafka.KafkaProducer(bootstrap_servers=bootstrap)
    with tracer.start_as_current_span("request"):
        producer.send(topic, b"0", b"k0", [("own", b"1")], 0).get(20)
        producer.send(topic, value=b"1", key=b"k1", partition=0).get(20)
        producer.send(topic, key=b"k2", partition=0).get(20)
    producer.close()


def iterate() -> None:
    reading = consumer()
    for number, _ in enumerate(reading):
        made(f"for {number}")
        if number == 2:
            break
    reading.close()


def take() -> None:
    reading = consumer()
    next(reading)
    made("next 0")
    reading.close()


def poll() -> None:
    reading = consumer()
    seen = 0
    while seen < 3:
        for records in reading.poll(timeout_ms=1_000).values():
            for _ in records:
                made(f"poll {seen}")
                seen += 1
    reading.close()


def fail() -> None:
    reading = consumer()
    try:
        for _ in reading:
            made("fail 0")
            raise KeyError("poison")
    finally:
        reading.close()


produce()
iterate()
take()
poll()
try:
    fail()
except KeyError:
    print(kafka.__version__)
