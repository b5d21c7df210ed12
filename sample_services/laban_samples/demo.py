"""The demo: broker, collector, shop, dashboard and load in one command, with nothing left behind."""

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

from laban_samples import announce
from laban_samples.addresses import Ports
from laban_samples.broker import answers, start_broker
from laban_samples.catch_up import patient_groups, wait_for_lag_reading, wait_until_caught_up
from laban_samples.errors import BrokerUnavailable, SampleError
from laban_samples.faults import ServiceFault
from laban_samples.interrupts import ignore_interrupts, interruptible_once
from laban_samples.load import DEFAULT_SEED, Load, PlannedOrder, plan_orders
from laban_samples.messaging.cluster import Cluster
from laban_samples.observer import Collector, start_collector, start_dashboard
from laban_samples.processes import Part, Parts
from laban_samples.progress import make_progress
from laban_samples.settings import Style
from laban_samples.shop import Addresses, ShopOptions, start_shop
from laban_samples.summary import summarize
from laban_samples.watch import Watch

FOREIGN_PREFIX: Final = "laban-demo."
"""Before all topics and groups in a cluster that is not ours, so that nobody else's are touched."""
GENTLE_RATE: Final = 1.0
LAG_INTERVAL_S: Final = 5.0
LAG_INTERVAL_ONCE_S: Final = 1.0
LAG_READING_TIMEOUT_S: Final = 20.0

# What is stopped when: the highest first.
_BROKER, _COLLECTOR, _SERVICES, _DASHBOARD = range(4)


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What to show.

    Attributes:
        style: monolith: the calls wait for each other; hybrid: events.
        orders: how many to send; without `once` they are followed by a gentle load until Ctrl-C.
        rate: orders a second; None: 5, with `once` 10.
        seed: the same seed sends the same orders, and draws whom the faults hit.
        first_id: the number of the first order.
        faults: those that the services start with.
        kafka: HOST:PORT of a cluster to use; None: the embedded broker.
        topic_prefix: before all topics; None: nothing, in a cluster of others `laban-demo.`.
        group_prefix: before all consumer groups; None: as for the topics.
        once: no dashboard; send the orders, wait until all is consumed, sum up, stop.
        json_output: with `once`, print the summary to standard output as one JSON object.
        db: the database file; None: a new one in the run's folder.
        run_dir: the folder for the database, the logs and the diagram; None: a new one in `.laban/runs/`.
        dashboard: whether to start the dashboard too.
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
        """What stands before topics or groups."""
        return given if given is not None else FOREIGN_PREFIX if self.kafka else ""


@dataclass(slots=True)
class _Demo:
    """A demo under way."""

    options: DemoOptions
    parts: Parts
    ports: Ports
    database: Path
    addresses: Addresses
    cluster: Cluster
    collector: Collector
    stopping: threading.Event = field(default_factory=threading.Event)

    def orders(self) -> Iterator[PlannedOrder]:
        return plan_orders(self.options.seed, self.options.first_id)

    def load(self, rate: float) -> Load:
        return Load(self.addresses.url("order"), rate, self.stopping)


def run_demo(options: DemoOptions) -> int:
    """Show the shop and laban; everything that was started has ended when this returns.

    With `once` and `json_output` one JSON object goes to standard output, everything else to standard error.

    Returns:
        The exit status: 0, also after Ctrl-C in a demo without end; 1 when something failed, which is said.
    """
    folder = options.folder
    try:
        with interruptible_once(), Parts(folder) as parts:
            try:
                demo = _start(options, parts)
                return _once(demo) if options.once else _until_interrupted(demo)
            except SampleError as error:
                announce.say(f"laban demo: {error}")
                return 1
            finally:
                ignore_interrupts()
                announce.say("stopping …")
    except KeyboardInterrupt:
        announce.say("stopped")
        return 1 if options.once else 0


