"""Consumes reservations with aiokafka, in batches, and publishes shipments. Contains no tracing code."""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

bootstrap, source, target = sys.argv[1:]


async def main() -> None:
    """Publish a shipment for each reservation."""
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=bootstrap,
        group_id=f"shipping-{source}",
        auto_offset_reset="earliest",
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_000,
    )
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer, consumer:
        print("ready", flush=True)
        while True:
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                for record in records:
                    await producer.send_and_wait(target, record.value, record.key)


asyncio.run(main())
