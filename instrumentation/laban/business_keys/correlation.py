"""Business keys of the trace that runs: one set for each trace in each process, shared by all its spans.

A key that came with the request or message (baggage) is kept: a different value found here stands beside it
as `laban.local.<key>`, on the spans of this process only. So every hop agrees on which order this is about,
and no finding is lost.
"""

import threading
from collections.abc import Mapping
from typing import Final
from weakref import ref

from opentelemetry import trace
from opentelemetry.trace import Span

from laban import vocabulary
from laban.business_keys.keys import bounded, canonical_key
from laban.business_keys.rules import MAX_KEYS
from laban.fail_open import fail_open, warn_once


class Correlations:
    """The business keys known in this process's part of one trace."""

    __slots__ = ("_entry", "_inherited", "_known", "_local", "_lock")

    def __init__(self, entry: Span, inherited: Mapping[str, str]) -> None:
        """Begin with the keys that were inherited, in a mapping that nobody changes any more."""
        # Weak: the entry span holds these, and a cycle would be left to the garbage collector.
        self._entry = ref(entry)
        self._inherited = inherited
        self._known = dict(inherited)
        self._local: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def known(self) -> dict[str, str]:
        """What every later hop gets to know: {canonical key: value}."""
        return dict(self._known)

    @property
    def attributes(self) -> dict[str, str]:
        """What every later span here is marked with."""
        return self._known | self._local if self._local else self._known.copy()

    def add(self, found: Mapping[str, str], *, on: Span, replace: bool = False) -> None:
        """Take over what was found, and mark the span `on` and the entry span with it.

        Args:
            found: {canonical key: value}.
            on: the span that runs now.
            replace: whether a value that was found here earlier gives way; an inherited one never does.
        """
        if not found:
            return
        marks = [self._take(key, value, replace=replace) for key, value in found.items()]
        entry = self._entry()
        for span in (on,) if entry is None or entry is on else (on, entry):
            if span.is_recording():
                for mark in marks:
                    span.set_attribute(*mark)

    def _take(self, key: str, value: str, *, replace: bool) -> tuple[str, str]:
        with self._lock:
            kept = self._known.get(key)
            full = kept is None and len(self._known) >= MAX_KEYS
            if kept == value or not (full or key in self._inherited or (kept and not replace)):
                self._known[key] = value
                return key, value
            local = vocabulary.LABAN_LOCAL_PREFIX + key
            if len(self._local) < MAX_KEYS or local in self._local:
                self._local[local] = value
            return local, value


_ON_SPAN: Final = "_laban_correlations"
"""The attribute of span objects that holds them; a dictionary with weak keys costs each span 3 µs more."""


def correlations_of(span: object) -> Correlations | None:
    """What is known in this span's part of the trace; None for a span that is not recorded here."""
    found: Correlations | None = getattr(span, _ON_SPAN, None)
    return found


def remember(span: Span, correlations: Correlations) -> None:
    """Say that a span belongs to this part of a trace; the SDK's, or a stand-in for an ended one."""
    # Not by vars(): that would give the span a dictionary of its own, which costs memory and time.
    setattr(span, _ON_SPAN, correlations)


def correlate(**keys: str | int) -> None:
    """Say which order (customer, shipment …) this is about: `correlate(order_id="123")`.

    The key is written `order.id`. It is put on the current span, on the entry span of this process's part of
    the trace, on every later span here, and on every hop after it over HTTP, gRPC and Kafka. A value that the
    caller handed in stays; a different one is kept beside it as `laban.local.order.id`. Does nothing where no
    recorded span is current, and never raises.

    Args:
        keys: values of 1 to 128 printable characters, or integers.
    """
    with fail_open("cannot correlate"):
        span = trace.get_current_span()
        correlations = correlations_of(span)
        if correlations is not None:
            correlations.add(_checked(keys), on=span, replace=True)


def _checked(keys: Mapping[str, object]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, given in keys.items():
        value = bounded(given)
        if value is None:
            warn_once(f"laban.correlate: {name} is no string or integer of 1 to 128 printable characters")
        else:
            found[canonical_key(name) or name.replace("_", ".")] = value
    return found
