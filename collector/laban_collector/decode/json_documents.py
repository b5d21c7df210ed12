"""JSON documents: parsing, and object fields that are checked when they are read.

In OTLP requests, the attributes of spans stay text: most of them repeat from span to span. As text, each
distinct attribute is parsed once, and the objects of its repetitions are never built.

Numbers follow the JSON form of Protocol Buffers: a 64-bit integer is a number or a string. A fraction or an
exponent is allowed if the value is an integer; no value is rounded. A number that no double can hold, such as
1e999, is refused with its place.
Source: https://protobuf.dev/programming-guides/json/
"""

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypedDict

import msgspec

from laban_collector.decode.results import MalformedError

JsonObject = Mapping[str, Any]

INT64: Final = range(-(2**63), 2**63)
UINT64: Final = range(2**64)
UINT32: Final = range(2**32)
INT32: Final = range(-(2**31), 2**31)

_ONLY_OBJECTS: Final = frozenset({dict})
_TIME_DIGITS: Final = 19
_DIGITS: Final = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_DECIMAL: Final = re.compile(r"-?[0-9]{1,25}(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_HEX: Final = re.compile(r"[0-9A-Fa-f]*", re.ASCII)
_STRING_OR_NUMBER: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*', re.DOTALL)
_LONGEST_INTEGER: Final = 4300
"""Digits. Python and the parser convert no longer ones, because that takes quadratic time."""
_SHOWN: Final = 20
"""Characters of a refused number in a message."""


class WrongTypeError(Exception):
    """A field has the wrong type; the text names the field and the expected type."""


class NotJsonError(ValueError):
    """A text is not JSON; the message contains the position of the error."""


class NumberTooLargeError(NotJsonError):
    """A text is JSON with a number that no double can hold; the message says which and where."""


class _Span(TypedDict, total=False):
    traceId: Any
    spanId: Any
    parentSpanId: Any
    traceState: Any
    flags: Any
    name: Any
    kind: Any
    startTimeUnixNano: Any
    endTimeUnixNano: Any
    attributes: list[msgspec.Raw] | None
    droppedAttributesCount: Any
    events: Any
    droppedEventsCount: Any
    links: Any
    droppedLinksCount: Any
    status: Any


class _ScopeSpans(TypedDict, total=False):
    scope: Any
    instrumentationLibrary: Any
    spans: list[_Span] | None


class _ResourceSpans(TypedDict, total=False):
    resource: Any
    scopeSpans: list[_ScopeSpans] | None
    instrumentationLibrarySpans: list[_ScopeSpans] | None


class _Request(TypedDict, total=False):
    """The fields that the OTLP/JSON reader uses; all others are skipped."""

    resourceSpans: list[_ResourceSpans] | None
    batches: list[_ResourceSpans] | None


_ANY: Final = msgspec.json.Decoder()
_REQUEST: Final = msgspec.json.Decoder(_Request)


def parse(text: bytes | msgspec.Raw) -> object:
    """Parse a JSON document.

    Raises:
        NumberTooLargeError: a number is too large.
        NotJsonError: the text is not JSON, or is nested hundreds of levels deep.
    """
    try:
        return _decoded(_ANY, text)
    except msgspec.ValidationError as error:
        raise number_too_large(bytes(text)) from error


def parse_request(text: bytes) -> object:
    """Parse a JSON document; in an OTLP request, the attributes of spans are `msgspec.Raw`.

    Raises:
        NotJsonError: as in `parse`.
    """
    try:
        if not text.isascii():
            text.decode()  # msgspec does not check the encoding of skipped fields
        found = _decoded(_REQUEST, text)
    except UnicodeDecodeError as error:
        raise NotJsonError(str(error)) from error
    except msgspec.ValidationError:
        found = None
    return found or parse(text)


def _decoded(decoder: "msgspec.json.Decoder[Any]", text: bytes | msgspec.Raw) -> object:
    try:
        return decoder.decode(text)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotJsonError(str(error)) from error
    except RecursionError as error:
        raise NotJsonError("nested too deep") from error


def number_too_large(text: bytes, where: str = "") -> NumberTooLargeError:
    """Return the error for a JSON text with a number that is too large; names the first one."""
    for found in _STRING_OR_NUMBER.finditer(text):
        number = found[0]
        if not number.startswith(b'"') and _is_too_large(number):
            shown = number[:_SHOWN].decode("ascii") + ("…" if len(number) > _SHOWN else "")
            return NumberTooLargeError(f"the number {shown} at byte {found.start()}{where} is too large")
    return NumberTooLargeError("a number is too large")


def finite_number(text: str) -> float:
    """Return a number that is written as text.

    Raises:
        ValueError: it is no number, or too large for a double.
    """
    number = float(text)
    if math.isinf(number) and any(map(str.isdigit, text)):
        raise ValueError(f"the number {text[:_SHOWN]} is too large")
    return number


def _is_too_large(number: bytes) -> bool:
    if number.lstrip(b"-").isdigit():
        return len(number) > _LONGEST_INTEGER
    try:
        return math.isinf(float(number))
    except ValueError:  # not a number: the parser has refused an earlier one
        return False


def as_object(value: object, name: str) -> JsonObject:
    """Return a JSON object, or an empty one for null.

    Raises:
        WrongTypeError: the value is not an object.
    """
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    raise WrongTypeError(f"{name} is not an object")


def objects(parent: JsonObject, name: str) -> list[JsonObject]:
    """Return a field that is a list of objects; an empty list if it is null or missing.

    Raises:
        WrongTypeError: it has another type.
    """
    value = parent.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not _ONLY_OBJECTS.issuperset(map(type, value)):
        raise not_objects(name)
    return value


def not_objects(name: str) -> WrongTypeError:
    """Return the error for a field that is not a list of objects."""
    return WrongTypeError(f"{name} is not a list of objects")


def text(parent: JsonObject, name: str) -> str:
    """Return a field that is a string; '' if it is null or missing.

    Raises:
        WrongTypeError: it has another type.
    """
    value = parent.get(name)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise WrongTypeError(f"{name} is not a string")


def integer(parent: JsonObject, name: str, allowed: range) -> int:
    """Return a field that is an integer; 0 if it is null or missing.

    Raises:
        WrongTypeError: it is not an integer, or it is out of range.
    """
    value = parent.get(name)
    return 0 if value is None else whole_number(value, name, allowed)


def whole_number(value: object, name: str, allowed: range) -> int:
    """Return an integer that is written as a number or a string.

    Raises:
        WrongTypeError: the value is not an integer, or it is out of range.
    """
    if type(value) is not int:
        # Nearly always a time.
        if type(value) is str and len(value) <= _TIME_DIGITS and value.isdecimal() and value.isascii():
            value = int(value)
        else:
            value = _converted(value, name)
    if value not in allowed:
        raise WrongTypeError(f"{name} is out of range")
    return value


def check_hex(sent: str, digits: int, what: str) -> None:
    """Check that an id has exactly `digits` hex digits, in upper or lower case.

    Raises:
        MalformedError: it has not.
    """
    if not _HEX.fullmatch(sent):
        raise MalformedError(f"{what} that is not hex")
    if len(sent) != digits:
        raise MalformedError(f"{what} of {len(sent)} hex digits, not {digits}")


def padded_id(sent: object, digits: int, what: str) -> int:
    """Return an id of up to `digits` hex digits; Jaeger and Zipkin may omit leading zeros.

    Raises:
        MalformedError: the value is not such an id, or it is zero.
    """
    if not isinstance(sent, str):
        raise MalformedError(f"{what} that is not a string")
    padded = sent.zfill(digits)
    check_hex(padded, digits, what)
    found = int(padded, 16)
    if found == 0:
        raise MalformedError(f"{what} of zeros" if sent else f"no {what}")
    return found


def _converted(value: object, name: str) -> int:
    if isinstance(value, str):
        if _DIGITS.fullmatch(value):
            return int(value)
        if _DECIMAL.fullmatch(value) and (exact := Decimal(value)) == exact.to_integral_value():
            return int(exact)
    # The parser turns an integer of more than 64 bits into a float. It is not exact, and so not accepted.
    elif isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    raise WrongTypeError(f"{name} is not an integer")
