"""Orders in Redis: commands, a pipeline, an error, async commands, a refused connection."""

import asyncio
import sys

import redis
import redis.asyncio


async def read() -> None:
    async with redis.asyncio.from_url(sys.argv[1]) as client:
        print(await client.get("order:1"))


with redis.from_url(sys.argv[1]) as client:
    print(client.set("order:1", "tea"), client.get("order:1"), client.get("order:9"))
    with client.pipeline() as pipe:
        print(pipe.set("order:2", "jam").incr("orders").expire("orders", 60).execute()[0])
    try:
        client.lpush("order:1", "x")
    except redis.ResponseError as error:
        print(error)
    client.flushdb()
asyncio.run(read())
try:
    redis.Redis(port=1, retry=None).ping()
except redis.ConnectionError as error:
    print(type(error).__mro__)
