"""Draws a system at random: services in layers, the calls between them, topics, and the times they take."""

import random
from typing import Final

from benchmarks.simulation import names
from benchmarks.simulation.blueprint import (
    MS,
    Action,
    Database,
    Entry,
    External,
    Group,
    Operation,
    Sampling,
    Service,
    Style,
    System,
    Timing,
    Topic,
    places,
)

_BEGIN: Final = 1_790_000_000 * 10**9
_DAYS: Final = 30
_STYLES: Final[tuple[tuple[Style, ...], ...]] = (
    *(("laban",), ("java",), ("laban", "java"), ("laban", "java", "python"), ("python", "java")),
)
_MOST_PLACES: Final = 70
"""Calls, queries, events and consumptions of one order; a system with more is drawn again."""


def draw_system(numbers: random.Random) -> System:
    """Draw a system whose orders have a moderate number of spans."""
    while True:
        system = _Drawing(numbers).system()
        if sum(1 for _ in places(system)) <= _MOST_PLACES * len(system.entries):
            return system


def draw_timing(numbers: random.Random, low: float, high: float) -> Timing:
    """Draw a timing whose median is between two values in ms; some are caches, some have a heavy tail."""
    median = low * (high / low) ** numbers.random()
    sigma = numbers.uniform(0.1, 0.6)
    shape = numbers.random()
    if shape < 0.12:
        slow = median * numbers.uniform(4, 20)
        return Timing(median, sigma, slow_median=slow, slow_share=numbers.uniform(0.1, 0.5))
    if shape < 0.18:
        return Timing(
            median, sigma, tail_share=numbers.uniform(0.005, 0.02), tail_factor=numbers.uniform(5, 20)
        )
    return Timing(median, sigma)


