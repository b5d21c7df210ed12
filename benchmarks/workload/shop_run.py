"""Runs the sample shop, traced, on the embedded broker, and breaks its services while it runs."""

import shutil
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Final

import httpx

from benchmarks.workload.shop_faults import Row
from laban_app.answers.remote import RemoteAnswers
from laban_app.errors import UnknownValue
from laban_mapper.model import Story
from laban_samples.demo.consumer_catch_up import SUBSCRIPTIONS, wait_for_lag_reading, wait_until_caught_up
from laban_samples.demo.embedded_broker import start_broker
from laban_samples.demo.laban_processes import CollectorProcess, start_collector
from laban_samples.demo.load_generator import DEFAULT_SEED, PlannedOrder, plan_orders
from laban_samples.demo.shop_processes import ServicePorts, ShopOptions, start_services, start_shop
from laban_samples.messaging.cluster import KafkaCluster
from laban_samples.messaging.consumer import IDLE_MS
from laban_samples.processes.ports import PortAllocator
from laban_samples.processes.supervisor import ProcessSupervisor
from laban_samples.runtime.service_clients import CUSTOMER_TIMEOUT_S
from laban_samples.runtime.settings import Style

EXPORT_S: Final = 1.5
"""The time in which the newest spans arrive: a service sends them twice a second."""
_BROKER, _SERVICES, _COLLECTOR = range(3)
"""The stages in which they stop; the collector can be stopped alone."""
_LAG_INTERVAL_S: Final = 1.0
_READING_TIMEOUT_S: Final = 20.0
_CATCH_UP_S: Final = 40.0
_FIRST_ID: Final = {"monolith": 1001, "hybrid": 5001}


class FixedPorts(PortAllocator):
    """Allocates the same port again for what starts again."""

    def __init__(self) -> None:
        super().__init__(prefer_defaults=False)
        self._ports: dict[str, int] = {}

    def allocate(self, name: str, default: int) -> int:
        """Allocate a free port, or the one that the server of this name had before."""
        if name not in self._ports:
            self._ports[name] = super().allocate(name, default)
        return self._ports[name]


