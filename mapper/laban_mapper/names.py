"""Names for people: short enough for a line, and unique among what is shown together."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from laban_collector.store.rows import Span

NAME_WIDTH: Final = 80
"""The most characters of one name in a headline, a table or a diagram."""
_MOST_NAMES: Final = 6
"""The most names in a sentence."""


def shortened(name: str, width: int = NAME_WIDTH) -> str:
    """The name, without its middle if it is too long: both ends can tell names apart."""
    if len(name) <= width:
        return name
    tail = width // 3
    return f"{name[: width - tail - 1]}…{name[-tail:]}"


def listed(names: Sequence[str]) -> str:
    """Distinct names, shortened, as in a sentence: `a`, `a and b`, `a, b and 12 more`."""
    distinct = [shortened(name) for name in dict.fromkeys(names)]
    if len(distinct) > _MOST_NAMES:
        distinct = [*distinct[: _MOST_NAMES - 1], f"{len(distinct) - _MOST_NAMES + 1:,} more"]
    return distinct[0] if len(distinct) == 1 else f"{', '.join(distinct[:-1])} and {distinct[-1]}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: `1 message`, `1,200 messages`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def with_namespaces(spans: Sequence[Span]) -> Sequence[Span]:
    """The spans; a service name that occurs in several namespaces becomes `namespace/name`."""
    namespaces: dict[str, set[str | None]] = {}
    for span in spans:
        namespaces.setdefault(span.service, set()).add(span.namespace)
    ambiguous = {service for service, found in namespaces.items() if len(found) > 1}
    if not ambiguous:
        return spans
    return [
        replace(span, service=f"{span.namespace}/{span.service}")
        if span.namespace and span.service in ambiguous
        else span
        for span in spans
    ]
