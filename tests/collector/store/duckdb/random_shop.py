"""Random traces of every shape that the graph supports: calls, streams, shared spans, messages."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from laban_collector.store.rows import Span

S = 10**9
T0 = 1_790_000_040 * S
"""The start of a minute."""

KINDLESS, INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 0, 1, 2, 3, 4, 5
SERVICES = ("web", "order", "stock", "bank")


def shop(seed: int, traces: int = 12, short_ids: float = 0.3) -> list[Span]:
    """Return the spans of `traces` traces over about ten minutes, by start.

    Args:
        seed: of the random numbers.
        traces: number of traces.
        short_ids: share of the traces of which some services know only the low half of the id.
    """
    return sorted(_Shop(seed, short_ids).spans(traces), key=lambda span: span.start)


class _Shop:
    def __init__(self, seed: int, short_ids: float) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing secret
        self._types = random.Random(seed)  # noqa: S311 - nothing secret
        self._short_ids = short_ids
        self._sent: list[Span] = []

    def spans(self, traces: int) -> Iterator[Span]:
        for number in range(traces):
            trace = f"{self._random.getrandbits(128):032x}"
            at = T0 + number * 50 * S + self._random.randrange(S)
            spans = self._below(trace, None, at, self._random.choice(SERVICES), 0)
            yield from self._in_two_forms(spans) if self._random.random() < self._short_ids else spans

    def _in_two_forms(self, spans: Iterator[Span]) -> Iterator[Span]:
        """Yield spans of which some have only the low half of their trace id."""
        for span in spans:
            short = self._random.random() < 0.5
            yield replace(span, trace_id="0" * 16 + span.trace_id[16:]) if short else span

    def _below(self, trace: str, parent: Span | None, at: int, service: str, depth: int) -> Iterator[Span]:
        """Yield a server span and the spans below it."""
        caller = (
            {"peer_service": self._random.choice(["app", *SERVICES])} if self._random.random() < 0.2 else {}
        )
        server = self._span(service, SERVER, at, trace, parent, **caller, **self._protocol())
        if self._random.random() < 0.9:  # the others never arrive
            yield server
        for step in range(self._random.randrange(4 - depth)):
            shape = self._random.choice(
                [
                    self._call,
                    self._call,
                    self._query,
                    self._work,
                    self._publish,
                    self._publish,
                    self._step_of_call,
                ]
            )
            yield from shape(server, at + (step + 1) * S // 5, depth)

    def _protocol(self) -> dict[str, object]:
        streams = {"attributes": {"laban.rpc.streaming": "server"}} if self._random.random() < 0.3 else {}
        rpc: dict[str, object] = {"rpc_system": "grpc", "rpc_service": f"shop.{self._random.choice('AB')}"}
        http: dict[str, object] = {"http_method": "GET", "http_status": self._status()}
        return self._random.choice([http, rpc | streams])

    def _status(self) -> int:
        return self._random.choice([200, 200, 404, 503])

    def _call(self, caller: Span, at: int, depth: int) -> Iterator[Span]:
        target = self._random.choice(SERVICES)
        addresses: list[dict[str, object]] = [
            {"peer_address": f"{target}.local", "peer_port": 80},
            {"peer_address": f"{target}.local"},
            {"peer_service": target, "peer_address": f"{target}.local", "peer_port": 80},
            {},
        ]
        where = self._random.choice(addresses)
        client = self._span(caller.service, CLIENT, at, caller.trace_id, caller, **where, **self._protocol())
        yield client
        chance = self._random.random()
        if chance < 0.2:
            return  # no callee reports
        if chance < 0.4:  # a shared span, as in Zipkin
            half = self._span(target, SERVER, at + S // 100, caller.trace_id, caller, **self._protocol())
            yield replace(half, span_id=client.span_id)
            own = self._random.choice([caller.service, target])
            yield self._span(own, self._random.randrange(6), at + S // 50, caller.trace_id, client)
            return
        if chance < 0.55:  # the callee has no server span
            for _ in range(self._random.randrange(1, 3)):
                kind = self._random.choice([KINDLESS, INTERNAL, CLIENT, PRODUCER, CONSUMER])
                fields = {"topic": "orders", "messaging_system": "kafka"} if kind > CLIENT else {}
                peer = (
                    {"peer_service": caller.service}
                    if kind == KINDLESS and self._random.random() < 0.5
                    else {}
                )
                yield self._span(target, kind, at + S // 100, caller.trace_id, client, **fields, **peer)
            return
        yield from self._below(caller.trace_id, client, at + S // 100, target, depth + 1)

    def _query(self, caller: Span, at: int, _: int) -> Iterator[Span]:
        names = {"db_system": "postgresql", "db_namespace": self._random.choice(["shop", None])}
        yield self._span(caller.service, CLIENT, at, caller.trace_id, caller, **names)

    def _step_of_call(self, caller: Span, at: int, depth: int) -> Iterator[Span]:
        """Yield a client span with a client span of the same service below it: two layers of a library."""
        peers: list[dict[str, object]] = [
            {},
            {"peer_address": "db.local"},
            {"peer_address": "10.0.0.1", "peer_port": 9},
            {"peer_service": "stock", "peer_address": "stock.local"},
            {"db_system": "redis"},
        ]
        outer = self._span(caller.service, CLIENT, at, caller.trace_id, caller, **self._random.choice(peers))
        yield outer
        peers.append({"messaging_operation": "send", "topic": "orders"})
        inner = self._random.choice(peers)
        kind = self._random.choice([KINDLESS, CLIENT])
        below = self._span(caller.service, kind, at + S // 100, caller.trace_id, outer, **inner)
        yield replace(below, name=self._random.choice(["tcp.connect", "GET"]))
        if self._random.random() < 0.4:
            yield from self._below(caller.trace_id, below, at + S // 50, "bank", depth + 1)

    def _work(self, caller: Span, at: int, depth: int) -> Iterator[Span]:
        service = self._random.choice([caller.service, self._random.choice(SERVICES)])
        work = self._span(service, INTERNAL, at, caller.trace_id, caller)
        yield work
        if self._random.random() < 0.5:
            yield from self._below(caller.trace_id, work, at + S // 100, caller.service, depth + 1)

    def _publish(self, caller: Span, at: int, depth: int) -> Iterator[Span]:
        topic = self._random.choice(["orders", "payments", None])
        system: dict[str, Any] = {
            "messaging_system": self._random.choice(["kafka", "rabbitmq"]),
            "topic": topic,
        }
        kind, operation = self._random.choice(
            [(PRODUCER, "send"), (PRODUCER, "create"), (PRODUCER, None), (CLIENT, "send"), (CLIENT, None)]
        )
        system["messaging_operation"] = operation
        if self._types.random() < 0.7:  # a sender says what the message is
            system["message_type"] = self._types.choice(["created", "created", "paid"])
            system["message_version"] = self._types.choice([None, "1", "2"])
        batch = self._random.choice([None, 3])
        sent = self._span(caller.service, kind, at, caller.trace_id, caller, batch_count=batch, **system)
        if self._random.random() < 0.9:
            yield sent
        if self._random.random() < 0.2:  # another layer of the library
            inner = {**system, "messaging_operation": self._random.choice(["send", "create"])}
            yield self._span(caller.service, PRODUCER, at + 1, caller.trace_id, sent, **inner)
        if self._random.random() < 0.2:  # delivered by a call
            kind, service = self._random.choice([SERVER, INTERNAL, CLIENT]), self._random.choice(SERVICES)
            yield self._span(service, kind, at + S // 10, caller.trace_id, sent, **self._protocol())
        for service in ("stock", "bank"):
            yield from self._consume(service, sent, at + self._random.randrange(1, 200) * S)
        self._sent.append(sent)

    def _consume(self, service: str, sent: Span, at: int) -> Iterator[Span]:
        """Yield a consumer in the producer's trace, in its own trace, or of a batch with other messages."""
        own_trace = f"{self._random.getrandbits(128):032x}"
        link = ((sent.trace_id, sent.span_id),)
        group: dict[str, Any] = {"group": self._random.choice([service, service, None]), "topic": sent.topic}
        group["messaging_system"] = sent.messaging_system
        if sent.messaging_system == "rabbitmq" and sent.topic is not None:
            group["topic"] = f"{sent.topic} to {service}"
        if self._random.random() < 0.1:
            group = {"peer_service": self._random.choice(["app", "kafka", "web"])}
        if self._types.random() < 0.3:  # a consumer says it too
            group["message_type"] = self._types.choice([sent.message_type, "created"])
            group["message_version"] = self._types.choice([sent.message_version, None])
        at -= self._random.choice([0, 0, 0, 300]) * S  # clocks differ
        chance = self._random.random()
        if chance < 0.4:
            own = {"links": link} if self._random.random() < 0.5 else {}
            consumer = self._span(service, CONSUMER, at, sent.trace_id, sent, **group, **own)
        elif chance < 0.7:
            queue_time = {"attributes": {"laban.kafka.queue_time_ms": 12.5}}
            consumer = self._span(service, CONSUMER, at, own_trace, None, links=link, **group, **queue_time)
        else:
            others = [other for other in self._sent if other.topic == sent.topic][-2:]
            links = link + tuple((other.trace_id, other.span_id) for other in others)
            consumer = self._span(service, CONSUMER, at, own_trace, None, links=links, batch_count=3, **group)
        yield consumer
        if self._random.random() < 0.3:
            kind = self._random.choice([CLIENT, CONSUMER])
            receive = {"messaging_operation": "receive", "links": link, **group}
            received = self._span(service, kind, at - S // 10, own_trace, None, **receive)
            yield received
            if self._random.random() < 0.5:
                names: list[dict[str, object]] = [{}, {"topic": sent.topic}, {"group": service}]
                name = {"messaging_operation": "process", **self._random.choice(names)}
                yield self._span(service, CONSUMER, at, own_trace, received, **name)
        if self._random.random() < 0.1:  # a producer and a consumer share an id
            yield replace(
                consumer, trace_id=sent.trace_id, span_id=sent.span_id, parent_id=sent.parent_id, links=()
            )
        if self._random.random() < 0.5:
            query = {"db_system": "redis"}
            yield self._span(service, CLIENT, at + S // 10, consumer.trace_id, consumer, **query)

    def _span(
        self, service: str, kind: int, at: int, trace: str, parent: Span | None, **fields: object
    ) -> Span:
        span = Span(
            trace_id=trace,
            span_id=f"{self._random.getrandbits(64):016x}",
            parent_id=None if parent is None else parent.span_id,
            service=service,
            name=self._random.choice(["a", "b"]),
            kind=kind,
            start=at,
            duration=self._random.randrange(1, S),
            status=self._random.choice([0, 0, 0, 2]),
            namespace="payments" if service == "bank" else None,
        )
        return replace(span, **fields)  # type: ignore[arg-type]