def _start(options: DemoOptions, parts: Parts) -> _Demo:
    """Start the broker, the collector and the services, in that order."""
    announce.say(f"starting the shop in {options.style} style; logs in {parts.folder}")
    ports = Ports(usual=not options.once)
    cluster = Cluster(
        _kafka(options, parts), options.prefix(options.topic_prefix), options.prefix(options.group_prefix)
    )
    database = (options.db or parts.folder / "laban.duckdb").absolute()
    lag_interval = LAG_INTERVAL_ONCE_S if options.once else LAG_INTERVAL_S
    collector = start_collector(parts, ports, database, cluster.bootstrap, lag_interval, _COLLECTOR)
    addresses = Addresses.taken_from(ports)
    announce.say(*ports.moved)
    shop = ShopOptions(
        kafka=cluster.bootstrap,
        style=options.style,
        otlp=f"http://{collector.http}",
        faults=options.faults,
        topic_prefix=cluster.topic_prefix,
        group_prefix=cluster.group_prefix,
        seed=options.seed,
        addresses=addresses,
    )
    start_shop(parts, shop, _SERVICES)
    return _Demo(options, parts, ports, database, addresses, cluster, collector)


def _kafka(options: DemoOptions, parts: Parts) -> str:
    if options.kafka is None:
        return start_broker(parts, _BROKER)
    if not answers(options.kafka):
        raise BrokerUnavailable(f"No Kafka broker answers at {options.kafka}. Is it running, and reachable?")
    return options.kafka


def _once(demo: _Demo) -> int:
    """Send the orders, wait until all is consumed and stored, sum up."""
    options, parts = demo.options, demo.parts

    def fail(_part: Part) -> None:
        demo.stopping.set()

    with Watch(parts, fail), make_progress("orders", options.orders) as progress:
        orders = list(islice(demo.orders(), options.orders))
        result = demo.load(options.rate or 10.0).send(orders, progress)
    parts.check()
    if options.style == "hybrid":
        announce.say("waiting until the consumers have caught up")
        wait_until_caught_up(demo.cluster, patient_groups(options.faults), parts)
        wait_for_lag_reading(demo.collector, demo.cluster, parts, LAG_READING_TIMEOUT_S)
    # Services first: they flush their last spans. Then the collector: all it took is in the file.
    parts.stop(_SERVICES)
    parts.stop(_COLLECTOR)
    summary = summarize(demo.database, result.order_ids, parts.folder / "map.svg")
    if options.json_output:
        sys.stdout.write(json.dumps(summary) + "\n")
        sys.stdout.flush()
    else:
        announce.summary(summary)
    return 0


def _until_interrupted(demo: _Demo) -> int:
    """Send the orders, then gently more, until Ctrl-C; whatever ends by itself is named."""
    options, parts = demo.options, demo.parts
    dashboard = None
    if options.dashboard:
        dashboard = start_dashboard(parts, demo.ports, demo.collector, _DASHBOARD)
        announce.say(*(note for note in demo.ports.moved if "dashboard" in note))
    announce.places(dashboard, demo.addresses.url("order"), demo.collector.api, demo.database, parts.folder)
    announce.commands(demo.collector.api, options.first_id)
    lost: list[Part] = []

    def note(part: Part) -> None:
        announce.say(str(part.failure()))
        # Without one of the services there is something to see; without these there is nothing.
        if part.stage in (_BROKER, _COLLECTOR):
            lost.append(part)
            demo.stopping.set()

    orders = demo.orders()
    with Watch(parts, note):
        with make_progress("orders", options.orders) as progress:
            demo.load(options.rate or 5.0).send(islice(orders, options.orders), progress)
        announce.say(f"now {GENTLE_RATE:g} order a second until Ctrl-C")
        with make_progress("more orders", None) as progress:
            demo.load(GENTLE_RATE).send(orders, progress)
    if lost:
        raise lost[0].failure()
    return 0
