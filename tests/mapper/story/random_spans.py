"""Random spans, with everything that goes wrong: shared ids, rings, missing parents, clocks that differ."""

import random

from laban_collector.store.rows import Span

from ..shop_spans import MS, T0

_TOPICS = ("orders", "payments")
_OPERATIONS = (None, "send", "create", "receive", "process", "settle")


def random_spans(seed: int) -> list[Span]:
    """Spans in which no two have the same trace, id, kind and service."""
    numbers = random.Random(seed)  # noqa: S311 - nothing secret
    size = numbers.randrange(1, 60)
    ids = [f"{number:016x}" for number in range(1, max(2, size * 2 // 3) + 1)]
    traces = [f"{numbers.getrandbits(64):016x}{numbers.getrandbits(64):016x}" for _ in range(3)]
    traces.append("0" * 16 + traces[0][16:])  # the 64-bit form of the first
    clocks = {f"service-{number}": numbers.choice((0, 0, 5_000, -7)) for number in range(5)}
    found: dict[tuple[str, str, int, str], Span] = {}
    for _ in range(size):
        span = _span(numbers, ids, traces, clocks)
        found[span.trace_id, span.span_id, span.kind, span.service] = span
    return list(found.values())


def _span(numbers: random.Random, ids: list[str], traces: list[str], clocks: dict[str, int]) -> Span:
    service = numbers.choice(list(clocks))
    kind = numbers.randrange(6)
    is_message = kind in (3, 4, 5) and numbers.random() < 0.7
    has_address = is_message and numbers.random() < 0.4
    return Span(
        trace_id=numbers.choice(traces),
        span_id=numbers.choice(ids),
        parent_id=numbers.choice(ids) if numbers.random() < 0.8 else None,
        service=service,
        name=f"does {numbers.randrange(4)}",
        kind=kind,
        start=T0 + (numbers.randrange(1000) + clocks[service]) * MS,
        duration=numbers.randrange(200) * MS,
        status=2 if numbers.random() < 0.15 else 0,
        messaging_operation=numbers.choice(_OPERATIONS) if is_message else None,
        topic=numbers.choice(_TOPICS) if is_message and numbers.random() < 0.8 else None,
        group=numbers.choice((None, "a group")) if is_message else None,
        partition=0 if has_address else None,
        offset=numbers.randrange(4) if has_address else None,
        links=tuple(
            (numbers.choice(traces), numbers.choice(ids)) for _ in range(numbers.choice((0, 0, 1, 3)))
        ),
        namespace=numbers.choice((None, None, "shop", "billing")),
    )
