"""The errors of X-Ray's segments: `fault`, `error`, `throttle` and `cause`."""

from collections.abc import Mapping
from typing import Final

from laban.vocabulary import (
    ERROR_TYPE,
    EXCEPTION_EVENT,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)
from laban_collector.batch.attributes import Value, representable
from laban_collector.decode.batch_builder import EventRow, json_or_none
from laban_collector.decode.json_documents import JsonObject, WrongTypeError, objects
from laban_collector.importing.formats.otel_tags import ERROR
from laban_collector.importing.formats.xray_attributes import time

_SERVER: Final = 2
_CLIENT_ERRORS: Final = range(400, 500)
_THROTTLE: Final = "throttle"


def exceptions(sent: JsonObject) -> list[JsonObject]:
    """Return the exceptions of a segment, without those of another one that it only refers to."""
    cause = sent.get("cause")
    try:
        return objects(cause, "exceptions") if isinstance(cause, dict) else []
    except WrongTypeError:
        return []


def events(sent: JsonObject, causes: Mapping[str, JsonObject]) -> tuple[list[EventRow], dict[str, Value]]:
    """Return the exceptions of a segment as events, and the attributes of its error.

    Args:
        sent: the segment or subsegment.
        causes: the exceptions of all segments by their id.
    """
    own = exceptions(sent)
    at = time(sent, "end_time" if sent.get("end_time") is not None else "start_time")
    found = [EventRow(at, EXCEPTION_EVENT, 0, json_or_none(_exception(one))) for one in own]
    cause = sent.get("cause")
    first = own[0] if own else causes.get(cause) if isinstance(cause, str) else None
    error: dict[str, Value] = {}
    if sent.get("throttle") is True:
        error[ERROR_TYPE] = _THROTTLE
    elif first is not None and first.get("type"):
        error[ERROR_TYPE] = representable(first["type"])
    return found, error


def status(sent: JsonObject, kind: int, error: Mapping[str, Value]) -> tuple[int, str | None]:
    """Return the status and its message. A refused request (4xx) is no error of the server."""
    refused = sent.get("error") is True or sent.get("throttle") is True
    if sent.get("fault") is not True and not (refused and (kind != _SERVER or not _is_client_error(sent))):
        return 0, None
    own = exceptions(sent)
    message = next((str(one["message"]) for one in own if one.get("message")), None)
    return ERROR, message or (None if not error else str(error[ERROR_TYPE]))


def _is_client_error(sent: JsonObject) -> bool:
    http = sent.get("http")
    response = http.get("response") if isinstance(http, dict) else None
    return isinstance(response, dict) and response.get("status") in _CLIENT_ERRORS


def _exception(sent: JsonObject) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, key in (("type", EXCEPTION_TYPE), ("message", EXCEPTION_MESSAGE)):
        if sent.get(name) is not None:
            found[key] = representable(sent[name])
    if frames := objects(sent, "stack"):
        lines = [f"at {frame.get('label')} ({frame.get('path')}:{frame.get('line')})" for frame in frames]
        found[EXCEPTION_STACKTRACE] = "\n".join(lines)
    return found
