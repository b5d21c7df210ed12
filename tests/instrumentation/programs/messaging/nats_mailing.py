"""Consumes bills from NATS in a loop and sends notifications over HTTP. Contains no tracing code."""

import asyncio
import sys

import httpx
import nats

url, source, listener = sys.argv[1:]


async def main() -> None:
    """Consume bills until the end of the program."""
    client = await nats.connect(url)
    bills = await client.subscribe(source)
    await client.flush()
    print("ready", flush=True)
    async with httpx.AsyncClient(timeout=10) as http:
        async for message in bills.messages:
            (await http.post(listener, content=message.data)).raise_for_status()


asyncio.run(main())
