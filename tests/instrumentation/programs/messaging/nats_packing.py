"""Consumes orders from NATS in a callback and publishes to a stream. Contains no tracing code."""

import asyncio
import sys

import nats
from nats.aio.msg import Msg

url, source, target, prices = sys.argv[1:]


async def main() -> None:
    """Consume orders until the end of the program."""
    client = await nats.connect(url)
    stream = client.jetstream()
    await stream.add_stream(name=target, subjects=[target])

    async def price(message: Msg) -> None:
        """Reply with the price."""
        await message.respond(b"42")

    async def pack(message: Msg) -> None:
        """Pack the order."""
        answer = await client.request(prices, message.data, timeout=10)
        await stream.publish(target, message.data + answer.data)

    await client.subscribe(prices, cb=price)
    await client.subscribe(source, "packers", pack)
    await client.flush()
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
