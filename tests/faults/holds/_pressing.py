"""Senders that send more than a collector can take, or at a steady rate, and note what was acknowledged."""

import asyncio
import time
from dataclasses import dataclass, field

import httpx

from ...collector.requests import body, span
from ..sending import PROTOBUF

_RETRYABLE = (429, 503)


@dataclass
class Pressed:
    """What was sent.

    Attributes:
        acknowledged: the numbers of the acknowledged requests.
        statuses: number of responses by status.
        final: refusals that a sender may not retry, or without a time to retry.
    """

    acknowledged: list[int] = field(default_factory=list[int])
    statuses: dict[int, int] = field(default_factory=dict[int, int])
    final: list[str] = field(default_factory=list[str])


async def press(
    url: str,
    seconds: float,
    connections: int,
    spans: int,
    rate: float | None = None,
    *,
    one_trace: bool = False,
) -> Pressed:
    """Send requests of so many spans for a time.

    Args:
        rate: in requests a second; None is as fast as possible.
        one_trace: whether all spans are of one trace; otherwise each request is a trace.
    """
    pressed, until, numbers = Pressed(), time.monotonic() + seconds, iter(range(10**9))
    began = time.monotonic()

    async def connection(client: httpx.AsyncClient) -> None:
        while time.monotonic() < until:
            number = next(numbers)
            if rate is not None and (wait := began + number / rate - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            made = [span(number * spans + one) for one in range(spans)]
            if not one_trace:
                for one in made:
                    one.trace_id = (number + 1).to_bytes(16)
            sent = body(*made)
            answer = await client.post(url, content=sent, headers=PROTOBUF)
            pressed.statuses[answer.status_code] = pressed.statuses.get(answer.status_code, 0) + 1
            if answer.is_success:
                pressed.acknowledged.append(number)
            elif answer.status_code not in _RETRYABLE or "retry-after" not in answer.headers:
                pressed.final.append(f"{answer.status_code}: {answer.text[:100]}")

    limits = httpx.Limits(max_connections=connections)
    async with httpx.AsyncClient(timeout=120, limits=limits) as client:
        await asyncio.gather(*(connection(client) for _ in range(connections)))
    return pressed
