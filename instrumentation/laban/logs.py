"""Log lines that can be found again: trace, span and correlation id on records of logging and structlog.

`logging`: every record has `trace_id`, `span_id`, `correlation_id` and `request_id`, so that a format may
name them: `%(correlation_id)s`. Outside of a trace they are empty; what `extra` gives stays. structlog: put
`structlog_processor` into the chain.
"""

import logging
from collections.abc import Callable, MutableMapping
from typing import Any, Final

import wrapt
from opentelemetry import baggage, trace
from opentelemetry.context import Context, get_current
from opentelemetry.instrumentation.utils import unwrap

from laban import vocabulary
from laban.business_keys.propagation import noted_in_headers
from laban.fail_open import fail_open

FIELDS: Final = ("trace_id", "span_id", "correlation_id", "request_id")
"""What a log record is given, as text; ids as in W3C trace context."""


def install() -> None:
    """Give every record of `logging` the ids of the trace in which it is made. Twice does no harm."""
    # A record factory, the documented way, would make `extra={"request_id": …}` of the user's an error.
    if not isinstance(vars(logging.Logger)["makeRecord"], wrapt.FunctionWrapper):
        wrapt.wrap_function_wrapper(logging.Logger, "makeRecord", _make_record)


def uninstall() -> None:
    """Make records as before."""
    unwrap(logging.Logger, "makeRecord")


def current_ids() -> dict[str, str]:
    """The ids of the trace that runs here; those that are not known are left out."""
    context = get_current()
    ids = _trace_ids(context)
    correlation_id = baggage.get_baggage(vocabulary.CORRELATION_ID, context)
    if isinstance(correlation_id, str):
        ids["correlation_id"] = correlation_id
    request_id = noted_in_headers(context).request_id
    if request_id:
        ids["request_id"] = request_id
    return ids


def structlog_processor(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A processor for structlog: adds the ids that are known, and leaves those that the event has.

    `structlog.configure(processors=[laban.logs.structlog_processor, …, JSONRenderer()])`
    """
    with fail_open("cannot put ids on log lines"):
        for name, value in current_ids().items():
            event.setdefault(name, value)
    return event


def _make_record(
    wrapped: Callable[..., logging.LogRecord],
    _logger: logging.Logger,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> logging.LogRecord:
    record = wrapped(*args, **kwargs)
    # Not by fail_open: it warns, and the warning would come back here.
    try:
        ids = current_ids()
    except Exception:  # noqa: BLE001 - a log line matters more than its ids
        ids = {}
    for name in FIELDS:
        vars(record).setdefault(name, ids.get(name, ""))
    return record


def _trace_ids(context: Context) -> dict[str, str]:
    span = trace.get_current_span(context).get_span_context()
    if not span.is_valid:
        return {}
    return {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}
