"""The phrases of the rules: counts, shares and latencies as people read them."""

from collections.abc import Sequence
from typing import Final

from laban_mapper.findings.evidence import percentile
from laban_mapper.names import counted, shortened

_LONGEST: Final = 8
"""Services of a chain that are named."""


def in_traces(number: int, of: int) -> str:
    """How many of the traces that were looked at: `50 of 50 traces`."""
    return f"{number:,} of {counted(of, 'trace')}"


def share(value: float) -> str:
    """A share of 1 as a percentage, precise enough to tell it from 0 and from 1."""
    percent = 100 * value
    if 0 < percent < 1 or 99 < percent < 100:
        return f"{percent:.2f} %"
    return f"{percent:.0f} %"


def ms(value: float) -> str:
    """Milliseconds, as seconds if they are many."""
    if value >= 10_000:
        return f"{value / 1000:,.0f} s"
    if value >= 1_000:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


def latency(values: Sequence[float], fewest: int) -> str:
    """The median and the 95th percentile of milliseconds; of few values, the least and the most."""
    if len(values) < fewest:
        least, most = ms(min(values)), ms(max(values))
        return most if least == most else f"{least} to {most}"
    return f"p50 {ms(percentile(values, 0.5))}, p95 {ms(percentile(values, 0.95))}"


def chain_text(services: Sequence[str]) -> str:
    """A chain of services: `order → pricing → user`."""
    names = [shortened(one, 40) for one in services]
    if len(names) > _LONGEST:
        names = [*names[: _LONGEST - 2], f"… {len(names) - _LONGEST + 1} more", names[-1]]
    return " → ".join(names)


def in_messages(number: int, of: int) -> str:
    """How many of the messages that were looked at: `30 of 30 messages`."""
    return f"{number:,} of {counted(of, 'message')}"
