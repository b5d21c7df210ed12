"""Dialects of OTLP/JSON: how ids and enums are written on the wire and in files."""

from collections.abc import Callable
from typing import Final, NamedTuple

from laban_collector.decode.json_attributes import base64_bytes
from laban_collector.decode.json_documents import INT32, JsonObject, WrongTypeError, check_hex, integer

_KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUS_CODES: Final = ("UNSET", "OK", "ERROR")


class Dialect(NamedTuple):
    """Readers for the fields that dialects write differently.

    Attributes:
        identifier: reads an id with a given number of hex digits.
        kind: reads a SpanKind.
        status_code: reads a StatusCode.
        forgiving: whether a field of the wrong type rejects its span only, and not the whole body.
        resource_spans, scope_spans, scope: the accepted names of these fields.
    """

    identifier: Callable[[str, int, str], bytes]
    kind: Callable[[JsonObject], int]
    status_code: Callable[[JsonObject], int]
    forgiving: bool
    resource_spans: tuple[str, ...] = ("resourceSpans",)
    scope_spans: tuple[str, ...] = ("scopeSpans",)
    scope: tuple[str, ...] = ("scope",)


def _numbered_kind(span: JsonObject) -> int:
    return _numbered(span, "kind")


def _numbered_status_code(status: JsonObject) -> int:
    return _numbered(status, "code")


def _numbered(parent: JsonObject, name: str) -> int:
    value = parent.get(name)
    if isinstance(value, str):
        raise WrongTypeError(f"{name} is a string: OTLP/JSON writes enums as numbers")
    return integer(parent, name, INT32)


def _any_kind(span: JsonObject) -> int:
    return _any_enum(span, "kind", "SPAN_KIND_", _KINDS)


def _any_status_code(status: JsonObject) -> int:
    return _any_enum(status, "code", "STATUS_CODE_", _STATUS_CODES)


def _any_enum(parent: JsonObject, name: str, prefix: str, names: tuple[str, ...]) -> int:
    """Read a number, or a name with or without its prefix; an unknown name means unspecified."""
    value = parent.get(name)
    if not isinstance(value, str) or value.isdecimal():
        return integer(parent, name, INT32)
    short = value.upper().removeprefix(prefix)
    return names.index(short) if short in names else 0


def _hex_id(sent: str, digits: int, what: str) -> bytes:
    if len(sent) == digits and sent.isalnum():  # `fromhex` alone would skip spaces
        try:
            return bytes.fromhex(sent)
        except ValueError:
            pass
    check_hex(sent, digits, what)
    return bytes.fromhex(sent)


def _any_id(sent: str, digits: int, what: str) -> bytes:
    """Read hex, or the base64 of protobuf's JSON printers; their lengths differ."""
    if len(sent) != digits:
        found = base64_bytes(sent)
        if found is not None and len(found) == digits // 2:
            return found
    return _hex_id(sent, digits, what)


WIRE: Final = Dialect(_hex_id, _numbered_kind, _numbered_status_code, forgiving=False)
"""The dialect of the specification."""

FILES: Final = Dialect(
    _any_id,
    _any_kind,
    _any_status_code,
    forgiving=True,
    resource_spans=("resourceSpans", "batches"),
    scope_spans=("scopeSpans", "instrumentationLibrarySpans"),
    scope=("scope", "instrumentationLibrary"),
)
"""The dialect of exports, with the field names of Tempo's API and of OTLP before 0.19."""
