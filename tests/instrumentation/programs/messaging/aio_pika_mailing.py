"""Consumes a queue in a loop with aio-pika and publishes to an exchange. Contains no tracing code."""

import asyncio
import sys

from aio_pika import ExchangeType, Message, connect_robust

url, source, target = sys.argv[1:]


async def main() -> None:
    """Consume bills until the end of the program."""
    async with await connect_robust(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(source)
        exchange = await channel.declare_exchange(target, ExchangeType.FANOUT)
        async with queue.iterator() as messages:
            print("ready", flush=True)
            async for message in messages:
                async with message.process():
                    await exchange.publish(Message(message.body), routing_key="mail.sent")


asyncio.run(main())
