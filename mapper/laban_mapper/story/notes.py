"""What is wrong with the spans of a story, and what was done about it."""

from collections.abc import Sequence
from typing import Final

from laban_collector.store.rows import Span
from laban_mapper.names import listed, shortened
from laban_mapper.spans import NS_PER_MS, operation_of
from laban_mapper.story.causality import Causality
from laban_mapper.story.clocks import Clocks
from laban_mapper.times import format_duration

_SHOWN: Final = 3
"""The most rings and the most clocks that are named."""


def notes_of(causality: Causality, *, left_out: int, truncated: bool) -> list[str]:
    """One sentence without a full stop for each thing that is wrong; first, whether the story is cut.

    Args:
        causality: the spans.
        left_out: how many spans are about other messages of a batch.
        truncated: whether the story has more spans than these.
    """
    notes = [_cut(causality.spans)] if truncated else []
    notes += [_ring(ring) for ring in causality.rings[:_SHOWN]]
    if len(causality.rings) > _SHOWN:
        notes.append(f"{len(causality.rings) - _SHOWN:,} more rings of parents were cut in the same way")
    notes += _clocks(causality.clocks)
    if left_out:
        spans = "1 span" if left_out == 1 else f"{left_out:,} spans"
        notes.append(f"{spans} of other messages in the same batch left out")
    return notes


def _cut(spans: Sequence[Span]) -> str:
    traces = len({span.trace_id for span in spans})
    counted = "1 trace" if traces == 1 else f"{traces:,} traces"
    return f"the story is cut: it has more than these {len(spans):,} spans in {counted}"


def clock_skew(clocks: Clocks) -> dict[str, float]:
    """By service, how far its clock is ahead in ms; see `Story.clock_skew_ms`."""
    return {service: -behind / NS_PER_MS for service, behind in sorted(clocks.behind.items())}


def _ring(ring: Sequence[Span]) -> str:
    first = f"{shortened(ring[0].service)} {shortened(operation_of(ring[0]))}"
    if len(ring) == 1:
        return f"{first} is its own parent; the ring is cut there"
    return f"{len(ring):,} spans are each other's parents in a ring; it is cut at its earliest span, {first}"


def _clocks(clocks: Clocks) -> list[str]:
    """By how much clocks differ, largest first; services whose clocks differ alike are told together."""
    alike: dict[tuple[str, str], list[str]] = {}
    for service, behind in sorted(clocks.behind.items(), key=lambda item: (-abs(item[1]), item[0])):
        about = "at least" if service in clocks.at_least else "about"
        differ = f"clocks differ by {about} {format_duration(abs(behind) / NS_PER_MS)}"
        side = "behind" if behind > 0 else "ahead of"
        host = f"another host of {service}" if service == clocks.reference else service
        alike.setdefault((differ, side), []).append(host)
    notes = [
        f"{differ}: {listed(services)} {'is' if len(services) == 1 else 'are'} {side} "
        f"{shortened(clocks.reference)}"
        for (differ, side), services in alike.items()
    ]
    return notes[:_SHOWN] + ([f"{len(notes) - _SHOWN:,} more clocks differ"] if len(notes) > _SHOWN else [])
