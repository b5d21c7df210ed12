"""What OpenTelemetry's exporters to Jaeger and Zipkin put into tags, taken back out of them.

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
from laban_collector.decode.attributes import Value
from laban_collector.decode.batch_builder import ScopeRow
from laban_collector.decode.span_builder import scope_row

OK: Final = 1
ERROR: Final = 2
"""OTLP StatusCode."""

_CODES: Final = {"OK": OK, "ERROR": ERROR}
_NO_ERROR: Final = (None, False, "false")
_NO_MESSAGE: Final = (True, "true", "")


class Told(NamedTuple):
    """What the tags of a span told about it."""

    status: int
    status_message: str | None
    trace_state: str | None
    scope: ScopeRow


def take_told(attributes: dict[str, Value], *, any_error: bool) -> Told:
    """Take the tags that are no attributes out of them.

    Args:
        attributes: of one span; what is told elsewhere is removed.
        any_error: whether a tag `error` means an error whatever it says, as in Zipkin.
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
    return Told(status, _text(message), _text(trace_state), scope_row(name, version, {}))


def _take(attributes: dict[str, Value], keys: tuple[str, ...]) -> str:
    """The value of the first of these keys that there is; '' for none. All of them are removed."""
    return next((found for found in [_text(attributes.pop(key, None)) for key in keys] if found), "")


def _text(value: Value) -> str | None:
    return None if value in (None, "") else str(value)
