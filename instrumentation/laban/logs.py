"""Trace, span, correlation and request IDs on log records of `logging` and structlog.

Every record of `logging` has `trace_id`, `span_id`, `correlation_id` and `request_id`, so a format can use
them: `%(correlation_id)s`. Outside a trace they are empty. Values from `extra` win. For structlog, add
`structlog_processor` to the processors.
"""

import logging
from collections.abc import Callable, MutableMapping
from typing import Any, Final

import wrapt
from opentelemetry import baggage, trace
from opentelemetry.context import Context, get_current
from opentelemetry.instrumentation.utils import unwrap

from laban import vocabulary
from laban.business_keys.propagation import header_keys
from laban.fail_open import fail_open

FIELDS: Final = ("trace_id", "span_id", "correlation_id", "request_id")
"""Attributes added to log records, as text; IDs as in W3C trace context."""


def install() -> None:
    """Add the IDs of the current trace to every record of `logging`. A second call does nothing."""
    # With a record factory, the documented way, the user's `extra={"request_id": …}` would raise.
    if not isinstance(vars(logging.Logger)["makeRecord"], wrapt.FunctionWrapper):
        wrapt.wrap_function_wrapper(logging.Logger, "makeRecord", _make_record)


def uninstall() -> None:
    """Stop adding IDs to records."""
    unwrap(logging.Logger, "makeRecord")


def take_from_root(handler: logging.Handler) -> None:
    """Give a handler of the root logger the same records in another way.

    With a handler of its own, the root logger does not print warnings of a program that has not configured
    logging, and `basicConfig` does nothing.
    """

    def call_handlers(
        wrapped: Callable[..., None], logger: logging.Logger, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        wrapped(*args, **kwargs)
        [record] = args
        if record.levelno >= handler.level and _reaches_root(logger):
            handler.handle(record)

    logging.getLogger().removeHandler(handler)
    wrapt.wrap_function_wrapper(logging.Logger, "callHandlers", call_handlers)


def current_ids() -> dict[str, str]:
    """The IDs of the current trace; unknown IDs are left out."""
    context = get_current()
    ids = _trace_ids(context)
    correlation_id = baggage.get_baggage(vocabulary.CORRELATION_ID, context)
    if isinstance(correlation_id, str):
        ids["correlation_id"] = correlation_id
    request_id = header_keys(context).request_id
    if request_id:
        ids["request_id"] = request_id
    return ids


def structlog_processor(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor that adds the known IDs to an event and keeps the fields that the event has.

    `structlog.configure(processors=[laban.logs.structlog_processor, …, JSONRenderer()])`
    """
    with fail_open("cannot add IDs to log lines"):
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
    # Not fail_open: it logs a warning, and that record would come back here.
    try:
        ids = current_ids()
    except Exception:  # noqa: BLE001 - a log line matters more than its IDs
        ids = {}
    for name in FIELDS:
        vars(record).setdefault(name, ids.get(name, ""))
    return record


def _reaches_root(logger: logging.Logger) -> bool:
    while logger.parent is not None and logger.propagate:
        logger = logger.parent
    return logger.parent is None


def _trace_ids(context: Context) -> dict[str, str]:
    span = trace.get_current_span(context).get_span_context()
    if not span.is_valid:
        return {}
    return {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}
