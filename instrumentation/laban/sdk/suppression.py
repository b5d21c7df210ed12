"""Whether calls are to be traced here: exporters and health checks say when they are not."""

from typing import Final

from opentelemetry.context import get_current
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, suppress_instrumentation

with suppress_instrumentation():
    _SUPPRESSING: Final = frozenset(get_current())
"""The keys by which a context says so; those of what is current while this is loaded do no harm."""


def is_tracing() -> bool:
    """Whether nobody suppresses instrumentation in the current context."""
    # Most often the context says nothing of it, and stock need not be asked: this is called for every record.
    return _SUPPRESSING.isdisjoint(get_current()) or is_instrumentation_enabled()
