"""Fetches parcels from a NATS stream and publishes bills. Contains no tracing code."""

import asyncio
import sys

import nats

url, source, target = sys.argv[1:]


async def main() -> None:
    """Fetch parcels until the end of the program."""
    client = await nats.connect(url)
    stream = client.jetstream()
    await stream.add_stream(name=source, subjects=[source])
    parcels = await stream.pull_subscribe(source, durable="billing")
    print("ready", flush=True)
    while True:
        try:
            fetched = await parcels.fetch(10, timeout=1)
        except TimeoutError:
            continue
        for message in fetched:
            await client.publish(target, message.data)
            await message.ack()


asyncio.run(main())