class _Drawing:
    """The drawing of one system.

    Services are in layers: one calls, and publishes to, only services after it, so that nothing runs in a
    circle.
    """

    def __init__(self, numbers: random.Random) -> None:
        self._numbers = numbers
        self._by_address = numbers.random() < 0.3
        self._nouns = numbers.sample(names.NOUNS, 40)
        self._services = self._draw_services()
        self._operations: dict[Service, list[Operation]] = {}
        self._databases: dict[Service, Database] = {}
        self._topics: list[Topic] = []
        self._taken: set[str] = set()
        self._busy = numbers.uniform(0.6, 1.4)

    def system(self) -> System:
        numbers = self._numbers
        count = min(numbers.choice((1, 1, 2, 2, 3)), max(len(self._services) // 3, 1))
        operations = [self._operation(self._services[at % 2], 0, entry=True) for at in range(count)]
        self._use_all(operations)
        weights = [numbers.uniform(0.5, 1) for _ in operations]
        unseen = numbers.random() < 0.1
        sampling, sampled = self._sampling()
        return System(
            services=self._services,
            entries=[
                Entry(one, weight / sum(weights), unseen and one.protocol != "job")
                for one, weight in zip(operations, weights, strict=True)
            ],
            topics=self._topics,
            orders=numbers.choice(names.ORDER_FORMS),
            keys_everywhere=numbers.random() < 0.5,
            event_ids=numbers.random() < 0.5,
            sampling=sampling,
            sampled=sampled,
            lost=numbers.uniform(1e-4, 4e-4) if numbers.random() < 0.1 else 0.0,
            polled=numbers.random() < 0.8,
            failures=numbers.uniform(0.002, 0.01) if numbers.random() < 0.2 else 0.0,
            begin=_BEGIN + numbers.randrange(_DAYS * 86_400) * 10**9,
            duration=int(480 * 7.5 ** numbers.random()) * 10**9,
        )

    def _sampling(self) -> tuple[Sampling, float]:
        numbers = self._numbers
        drawn = numbers.random()
        if drawn < 0.12:
            return "head", numbers.uniform(0.3, 0.8)
        if drawn < 0.24:
            return "tail", numbers.uniform(0.3, 0.8)
        if drawn < 0.34:
            for service in numbers.sample(self._services[1:], max(len(self._services) // 6, 1)):
                service.exports = numbers.uniform(0.3, 0.8)
            return "service", 1.0
        return "none", 1.0

    def _draw_services(self) -> list[Service]:
        numbers = self._numbers
        count = int(3 * 10 ** numbers.random())
        skewed = numbers.random() < 0.35
        suffix = numbers.choice(names.SUFFIXES)
        styles = numbers.choice(_STYLES)
        namespace = numbers.choice((None, None, "prod", "core"))
        return [
            Service(
                name=f"{noun}{suffix}",
                style=numbers.choice(styles),
                skew=int(numbers.choice((-1, 1)) * 10 ** numbers.uniform(0, 3.5) * MS)
                if skewed and numbers.random() < 0.4
                else numbers.randrange(-MS // 5, MS // 5),
                address=f"10.2.{numbers.randrange(9)}.{at + 2}" if self._by_address else f"{noun}{suffix}",
                port=numbers.choice((8080, 8000, 80, 50051)) if not self._by_address else 8000 + at,
                namespace=namespace,
            )
            for at, noun in enumerate(numbers.sample(self._nouns, min(count, 30)))
        ]

    def _use_all(self, entries: list[Operation]) -> None:
        """Let some operation call each service that nothing calls yet."""
        for at, service in enumerate(self._services):
            if service in self._operations or any(one.service is service for one in entries):
                continue
            callers = [
                one
                for earlier in self._services[:at]
                for one in self._operations.get(earlier, ())
                if not (one.protocol == "consume" and one.service.style == "python")
            ]
            caller = self._numbers.choice(callers)
            caller.stages.append([self._call(self._operation(service, 3))])

    def _operation(self, service: Service, depth: int, *, entry: bool = False) -> Operation:
        numbers = self._numbers
        noun = numbers.choice(self._nouns)
        verb = numbers.choice(names.VERBS)
        kind = numbers.random()
        if entry and kind < 0.1:
            operation = Operation(service, "job", verb, f"{verb}-{noun}", draw_timing(numbers, 2, 60))
        elif kind < (0.25 if entry else 0.35):
            name = f"{noun}.v1.{noun.title()}/{verb.title()}{noun.title()}"
            operation = Operation(service, "grpc", verb, name, draw_timing(numbers, 1, 60))
        else:
            method = numbers.choice(("POST", "POST", "PUT", "GET") if entry else ("GET", "POST", "PUT"))
            path = numbers.choice((f"/{noun}s", f"/api/v1/{noun}/{verb}", f"/{noun}s/{{{noun}_id}}/{verb}"))
            operation = Operation(service, "http", method, path, draw_timing(numbers, 1, 60))
        self._fill(operation, depth)
        if entry and not operation.stages:
            operation.stages.append([self._query(operation)])
        return operation

    def _fill(self, operation: Operation, depth: int) -> None:
        numbers = self._numbers
        self._operations.setdefault(operation.service, []).append(operation)
        if numbers.random() < 0.25:
            operation.inner = f"{operation.verb.lower()}_{numbers.choice(self._nouns)}"
        often = self._busy * (3.2 if depth == 0 else 1.9 / (1 + 0.45 * depth))
        for _ in range(min(int(numbers.expovariate(1 / often) + 0.6), 5) or int(depth == 0)):
            action = self._action(operation, depth)
            is_publication = isinstance(action.target, Topic)
            together = operation.stages and not is_publication and numbers.random() < 0.3
            if together and not isinstance(operation.stages[-1][0].target, Topic):
                operation.stages[-1].append(action)
            else:
                operation.stages.append([action])
            if isinstance(action.target, Topic) and numbers.random() < 0.2:
                operation.stages.append([self._publication(action.target)])

    def _action(self, operation: Operation, depth: int) -> Action:
        numbers = self._numbers
        later = self._services[self._services.index(operation.service) + 1 :]
        drawn = numbers.random()
        if later and depth < 5 and drawn < 0.5:
            return self._call(self._callee(numbers.choice(later[: 1 + len(later) * 2 // 3]), depth))
        if later and depth < 4 and drawn < 0.68:
            return self._publication(self._topic(operation.service, depth))
        if drawn < 0.75:
            return self._external()
        return self._query(operation)

    def _callee(self, service: Service, depth: int) -> Operation:
        known = [one for one in self._operations.get(service, ()) if one.protocol in {"http", "grpc"}]
        if known and self._numbers.random() < 0.5:
            return self._numbers.choice(known)
        return self._operation(service, depth + 1)

    def _call(self, callee: Operation) -> Action:
        numbers = self._numbers
        return Action(
            callee,
            callee.verb,
            timing=Timing(1, 0.1),
            network=Timing(numbers.uniform(0.1, 1.5), numbers.uniform(0.1, 0.4)),
            chance=1.0 if numbers.random() < 0.75 else numbers.uniform(0.2, 0.97),
            attempts=numbers.choice((1, 1, 1, 2, 3)),
            timeout=numbers.choice((None, 1_000, 2_000, 5_000, 10_000)),
            handles=numbers.random() < 0.12,
            misses=numbers.uniform(0.05, 0.3)
            if callee.protocol == "http" and numbers.random() < 0.04
            else 0.0,
        )

    def _query(self, operation: Operation) -> Action:
        numbers = self._numbers
        database = self._databases.get(operation.service)
        if database is None:
            system, port, _ = numbers.choice(names.DATABASES)
            noun = operation.service.name.split("-")[0]
            address = f"10.9.0.{numbers.randrange(250)}" if self._by_address else f"{noun}-{system[:5]}"
            database = self._databases[operation.service] = Database(system, f"{noun}db", address, port)
        verbs = next(verbs for system, _, verbs in names.DATABASES if system == database.system)
        return Action(
            database,
            f"{numbers.choice(verbs)} {numbers.choice(self._nouns)}s",
            timing=draw_timing(numbers, 0.5, 25),
            network=Timing(0.1, 0.1),
            chance=1.0 if numbers.random() < 0.8 else numbers.uniform(0.2, 0.97),
        )

    def _external(self) -> Action:
        numbers = self._numbers
        target = External(numbers.choice(names.HOSTS), f"/v2/{numbers.choice(self._nouns)}")
        return Action(
            target,
            numbers.choice(("GET", "POST")),
            timing=draw_timing(numbers, 20, 200),
            network=Timing(1, 0.2),
            chance=1.0 if numbers.random() < 0.8 else numbers.uniform(0.2, 0.9),
            timeout=numbers.choice((None, 3_000, 5_000)),
            handles=numbers.random() < 0.1,
        )

    def _topic(self, publisher: Service, depth: int) -> Topic:
        numbers = self._numbers
        at = self._services.index(publisher)
        fitting = [
            topic
            for topic in self._topics
            if all(self._services.index(group.operation.service) > at for group in topic.groups)
        ]
        if fitting and numbers.random() < 0.3:
            return numbers.choice(fitting)
        noun = numbers.choice(self._nouns)
        topic = Topic(
            numbers.choice((f"{noun}s", f"{noun}.events", f"prod.{noun}.v1")), numbers.choice((1, 3, 6))
        )
        if topic.name in self._taken:
            topic.name += f".{len(self._taken)}"
        self._taken.add(topic.name)
        later = self._services[at + 1 :]
        for service in numbers.sample(later, min(numbers.choice((1, 1, 2, 2, 3)), len(later))):
            topic.groups.append(self._group(topic, service, depth))
        self._topics.append(topic)
        return topic

    def _group(self, topic: Topic, service: Service, depth: int) -> Group:
        numbers = self._numbers
        operation = Operation(service, "consume", "process", topic.name, draw_timing(numbers, 1, 60))
        if service.style == "python":  # what its handler does is in no span
            self._operations.setdefault(service, []).append(operation)
        else:
            self._fill(operation, depth + 2)
        return Group(
            name=f"{service.name}{numbers.choice(names.GROUP_ENDS)}",
            operation=operation,
            wait=Timing(numbers.choice((3, 10, 60, 300)), numbers.uniform(0.2, 0.6)),
            linked=service.style == "java" and numbers.random() < 0.35,
            attempts=numbers.choice((1, 2, 3)),
            dead_letters=f"{topic.name}.dlq" if numbers.random() < 0.6 else None,
        )

    def _publication(self, topic: Topic) -> Action:
        numbers = self._numbers
        return Action(
            topic,
            numbers.choice(names.EVENTS),
            timing=Timing(numbers.uniform(1, 8), 0.3),
            network=Timing(0.1, 0.1),
            chance=1.0 if numbers.random() < 0.85 else numbers.uniform(0.3, 0.95),
        )
