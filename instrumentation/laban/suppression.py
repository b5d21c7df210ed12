"""Whether calls are to be traced here: exporters and health checks say when they are not."""

from opentelemetry.context import get_current
from opentelemetry.instrumentation.utils import is_instrumentation_enabled


def is_tracing() -> bool:
    """Whether nobody suppresses instrumentation in the current context."""
    # Most often nothing at all is current, and then stock's look-ups are not needed: this is asked a record.
    return not get_current() or is_instrumentation_enabled()
