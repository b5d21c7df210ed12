"""aiokafka at work: `produce|iterate|poll BOOTSTRAP TOPIC COUNT` prints messages/s and CPU µs each."""

import asyncio
import sys
import time
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

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


async def produce() -> Clocks:
    """Send, and wait until the broker has all."""
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


async def consume() -> Clocks:
    """Read in one of the two ways, with a handler that does nothing."""
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


took = asyncio.run(produce() if work == "produce" else consume())
print(count / took.wall, took.cpu / count * 1e6)
