"""The whole shop as real, untraced processes on a real broker, in both styles."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from laban_samples.addresses import SERVICES
from laban_samples.demo.shop_processes import ShopOptions, start_shop
from laban_samples.faults.parsing import parse_service_fault
from laban_samples.messaging.cluster import KafkaCluster
from laban_samples.processes.supervisor import ProcessSupervisor
from laban_samples.runtime.settings import Style
from tests.sample_services.topic_reader import fresh_cluster, read_all

TIMEOUT_S = 30


class Shop:
    """A running shop, with the actions of a customer and an operator."""

    def __init__(self, supervisor: ProcessSupervisor, cluster: KafkaCluster, options: ShopOptions) -> None:
        self.supervisor = supervisor
        self.cluster = cluster
        self.clients = {
            name: httpx.Client(base_url=options.service_ports.url(name), timeout=10) for name in SERVICES
        }

    def buy(
        self, order_id: str, customer_id: str = "c-10", sku: str = "book", quantity: int = 1
    ) -> httpx.Response:
        body = {
            "order_id": order_id,
            "customer_id": customer_id,
            "items": [{"sku": sku, "quantity": quantity}],
        }
        return self.clients["order"].post("/orders", json=body)

    def order(self, order_id: str) -> dict[str, object]:
        answer: dict[str, object] = self.clients["order"].get(f"/orders/{order_id}").json()
        return answer

    def wait_until(self, done: Callable[[], bool]) -> None:
        self.supervisor.wait_until(done, TIMEOUT_S, "the condition was not met")

    def set_faults(self, service: str, *faults: str) -> httpx.Response:
        return self.clients[service].put("/admin/faults", json={"faults": faults})

    def stats(self) -> dict[str, int]:
        counts: dict[str, int] = self.clients["analytics"].get("/stats").json()["counts"]
        return counts


@contextmanager
def running(bootstrap: str, folder: Path, style: Style, *faults: str) -> Generator[Shop, None, None]:
    cluster = fresh_cluster(bootstrap)
    options = ShopOptions(
        kafka=bootstrap,
        style=style,
        faults=tuple(parse_service_fault(fault) for fault in faults),
        topic_prefix=cluster.topic_prefix,
        group_prefix=cluster.group_prefix,
    )
    with ProcessSupervisor(folder) as supervisor:
        start_shop(supervisor, options)
        shop = Shop(supervisor, cluster, options)
        yield shop
        for client in shop.clients.values():
            client.close()


@pytest.fixture(scope="module")
def hybrid(embedded_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Shop, None, None]:
    with running(embedded_broker, tmp_path_factory.mktemp("hybrid"), "hybrid") as shop:
        yield shop


def test_in_the_hybrid_style_an_order_is_created_then_paid_and_all_services_get_the_events(
    hybrid: Shop,
) -> None:
    created = hybrid.buy("1001")
    assert (created.status_code, created.json()["status"]) == (201, "created")
    # c-10 has the gold tier: 10 % off.
    assert created.json()["total_cents"] == 1701
    hybrid.wait_until(lambda: hybrid.order("1001")["status"] == "paid")
    hybrid.wait_until(lambda: len(hybrid.clients["email"].get("/emails/1001").json()) == 2)
    hybrid.wait_until(lambda: {"OrderCreated", "PaymentCaptured"} <= hybrid.stats().keys())


def test_a_repeated_request_creates_an_order_once(hybrid: Shop) -> None:
    assert [hybrid.buy("1002").status_code for _ in range(2)] == [201, 200]


def test_a_payment_over_the_limit_is_declined_without_an_error(hybrid: Shop) -> None:
    assert hybrid.buy("1003", sku="desk", quantity=9).status_code == 201
    hybrid.wait_until(lambda: hybrid.order("1003")["status"] == "payment_failed")
    assert "exceeds the card's limit" in str(hybrid.order("1003")["reason"])


def test_an_order_for_an_unknown_item_is_rejected_as_a_client_error(hybrid: Shop) -> None:
    refused = hybrid.buy("1004", sku="unicorn")
    assert (refused.status_code, refused.json()["detail"]) == (422, "not sold here: unicorn")


def test_if_user_fails_the_order_is_created_without_a_discount(hybrid: Shop) -> None:
    hybrid.set_faults("user", "errors=1")
    answer = hybrid.buy("1005")
    hybrid.clients["user"].delete("/admin/faults")
    assert (answer.status_code, answer.json()["total_cents"]) == (201, 1890)


def test_faults_can_be_read_and_invalid_faults_are_rejected(hybrid: Shop) -> None:
    assert hybrid.set_faults("email", "latency=1ms").json() == {"faults": ["latency=0.001s"]}
    refused = hybrid.set_faults("email", "lateness=1s")
    assert refused.status_code == 422
    assert "Accepted: latency=3s" in refused.json()["detail"]
    assert hybrid.clients["email"].delete("/admin/faults").json() == {"faults": []}


def test_a_price_change_applies_to_the_next_order(hybrid: Shop) -> None:
    hybrid.clients["pricing"].put("/prices/pencil", json={"price_cents": 200}).raise_for_status()
    assert hybrid.buy("1006", customer_id="c-1", sku="pencil").json()["total_cents"] == 200


def test_a_crashed_service_is_named(embedded_broker: str, tmp_path: Path) -> None:
    with running(embedded_broker, tmp_path, "monolith", "payment:crash") as shop:
        assert shop.buy("1001").status_code == 503
        shop.wait_until(lambda: bool(shop.supervisor.ended()))
        assert [process.name for process in shop.supervisor.ended()] == ["payment"]
        assert "crash fault: exiting" in shop.supervisor.ended()[0].tail()


def test_in_the_monolith_style_an_order_is_paid_before_the_response(
    embedded_broker: str, tmp_path: Path
) -> None:
    with running(embedded_broker, tmp_path, "monolith") as shop:
        answer = shop.buy("1001")
        assert (answer.status_code, answer.json()["status"]) == (201, "paid")
        assert len(shop.clients["email"].get("/emails/1001").json()) == 1
        assert shop.stats() == {"PaymentCaptured": 1}
        # A slow user service makes every order fail, after the customer has waited.
        shop.set_faults("user", "latency=3s")
        failed = shop.buy("1002")
        assert failed.status_code == 503
        assert failed.json()["detail"] == "inventory: pricing: user: did not answer in time"
        assert 2 <= failed.elapsed.total_seconds() < 8
        assert shop.order("1002") == {"detail": "Unknown order 1002."}


def test_the_shop_tolerates_undecodable_and_duplicate_events(embedded_broker: str, tmp_path: Path) -> None:
    with running(embedded_broker, tmp_path, "hybrid", "order:poison=1", "payment:duplicate=1") as shop:
        assert shop.buy("1001").status_code == 201
        shop.wait_until(lambda: shop.order("1001")["status"] == "paid")
        shop.wait_until(lambda: shop.stats() == {"OrderCreated": 1, "PaymentCaptured": 1})
        # Each group that consumes orders has dead-lettered the undecodable record.
        shop.wait_until(lambda: len(read_all(shop.cluster, "orders.dlq")) == 4)
