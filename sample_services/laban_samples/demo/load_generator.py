"""Generates load: sends a seeded mix of orders at a constant rate, whatever the shop responds.

`python -m laban_samples.demo.load_generator --url http://127.0.0.1:8101 --rate 5 --count 100`
"""

import random
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count as count_from
from itertools import islice
from typing import Final

import httpx
from pydantic import Field
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict

from laban_samples.catalogue import CUSTOMERS, PRICES_CENTS
from laban_samples.demo.progress import Progress, create_progress
from laban_samples.runtime.service_clients import CUSTOMER_TIMEOUT_S

MAX_CONCURRENT: Final = 64
"""The maximum number of concurrent requests; above it, the rate drops."""
DEFAULT_SEED: Final = 7
"""With this seed, two of the first thirty orders exceed the payment limit."""

_SKUS: Final = tuple(PRICES_CENTS)
_SKU_WEIGHTS: Final = (30, 25, 25, 12, 6, 2)
_LARGE_RATIO: Final = 0.06
"""The ratio of office orders, which exceed the payment limit."""


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """An order to send."""

    order_id: str
    customer_id: str
    items: tuple[tuple[str, int], ...]

    def body(self) -> dict[str, object]:
        """Return the JSON body of the request."""
        items = [{"sku": sku, "quantity": quantity} for sku, quantity in self.items]
        return {"order_id": self.order_id, "customer_id": self.customer_id, "items": items}


@dataclass(slots=True)
class LoadResult:
    """The results of the orders that were sent.

    Attributes:
        order_ids: the IDs of all orders, in the order in which they were sent.
        ok: the number of 2xx responses.
        failed: the number of failures by HTTP status or transport error.
        latencies_ms: the latencies of all orders, unsorted.
    """

    order_ids: list[str] = field(default_factory=list[str])
    ok: int = 0
    failed: dict[str, int] = field(default_factory=dict[str, int])
    latencies_ms: list[float] = field(default_factory=list[float])

    def percentile_ms(self, quantile: float) -> float:
        """Return a percentile of the latencies; `quantile` is from 0 to 1. Returns 0 without orders."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))] if ordered else 0.0

    def __str__(self) -> str:
        failures = "".join(f", {number} × {reason}" for reason, number in self.failed.items())
        return (
            f"{self.ok} ok, {sum(self.failed.values())} failed{failures}; "
            f"p50 {self.percentile_ms(0.5):.0f} ms, p95 {self.percentile_ms(0.95):.0f} ms"
        )


def plan_orders(seed: int, first_id: int) -> Iterator[PlannedOrder]:
    """Generate orders without end, numbered from `first_id`; the same seed gives the same orders."""
    draw = random.Random(seed)
    for number in count_from(first_id):
        large = draw.random() < _LARGE_RATIO
        customer = draw.choice(tuple(CUSTOMERS))
        skus = dict.fromkeys(draw.choices(_SKUS, _SKU_WEIGHTS, k=draw.randint(1, 3)))
        items = tuple((sku, draw.randint(1, 3)) for sku in skus)
        yield PlannedOrder(str(number), customer, (("desk", draw.randint(5, 9)),) if large else items)


class LoadGenerator:
    """Sends orders to the shop and counts the responses.

    Args:
        url: the URL of the order service.
        rate: orders per second.
        stopping: set this event to stop early; pending requests finish.
        changes: change each order right after it was created, so that it has two events.
    """

    def __init__(
        self, url: str, rate: float, stopping: threading.Event | None = None, *, changes: bool = False
    ) -> None:
        self._client = httpx.Client(
            base_url=url,
            timeout=CUSTOMER_TIMEOUT_S,
            limits=httpx.Limits(max_connections=MAX_CONCURRENT, max_keepalive_connections=MAX_CONCURRENT),
        )
        self._interval = 1 / rate
        self._changes = changes
        self._stopping = stopping or threading.Event()
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(MAX_CONCURRENT)
        self.result = LoadResult()

    def send(self, orders: Iterable[PlannedOrder], progress: Progress) -> LoadResult:
        """Send the orders at the rate, and wait for all responses."""
        start = time.monotonic()
        pending: list[Future[None]] = []
        with self._client, ThreadPoolExecutor(MAX_CONCURRENT) as pool:
            for number, order in enumerate(orders):
                delay = start + number * self._interval - time.monotonic()
                if self._stopping.wait(max(0.0, delay)):
                    break
                self._slots.acquire()
                self.result.order_ids.append(order.order_id)
                pending = [future for future in pending if not self._done(future)]
                pending.append(pool.submit(self._send, order, progress))
        for future in pending:
            future.result()
        return self.result

    @staticmethod
    def _done(future: "Future[None]") -> bool:
        """Return whether the future is done; raise its exception, which is a bug in this module."""
        if future.done():
            future.result()
            return True
        return False

    def _send(self, order: PlannedOrder, progress: Progress) -> None:
        start = time.monotonic()
        try:
            answer = self._client.post("/orders", json=order.body())
            if self._changes and answer.is_success:
                answer = self._client.put(f"/orders/{order.order_id}", json={"note": "ring twice"})
            reason = None if answer.is_success else str(answer.status_code)
        except httpx.TransportError as error:
            reason = type(error).__name__
        finally:
            self._slots.release()
        with self._lock:
            self.result.latencies_ms.append((time.monotonic() - start) * 1000)
            if reason is None:
                self.result.ok += 1
            else:
                self.result.failed[reason] = self.result.failed.get(reason, 0) + 1
            progress.update(len(self.result.latencies_ms), str(self.result))


class LoadSettings(BaseSettings):
    """Sends a seeded mix of orders. Precedence: argument, `SHOP_LOAD_*` environment variable, default."""

    model_config = SettingsConfigDict(env_prefix="SHOP_LOAD_", cli_kebab_case=True)

    url: str = Field(default="http://127.0.0.1:8101", description="URL of the order service.")
    rate: float = Field(default=5.0, gt=0, le=1000, description="Orders per second.")
    count: int | None = Field(default=None, ge=1, description="Number of orders; unlimited by default.")
    seed: int = Field(DEFAULT_SEED, description="The same seed sends the same orders.")
    first_id: int = Field(default=1001, ge=0, description="ID of the first order.")

    def cli_cmd(self) -> None:
        """Send the orders; exit with 1 if an order failed."""
        orders = islice(plan_orders(self.seed, self.first_id), self.count)
        generator = LoadGenerator(self.url, self.rate)
        try:
            with create_progress("orders", self.count) as progress:
                generator.send(orders, progress)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)  # noqa: T201 - CLI output
        print(generator.result, file=sys.stderr)  # noqa: T201
        sys.exit(1 if generator.result.failed else 0)


if __name__ == "__main__":
    CliApp.run(LoadSettings)
