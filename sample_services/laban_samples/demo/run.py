"""Runs the demo: broker, collector, shop, dashboard and load in one command; leaves no process behind."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from laban_samples.demo import console_output
from laban_samples.demo.consumer_catch_up import (
    groups_able_to_catch_up,
    messages_left,
    wait_for_lag_reading,
    wait_until_caught_up,
)
from laban_samples.demo.embedded_broker import start_broker
from laban_samples.demo.laban_processes import CollectorProcess, start_collector, start_dashboard
from laban_samples.demo.load_generator import DEFAULT_SEED, LoadGenerator, PlannedOrder, plan_orders
from laban_samples.demo.progress import create_progress
from laban_samples.demo.shop_processes import ServicePorts, ShopOptions, start_shop
from laban_samples.demo.summary import left_summary, summarize
from laban_samples.errors import SampleError
from laban_samples.faults.parsing import FaultName, ServiceFault
from laban_samples.messaging.cluster import KafkaCluster
from laban_samples.messaging.security import KafkaSecurity, kafka_environment
from laban_samples.processes.exit_monitor import ExitMonitor
from laban_samples.processes.interrupts import ignore_interrupts, interrupt_once
from laban_samples.processes.ports import PortAllocator
from laban_samples.processes.supervisor import ManagedProcess, ProcessSupervisor
from laban_samples.runtime.settings import Style

OWN_CLUSTER_PREFIX: Final = "laban-demo."
"""The prefix of topics and groups in the user's own cluster, to avoid name conflicts."""
BACKGROUND_RATE: Final = 1.0
LAG_INTERVAL_S: Final = 5.0
LAG_INTERVAL_ONCE_S: Final = 1.0
LAG_READING_TIMEOUT_S: Final = 20.0

# The stop stages; the highest stops first.
_BROKER, _COLLECTOR, _SERVICES, _DASHBOARD = range(4)


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The options of the demo.

    Attributes:
        style: monolith: synchronous calls; hybrid: events.
        orders: the number of orders to send; without `once`, a low load follows until Ctrl-C.
        rate: orders per second; None means 5, or 10 with `once`.
        seed: the same seed sends the same orders and applies the faults to the same requests.
        first_id: the ID of the first order.
        faults: the initial faults of the services.
        kafka: HOST:PORT of an existing cluster; None means the embedded broker. Its
            security is in LABAN_KAFKA_* variables.
        topic_prefix: the prefix of all topics; None means no prefix, or `laban-demo.` with `kafka`.
        group_prefix: the prefix of all consumer groups; None as for the topics.
        once: send the orders, wait until they are consumed, print the summary, and stop; no dashboard.
        json_output: with `once`, print the summary to standard output as one JSON object.
        db: the database file; None means a new file in the run's folder.
        run_dir: the folder for the database, the logs and the diagram; None means a new one in
            `.laban/runs/`.
        dashboard: start the dashboard, unless `once` is set.
    """

    style: Style = "hybrid"
    orders: int = 30
    rate: float | None = None
    seed: int = DEFAULT_SEED
    first_id: int = 1001
    faults: tuple[ServiceFault, ...] = ()
    kafka: str | None = None
    topic_prefix: str | None = None
    group_prefix: str | None = None
    once: bool = False
    json_output: bool = False
    db: Path | None = None
    run_dir: Path | None = None
    dashboard: bool = True

    @property
    def folder(self) -> Path:
        """The run's folder."""
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}"
        return (self.run_dir or Path(".laban") / "runs" / name).absolute()

    def prefix(self, given: str | None) -> str:
        """Return the prefix of topics or groups: `given`, or the default."""
        return given if given is not None else OWN_CLUSTER_PREFIX if self.kafka else ""


@dataclass(slots=True)
class _Demo:
    """A running demo."""

    options: DemoOptions
    supervisor: ProcessSupervisor
    ports: PortAllocator
    database: Path
    service_ports: ServicePorts
    cluster: KafkaCluster
    collector: CollectorProcess
    stopping: threading.Event = field(default_factory=threading.Event)

    def orders(self) -> Iterator[PlannedOrder]:
        return plan_orders(self.options.seed, self.options.first_id)

    def load_generator(self, rate: float) -> LoadGenerator:
        # Only events of one order can be out of order, and an order that is never changed has one.
        changes = any(one.fault.name is FaultName.OUT_OF_ORDER for one in self.options.faults)
        return LoadGenerator(self.service_ports.url("order"), rate, self.stopping, changes=changes)


def run_demo(options: DemoOptions) -> int:
    """Run the demo; all processes have ended when this function returns.

    With `once` and `json_output`, it prints one JSON object to standard output; all other output goes to
    standard error.

    Returns:
        The exit status: 0 on success, or after Ctrl-C without `once`; 1 after an error, which is printed.
        With `once`, the summary is printed even if messages are left. That is an error unless a consumer with
        a fault left some: others may then wait for what it did not publish.
    """
    folder = options.folder
    try:
        with interrupt_once(), ProcessSupervisor(folder) as supervisor:
            try:
                demo = _start(options, supervisor)
                return _once(demo) if options.once else _until_interrupted(demo)
            except SampleError as error:
                console_output.print_lines(f"laban demo: {error}")
                return 1
            finally:
                ignore_interrupts()
                console_output.print_lines("stopping …")
    except KeyboardInterrupt:
        console_output.print_lines("stopped")
        return 1 if options.once else 0


