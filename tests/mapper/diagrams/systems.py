"""Made-up systems of any size for tests of diagrams; the same arguments give the same system."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from laban_collector.store.rows import EdgeRow
from laban_mapper.model import ServiceMap
from laban_mapper.service_map import build_service_map

SINCE: Final = datetime(2026, 11, 23, 9, tzinfo=UTC)
_WORDS: Final = [
    *("order", "payment", "inventory", "pricing", "shipping", "user", "email", "invoice", "fraud", "search"),
    *("catalog", "review", "loyalty", "coupon", "warehouse", "tax", "audit", "analytics", "ledger", "refund"),
    *("gateway", "session", "recommendation", "supplier"),
]


def system(nodes: int, seed: int = 1, namespaces: Sequence[str] = ()) -> ServiceMap:
    """A map with about this many nodes: services in a tree of calls, topics, databases, externals."""
    made = _System(nodes, random.Random(seed), namespaces)  # noqa: S311 - nothing secret
    return build_service_map(made.rows, [], SINCE, SINCE + timedelta(hours=1), namespaces=namespaces)


class _System:
    def __init__(self, nodes: int, generator: random.Random, namespaces: Sequence[str]) -> None:
        self._random = generator
        self.rows: list[EdgeRow] = []
        self._services = [_service(number, namespaces) for number in range(max(3, nodes * 6 // 10))]
        self._row("entry:clients", self._services[0], "http")
        for number, service in enumerate(self._services[1:], 1):
            callers = {int(number * generator.random() ** 1.5) for _ in range(generator.choice([1, 1, 2]))}
            for caller in sorted(callers):
                self._row(self._services[caller], service, generator.choice(["http", "grpc"]))
        for number in range(nodes * 12 // 100):
            self._topic(number)
        for number in range(nodes * 16 // 100):
            place = f"database:postgresql/{_WORDS[number % len(_WORDS)]}_{number}"
            self._row(self._services[number % len(self._services)], place, "postgresql")
        for number in range(nodes * 6 // 100 + 1):
            place = f"external:api.provider{number}.example.com:443"
            self._row(generator.choice(self._services), place, "http")

    def _topic(self, number: int) -> None:
        topic = f"topic:{self._random.choice(_WORDS)}.events-{number}"
        self._row(self._random.choice(self._services), topic, "kafka")
        for service in self._random.sample(self._services, self._random.choice([1, 1, 2])):
            group = f"group:{service.rpartition('/')[2].removeprefix('service:')}-{number}"
            self._row(topic, group, "kafka")
            self._row(group, service, "kafka")

    def _row(self, source: str, target: str, protocol: str) -> None:
        calls, kind = self._random.randint(20, 9000), "async" if protocol == "kafka" else "sync"
        errors, p95 = self._random.choice([0, 0, 0, 30]), self._random.uniform(20, 400)
        self.rows.append(
            EdgeRow(source, target, kind, protocol, calls, errors, p95 / 3, p95, p95 * 2, calls, 0, 0)
        )


def _service(number: int, namespaces: Sequence[str]) -> str:
    word = _WORDS[number % len(_WORDS)]
    name = word if number < len(_WORDS) else f"{word}-projection-builder-{number}"
    return f"service:{namespaces[number % len(namespaces)]}/{name}" if namespaces else f"service:{name}"
