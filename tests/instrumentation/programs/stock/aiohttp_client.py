"""Calls over aiohttp: an answer, an error status, a refused connection."""

import asyncio

import aiohttp
from http_server import serving


async def main(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/orders/1") as answer:
            print(await answer.json())
        async with session.post(f"{url}/orders", json={"id": 1}) as answer:
            print(answer.status)
        try:
            async with session.get(f"{url}/missing", raise_for_status=True):
                pass
        except aiohttp.ClientResponseError as error:
            print(error.status, error.message)
        try:
            await session.get("http://127.0.0.1:1/")
        except aiohttp.ClientError as error:
            print(type(error).__mro__)


with serving() as url:
    asyncio.run(main(url))
