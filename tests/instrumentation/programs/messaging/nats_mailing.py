"""Takes bills from NATS in a loop and tells somebody by HTTP. Knows nothing of tracing."""

import asyncio
import sys

import httpx
import nats

url, source, listener = sys.argv[1:]


async def main() -> None:
    """Mail what is billed."""
    client = await nats.connect(url)
    bills = await client.subscribe(source)
    await client.flush()
    print("ready", flush=True)
    async with httpx.AsyncClient(timeout=10) as http:
        async for message in bills.messages:
            (await http.post(listener, content=message.data)).raise_for_status()


asyncio.run(main())