def _start(options: DemoOptions, supervisor: ProcessSupervisor) -> _Demo:
    """Start the broker, the collector and the services, in that order."""
    console_output.print_lines(f"starting the shop in {options.style} style; logs in {supervisor.folder}")
    ports = PortAllocator(prefer_defaults=not options.once)
    cluster = _cluster(options, supervisor)
    environment = kafka_environment() if options.kafka else {}
    database = (options.db or supervisor.folder / "laban.duckdb").absolute()
    lag_interval = LAG_INTERVAL_ONCE_S if options.once else LAG_INTERVAL_S
    collector = start_collector(
        supervisor, ports, database, cluster.bootstrap, lag_interval, _COLLECTOR, environment
    )
    service_ports = ServicePorts.allocate(ports)
    console_output.print_lines(*ports.conflicts)
    shop = ShopOptions(
        kafka=cluster.bootstrap,
        style=options.style,
        otlp=f"http://{collector.http}",
        faults=options.faults,
        topic_prefix=cluster.topic_prefix,
        group_prefix=cluster.group_prefix,
        seed=options.seed,
        service_ports=service_ports,
        kafka_environment=environment,
    )
    start_shop(supervisor, shop, _SERVICES)
    return _Demo(options, supervisor, ports, database, service_ports, cluster, collector)


def _cluster(options: DemoOptions, supervisor: ProcessSupervisor) -> KafkaCluster:
    """Return the user's cluster, which is checked, or the embedded broker, which is started."""
    prefixes = options.prefix(options.topic_prefix), options.prefix(options.group_prefix)
    if options.kafka is None:
        return KafkaCluster(start_broker(supervisor, _BROKER), *prefixes)
    cluster = KafkaCluster(options.kafka, *prefixes, KafkaSecurity.load().client_options())
    cluster.check()
    return cluster


def _once(demo: _Demo) -> int:
    """Send the orders, wait until they are consumed and stored, and print the summary."""
    options, supervisor = demo.options, demo.supervisor

    def fail(process: ManagedProcess) -> None:
        if process.failed:
            demo.stopping.set()

    with ExitMonitor(supervisor, fail), create_progress("orders", options.orders) as progress:
        orders = list(islice(demo.orders(), options.orders))
        result = demo.load_generator(options.rate or 10.0).send(orders, progress)
    supervisor.check()
    if options.style == "hybrid":
        console_output.print_lines("waiting for the consumers to catch up")
        wait_until_caught_up(demo.cluster, groups_able_to_catch_up(options.faults), supervisor)
        wait_for_lag_reading(demo.collector, demo.cluster, supervisor, LAG_READING_TIMEOUT_S)
    for process in supervisor.ended():
        console_output.print_lines(f"{process.name} has crashed, as its fault wants")
    # Stop the services first so that they flush their last spans, then the collector so that it stores them.
    supervisor.stop(_SERVICES)
    left = messages_left(demo.cluster) if options.style == "hybrid" else {}
    supervisor.stop(_COLLECTOR)
    left_over = left_summary(demo.cluster, left)
    summary = summarize(demo.database, result.order_ids, left_over, supervisor.folder / "map.svg")
    if options.json_output:
        sys.stdout.write(json.dumps(summary) + "\n")
        sys.stdout.flush()
    else:
        console_output.print_summary(summary)
    console_output.print_left(left_over)
    faulty = {fault.service for fault in options.faults}
    return 1 if left and not any(group in faulty for group, _ in left) else 0


def _until_interrupted(demo: _Demo) -> int:
    """Send the orders, then a low load until Ctrl-C; report processes that end."""
    options, supervisor = demo.options, demo.supervisor
    dashboard = None
    if options.dashboard:
        dashboard = start_dashboard(supervisor, demo.ports, demo.collector, _DASHBOARD)
        console_output.print_lines(*(note for note in demo.ports.conflicts if "dashboard" in note))
    console_output.print_endpoints(
        dashboard, demo.service_ports.url("order"), demo.collector.api, demo.database, supervisor.folder
    )
    console_output.print_next_commands(demo.collector.api, options.first_id)
    lost: list[ManagedProcess] = []

    def report(process: ManagedProcess) -> None:
        console_output.print_lines(str(process.failure()))
        # The demo is still useful without one of the services, but not without these.
        if process.stage in (_BROKER, _COLLECTOR):
            lost.append(process)
            demo.stopping.set()

    orders = demo.orders()
    with ExitMonitor(supervisor, report):
        with create_progress("orders", options.orders) as progress:
            demo.load_generator(options.rate or 5.0).send(islice(orders, options.orders), progress)
        rate = options.rate or BACKGROUND_RATE
        orders_per_second = f"{rate:g} order{'s' * (rate != 1)} per second"
        console_output.print_lines(f"now sending {orders_per_second} until Ctrl-C")
        with create_progress("more orders", None) as progress:
            demo.load_generator(rate).send(orders, progress)
    if lost:
        raise lost[0].failure()
    return 0
