"""The business keys of the current trace, shared by all its spans in this process, and `correlate`.

A value received with the request or message (baggage) never changes. A different value that this process
finds is recorded as `laban.local.<key>`, on the spans of this process only. So all services agree on the
order, and no value is lost.
"""

import threading
from collections.abc import Mapping
from typing import Final
from weakref import ref

from opentelemetry import trace
from opentelemetry.trace import Span

from laban import vocabulary
from laban.business_keys.key_rules import MAX_KEYS
from laban.business_keys.keys import bounded, canonical_key
from laban.fail_open import fail_open, warn_once


class Correlations:
    """The business keys known in this process's part of one trace."""

    __slots__ = ("_entry", "_inherited", "_known", "_local", "_lock")

    def __init__(self, entry: Span, inherited: Mapping[str, str]) -> None:
        """Starts with the inherited keys; the mapping must not change afterwards."""
        # A weak reference: the entry span refers to this object, and a cycle would need garbage collection.
        self._entry = ref(entry)
        self._inherited = inherited
        self._known = dict(inherited)
        self._local: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def known(self) -> dict[str, str]:
        """The keys that calls propagate: {canonical key: value}."""
        return dict(self._known)

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes of every later span of this process."""
        return self._known | self._local if self._local else self._known.copy()

    def add(self, found: Mapping[str, str], *, on: Span, replace: bool = False) -> None:
        """Add keys, and set them on the span `on` and on the entry span.

        Args:
            found: {canonical key: value}.
            on: the current span.
            replace: whether to replace values that this process found earlier; inherited values stay.
        """
        if not found:
            return
        attributes = [self._add_one(key, value, replace=replace) for key, value in found.items()]
        entry = self._entry()
        for span in (on,) if entry is None or entry is on else (on, entry):
            if span.is_recording():
                for attribute in attributes:
                    span.set_attribute(*attribute)

    def _add_one(self, key: str, value: str, *, replace: bool) -> tuple[str, str]:
        with self._lock:
            current = self._known.get(key)
            full = current is None and len(self._known) >= MAX_KEYS
            if current == value or not (full or key in self._inherited or (current and not replace)):
                self._known[key] = value
                return key, value
            local = vocabulary.LABAN_LOCAL_PREFIX + key
            if len(self._local) < MAX_KEYS or local in self._local:
                self._local[local] = value
            return local, value


_ON_SPAN: Final = "_laban_correlations"
"""The attribute of span objects that refers to it; a dictionary with weak keys costs 3 µs more per span."""


def correlations_of(span: object) -> Correlations | None:
    """The business keys of this span's trace; None for a span that this process does not record."""
    found: Correlations | None = getattr(span, _ON_SPAN, None)
    return found


def attach_correlations(span: Span, correlations: Correlations) -> None:
    """Attach the business keys to a span of the SDK, or to the stand-in for an ended span."""
    # Not vars(span)[…]: that would materialise the span's dictionary, which costs memory and time.
    setattr(span, _ON_SPAN, correlations)


def correlate(**keys: str | int) -> None:
    """Name the order (customer, shipment …) that the current work is about: `correlate(order_id="123")`.

    Sets the attribute `order.id` on the current span, on the first span of the trace in this process, and on
    every later span, here and in the services that are called over HTTP, gRPC and messages. If the caller
    sent another value, that value stays and this one is recorded as `laban.local.order.id`. Does nothing if
    the current span is not recorded. Never raises.

    Args:
        keys: strings of 1 to 128 printable characters, or integers.
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
            warn_once(f"laban.correlate: {name} is not a string or integer of 1 to 128 printable characters")
        else:
            found[canonical_key(name) or name.replace("_", ".")] = value
    return found
