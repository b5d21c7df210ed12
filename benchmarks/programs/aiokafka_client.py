"""aiokafka benchmark client: argument `BOOTSTRAP`, commands as in `measuring`. No tracing code."""

import asyncio
import sys
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script: put the repository on the path

from benchmarks.programs.measuring import Clocks, serve

bootstrap = sys.argv[1]


async def produce(topic: str, count: int) -> Clocks:
    """Send messages and wait until the broker has acknowledged all of them."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5)
    await producer.start()
    await producer.send_and_wait(topic, b"warm up")
    began = Clocks.now()
    for number in range(count):
        await producer.send(topic, b"x" * 100, key=b"%d" % number)
    await producer.flush()
    took = Clocks.since(began)
    await producer.stop()
    return took


async def consume(work: str, topic: str, count: int) -> Clocks:
    """Read messages by iterating or polling, with a handler that does nothing."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    await consumer.getone()
    began = Clocks.now()
    seen = 0
    if work == "iterate":
        async for _ in consumer:
            seen += 1
            if seen == count:
                break
    while work == "poll" and seen < count:
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            for _ in records:
                seen += 1
    took = Clocks.since(began)
    await consumer.stop()
    return took


def work(name: str, topic: str, count: int) -> Clocks:
    """Run the named operation."""
    return asyncio.run(produce(topic, count) if name == "produce" else consume(name, topic, count))


serve(work)
