"""Calls over httpx: an answer, an error status, a refused connection, and an async call."""

import asyncio

import httpx
from http_server import serving


async def call(url: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"{url}/orders/2")


with serving() as url, httpx.Client() as client:
    print(client.get(f"{url}/orders/1").json())
    print(client.post(f"{url}/orders", json={"id": 1}).status_code)
    print(client.get(f"{url}/missing").is_error)
    print(asyncio.run(call(url)).json())
try:
    httpx.get("http://127.0.0.1:1/")
except httpx.HTTPError as error:
    print(type(error).__mro__)
