"""The tags into which OpenTelemetry's Jaeger and Zipkin exporters write status, trace state and scope.

Source: the OpenTelemetry specification, "Mapping to non-OTLP Formats".
"""

from typing import Final, NamedTuple

from laban.vocabulary import (
    TAG_ERROR,
    TAG_SCOPE_NAMES,
    TAG_SCOPE_VERSIONS,
    TAG_STATUS_CODE,
    TAG_STATUS_DESCRIPTION,
    TAG_TRACE_STATE,
)
from laban_collector.batch.attributes import Value
from laban_collector.decode.batch_builder import ScopeRow, scope_row

OK: Final = 1
ERROR: Final = 2
"""OTLP StatusCode."""

_CODES: Final = {"OK": OK, "ERROR": ERROR}
_NO_ERROR: Final = (None, False, "false")
_NO_MESSAGE: Final = (True, "true", "")


class TaggedFields(NamedTuple):
    """The fields of a span that its tags contain."""

    status: int
    status_message: str | None
    trace_state: str | None
    scope: ScopeRow


def take_fields(attributes: dict[str, Value], *, any_error: bool) -> TaggedFields:
    """Remove the tags that represent fields, and return the fields.

    Args:
        attributes: the tags of one span; changed in place.
        any_error: whether a tag `error` means an error regardless of its value, as in Zipkin.
    """
    status = _CODES.get(str(attributes.pop(TAG_STATUS_CODE, "")).upper(), 0)
    message = attributes.pop(TAG_STATUS_DESCRIPTION, None)
    if TAG_ERROR in attributes:
        error = attributes[TAG_ERROR]
        if any_error or error not in _NO_ERROR:
            status = status or ERROR
            message = message or (None if error in _NO_MESSAGE else error)
            del attributes[TAG_ERROR]
    trace_state = attributes.pop(TAG_TRACE_STATE, None)
    name, version = _take(attributes, TAG_SCOPE_NAMES), _take(attributes, TAG_SCOPE_VERSIONS)
    return TaggedFields(status, _text(message), _text(trace_state), scope_row(name, version, {}))


def _take(attributes: dict[str, Value], keys: tuple[str, ...]) -> str:
    """Remove all of these keys, and return the value of the first that exists, or ''."""
    return next((found for found in [_text(attributes.pop(key, None)) for key in keys] if found), "")


def _text(value: Value) -> str | None:
    return None if value in (None, "") else str(value)
