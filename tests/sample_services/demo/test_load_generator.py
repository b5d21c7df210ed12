"""The mix of orders, and how the load generator sends them."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from itertools import islice
from typing import ClassVar

import pytest

from laban_samples.catalogue import CUSTOMERS, PAYMENT_LIMIT_CENTS, PRICES_CENTS
from laban_samples.demo.load_generator import DEFAULT_SEED, LoadGenerator, PlannedOrder, plan_orders
from laban_samples.demo.progress import ProgressLines


def price_of(order: PlannedOrder) -> int:
    return sum(PRICES_CENTS[sku] * quantity for sku, quantity in order.items)


def test_the_same_seed_plans_the_same_orders() -> None:
    assert list(islice(plan_orders(7, 1001), 200)) == list(islice(plan_orders(7, 1001), 200))
    assert list(islice(plan_orders(7, 1001), 200)) != list(islice(plan_orders(8, 1001), 200))


def test_orders_are_numbered_from_the_first_id() -> None:
    assert [order.order_id for order in islice(plan_orders(7, 1001), 3)] == ["1001", "1002", "1003"]
    assert [order.order_id for order in islice(plan_orders(7, 50), 2)] == ["50", "51"]


def test_the_mix_has_all_customers_and_a_few_declined_orders() -> None:
    orders = list(islice(plan_orders(7, 1001), 1000))
    assert {order.customer_id for order in orders} == set(CUSTOMERS)
    declined = sum(price_of(order) > PAYMENT_LIMIT_CENTS / 0.85 for order in orders)
    assert 20 < declined < 120


def test_the_first_thirty_orders_include_declined_payments() -> None:
    orders = islice(plan_orders(DEFAULT_SEED, 1001), 30)
    # These orders exceed the limit even with the largest discount.
    declined = [order.order_id for order in orders if price_of(order) > PAYMENT_LIMIT_CENTS / 0.85]
    assert declined == ["1011", "1015"]


class _Shop(BaseHTTPRequestHandler):
    """Accepts orders with even numbers and rejects orders with odd numbers."""

    protocol_version = "HTTP/1.1"
    received: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.received.append(body["order_id"])
        self.send_response(201 if int(body["order_id"]) % 2 == 0 else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(f"changed {self.path.removeprefix('/orders/')}")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Log nothing."""


@pytest.fixture
def shop_url() -> Iterator[str]:
    _Shop.received.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_response_is_counted(shop_url: str) -> None:
    lines = StringIO()
    with ProgressLines("orders", 10, lines) as progress:
        result = LoadGenerator(shop_url, rate=500).send(islice(plan_orders(7, 1), 10), progress)
    assert (
        sorted(_Shop.received) == sorted(result.order_ids) == sorted(str(number) for number in range(1, 11))
    )
    assert (result.ok, result.failed, len(result.latencies_ms)) == (5, {"503": 5}, 10)
    assert lines.getvalue().startswith("orders 10/10: 5 ok, 5 failed, 5 × 503; p50")


def test_created_orders_are_changed_if_asked(shop_url: str) -> None:
    with ProgressLines("orders", 2, StringIO()) as progress:
        result = LoadGenerator(shop_url, 500, changes=True).send(islice(plan_orders(7, 1), 2), progress)
    assert sorted(_Shop.received) == ["1", "2", "changed 2"]
    assert (result.ok, result.failed) == (1, {"503": 1})


def test_a_connection_failure_is_counted_and_not_raised() -> None:
    with ProgressLines("orders", 1, StringIO()) as progress:
        result = LoadGenerator("http://127.0.0.1:9", rate=500).send(islice(plan_orders(7, 1), 1), progress)
    assert (result.ok, result.failed) == (0, {"ConnectError": 1})


def test_a_stopped_load_generator_sends_no_orders(shop_url: str) -> None:
    stopping = threading.Event()
    stopping.set()
    with ProgressLines("orders", None, StringIO()) as progress:
        result = LoadGenerator(shop_url, 1, stopping).send(plan_orders(7, 1), progress)
    assert result.order_ids == []