class RunningShop:
    """A running shop and its collector, with the actions of its customers and of an operator."""

    def __init__(
        self,
        style: Style,
        supervisor: ProcessSupervisor,
        cluster: KafkaCluster,
        ports: FixedPorts,
    ) -> None:
        self.style = style
        self._supervisor = supervisor
        self._cluster = cluster
        self._ports = ports
        self._history = supervisor.folder / "usual.duckdb"
        self._collector = self._start_collector(self._history)
        self._options = ShopOptions(
            kafka=cluster.bootstrap,
            style=style,
            otlp=f"http://{self._collector.http}",
            service_ports=ServicePorts.allocate(ports),
        )
        start_shop(supervisor, self._options, _SERVICES)
        self._orders = plan_orders(DEFAULT_SEED, _FIRST_ID[style])
        self._client = httpx.Client(timeout=CUSTOMER_TIMEOUT_S)
        self._answers = RemoteAnswers(f"http://{self._collector.api}")
        self._crashed: list[str] = []

    @property
    def answers(self) -> RemoteAnswers:
        """The answers of its collector."""
        return self._answers

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._answers.close()

    @contextmanager
    def usual_history(self, name: str) -> Generator[None, None, None]:
        """Continue with a copy of what was recorded until the first call: no other fault is known in it.

        Args:
            name: of the copy of the database.
        """
        self._stop_collector()
        for file in self._supervisor.folder.glob(f"{self._history.name}*"):
            copy = self._supervisor.folder / file.name.replace(self._history.stem, name, 1)
            if file.is_dir():
                shutil.copytree(file, copy)
            else:
                shutil.copyfile(file, copy)
        self._collector = self._start_collector(self._supervisor.folder / f"{name}.duckdb")
        self._answers = RemoteAnswers(f"http://{self._collector.api}")
        yield
        self.settle()

    def _start_collector(self, database: Path) -> CollectorProcess:
        (self._supervisor.folder / "collector.json").unlink(missing_ok=True)
        bootstrap = self._cluster.bootstrap
        return start_collector(
            self._supervisor, self._ports, database, bootstrap, _LAG_INTERVAL_S, _COLLECTOR
        )

    def _stop_collector(self) -> None:
        self._answers.close()
        self._supervisor.stop(_COLLECTOR)

    def order(self, count: int, pause: float = 0.2) -> list[str]:
        """Send orders one after the other, and return their IDs."""
        sent: list[str] = []
        for planned in islice(self._orders, count):
            self._send(planned)
            sent.append(planned.order_id)
            time.sleep(pause)
        return sent

    def change(self, order: str) -> None:
        """Change the note of an order, which is the second event with its key."""
        note = {"note": "leave it at the door"}
        url = f"{self._options.service_ports.url('order')}/orders/{order}"
        self._client.put(url, json=note).raise_for_status()

    def catch_up(self, groups: Iterable[str] = tuple(SUBSCRIPTIONS)) -> bool:
        """Wait until these groups have processed all messages; return whether they have."""
        if self.style == "monolith":
            return True
        return wait_until_caught_up(self._cluster, tuple(groups), self._supervisor, _CATCH_UP_S)

    def settle(self) -> None:
        """Wait until the collector has the newest spans and, after them, a new lag of all groups."""
        time.sleep(EXPORT_S)
        if self.style == "hybrid":
            wait_for_lag_reading(self._collector, self._cluster, self._supervisor, _READING_TIMEOUT_S)

    def stories(self, orders: Sequence[str]) -> dict[str, Story]:
        """The stories of the orders that are known, when no more spans come to them."""
        deadline = time.monotonic() + _CATCH_UP_S
        found = self._known(orders)
        while time.monotonic() < deadline:
            time.sleep(EXPORT_S)
            before, found = found, self._known(orders)
            if {order: story.spans for order, story in found.items()} == {
                order: story.spans for order, story in before.items()
            }:
                break
        return found

    def _known(self, orders: Sequence[str]) -> dict[str, Story]:
        found: dict[str, Story] = {}
        for order in orders:
            with suppress(UnknownValue):
                found[order] = self.story(order)
        return found

    def story(self, order: str) -> Story:
        """Ask the collector for the story of an order; raises UnknownValue."""
        return self._answers.story("order", order)

    def log_size(self, service: str) -> int:
        """The size of a service's log."""
        return self._log(service).stat().st_size

    def log_since(self, service: str, size: int) -> str:
        """What a service has logged since its log had this size."""
        return self._log(service).read_bytes()[size:].decode(errors="replace")

    @contextmanager
    def broken(self, row: Row) -> Generator[None, None, None]:
        """Break a service, and mend it at the end, so that the next orders are as usual."""
        faults = f"{self._options.service_ports.url(row.service)}/admin/faults"
        self._client.put(faults, json={"faults": [row.fault]}).raise_for_status()
        time.sleep(2 * IDLE_MS / 1000)  # a consumer that waits for a record does not look at its faults
        try:
            yield
        finally:
            if self._crashed:
                start_services(self._supervisor, self._options, self._crashed, _SERVICES)
                self._crashed = []
            self._client.delete(faults).raise_for_status()
            self.recover()

    def await_crash(self) -> None:
        """Wait until a service has crashed; it is started again when the fault ends."""
        wait_until(lambda: bool(self._supervisor.ended()), "no service has crashed")
        self._crashed = [process.name for process in self._supervisor.forget_ended()]

    def recover(self) -> None:
        """Send orders until all services work as usual again."""
        wait_until(self._works, "the shop does not recover from a fault")

    def _works(self) -> bool:
        [planned] = islice(self._orders, 1)
        return self._send(planned) and self.catch_up()

    def _send(self, planned: PlannedOrder) -> bool:
        url = f"{self._options.service_ports.url('order')}/orders"
        try:
            return self._client.post(url, json=planned.body()).is_success
        except httpx.TransportError:
            return False  # such as no answer in time; the customer has tried

    def _log(self, service: str) -> Path:
        return self._supervisor.folder / f"{service}.log"


def wait_until(done: Callable[[], bool], failure: str, timeout: float = _CATCH_UP_S) -> None:
    """Wait until `done` returns true; raises TimeoutError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{failure} after {timeout:g} s")
        time.sleep(0.1)


@contextmanager
def running_shop(style: Style, folder: Path) -> Generator[RunningShop, None, None]:
    """Run broker, collector and shop; their logs and the databases are in the folder."""
    with ProcessSupervisor(folder) as supervisor:
        cluster = KafkaCluster(start_broker(supervisor, _BROKER))
        shop = RunningShop(style, supervisor, cluster, FixedPorts())
        try:
            yield shop
        finally:
            shop.close()
