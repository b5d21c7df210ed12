"""Packs orders with FastStream: one by one, and in batches. Contains no tracing code."""

import asyncio
import os
import sys

from faststream import FastStream

if sys.argv[1] == "confluent":
    from faststream.confluent import KafkaBroker
else:
    from faststream.kafka import KafkaBroker

broker = KafkaBroker(os.environ["BROKER"])
group = os.environ["GROUP"]


@broker.subscriber(os.environ["ORDERS"], group_id=group, auto_offset_reset="earliest")
async def pack(order: str) -> None:
    if order == "bad":
        raise ValueError("bad order")
    await broker.publish("packed", os.environ["PARCELS"], key=order.encode())


@broker.subscriber(
    os.environ["BULK"], group_id=group, auto_offset_reset="earliest", batch=True, max_records=3
)
async def pack_together(orders: list[str]) -> None:
    await broker.publish(str(len(orders)), os.environ["PARCELS"], key=b"bulk")


asyncio.run(FastStream(broker).run())
