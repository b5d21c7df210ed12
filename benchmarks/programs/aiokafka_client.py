"""aiokafka at work: `produce|iterate|poll BOOTSTRAP TOPIC COUNT` prints messages a second."""

import asyncio
import sys
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

work, bootstrap, topic, text = sys.argv[1:]
count = int(text)


async def produce() -> float:
    """Send, and wait until the broker has all."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5)
    await producer.start()
    await producer.send_and_wait(topic, b"warm up")
    began = time.perf_counter()
    for number in range(count):
        await producer.send(topic, b"x" * 100, key=b"%d" % number)
    await producer.flush()
    took = time.perf_counter() - began
    await producer.stop()
    return took


async def consume() -> float:
    """Read in one of the two ways, with a handler that does nothing."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    await consumer.getone()
    began = time.perf_counter()
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
    took = time.perf_counter() - began
    await consumer.stop()
    return took


print(count / asyncio.run(produce() if work == "produce" else consume()))
