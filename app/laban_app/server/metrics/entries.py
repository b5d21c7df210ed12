"""The metrics of the operations that have an objective, over the window of the alerts."""

from collections.abc import Iterable
from typing import Final

from laban_app.server.metrics.text import Family, Form
from laban_collector.store.rows import EntryTimes
from laban_mapper.spans import NS_PER_S

_REQUESTS: Final = Family(
    "laban_entry_requests",
    "gauge",
    "Requests of an operation with an objective, in the window of the alerts.",
)
_FAILED: Final = Family("laban_entry_failed_requests", "gauge", "Those of them that failed.")
_SECONDS: Final = Family("laban_entry_p95_seconds", "gauge", "The 95th percentile of their durations.")


def render_entries(entries: Iterable[EntryTimes], form: Form) -> str:
    """The families of the operations."""
    known = [({"entry": one.name}, one) for one in entries]
    p95 = [(labels, one.p95 / NS_PER_S) for labels, one in known if one.p95 is not None]
    return (
        _REQUESTS.samples(form, [(labels, one.calls) for labels, one in known])
        + _FAILED.samples(form, [(labels, one.errors) for labels, one in known])
        + _SECONDS.samples(form, p95)
    )
