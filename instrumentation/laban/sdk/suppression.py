"""A fast check whether the current context suppresses instrumentation, as exporters and health checks do.

Not in `context_values`, which `import laban` loads: upstream's `utils`, imported here, is slow to load.
"""

from typing import Final

from opentelemetry.context import get_current
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, suppress_instrumentation

with suppress_instrumentation():
    _SUPPRESSION_KEYS: Final = frozenset(get_current())
"""May also contain keys of the context in which this module is loaded, which does no harm."""


def is_tracing() -> bool:
    """Whether instrumentation is enabled in the current context."""
    # Called for every record. Usually the context has no suppression key, and upstream need not be asked.
    return _SUPPRESSION_KEYS.isdisjoint(get_current()) or is_instrumentation_enabled()
