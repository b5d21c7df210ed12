"""Consumes mails in an aio-pika callback and sends a notification over HTTP. Contains no tracing code."""

import asyncio
import sys

import httpx
from aio_pika import ExchangeType, connect_robust
from aio_pika.abc import AbstractIncomingMessage

url, source, listener = sys.argv[1:]


async def audit(message: AbstractIncomingMessage) -> None:
    """Send a notification."""
    async with message.process(), httpx.AsyncClient(timeout=10) as client:
        (await client.post(listener, content=message.body)).raise_for_status()


async def main() -> None:
    """Consume mails until the end of the program."""
    async with await connect_robust(url) as connection:
        channel = await connection.channel()
        exchange = await channel.declare_exchange(source, ExchangeType.FANOUT)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange)
        await queue.consume(audit)
        print("ready", flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
