"""Fields of a JSON object, checked as they are read.

Numbers follow the JSON form of Protocol Buffers: a 64-bit integer is a number or a string, with a fraction or
an exponent as long as it is whole; nothing is rounded on the way.
Source: https://protobuf.dev/programming-guides/json/
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from laban_collector.decode.span_builder import MalformedError

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


class WrongTypeError(Exception):
    """A field that does not hold what its name promises; the text says which and what."""


def as_object(value: object, name: str) -> JsonObject:
    """A JSON object; an empty one for null.

    Raises:
        WrongTypeError: it is none.
    """
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    raise WrongTypeError(f"{name} is not an object")


def objects(parent: JsonObject, name: str) -> list[JsonObject]:
    """A field that holds a list of objects; none for null or nothing.

    Raises:
        WrongTypeError: it holds something else.
    """
    value = parent.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not _ONLY_OBJECTS.issuperset(map(type, value)):
        raise not_objects(name)
    return value


def not_objects(name: str) -> WrongTypeError:
    """The error of a field that holds something else than a list of objects."""
    return WrongTypeError(f"{name} is not a list of objects")


def text(parent: JsonObject, name: str) -> str:
    """A field that holds a string; '' for null or nothing.

    Raises:
        WrongTypeError: it holds something else.
    """
    value = parent.get(name)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise WrongTypeError(f"{name} is not a string")


def integer(parent: JsonObject, name: str, allowed: range) -> int:
    """A field that holds an integer, exactly; 0 for null or nothing.

    Raises:
        WrongTypeError: it holds something else, or an integer out of range.
    """
    value = parent.get(name)
    return 0 if value is None else whole(value, name, allowed)


def whole(value: object, name: str, allowed: range) -> int:
    """An integer that is written as a number or a string.

    Raises:
        WrongTypeError: it is none, or is out of range.
    """
    if type(value) is not int:
        # A time, nearly always.
        if type(value) is str and len(value) <= _TIME_DIGITS and value.isdecimal() and value.isascii():
            value = int(value)
        else:
            value = _converted(value, name)
    if value not in allowed:
        raise WrongTypeError(f"{name} is out of range")
    return value


def check_hex(sent: str, digits: int, what: str) -> None:
    """Check that an id has exactly so many hex digits, in either case.

    Raises:
        MalformedError: it is something else.
    """
    if not _HEX.fullmatch(sent):
        raise MalformedError(f"{what} that is not hex")
    if len(sent) != digits:
        raise MalformedError(f"{what} of {len(sent)} hex digits, not {digits}")


def padded_id(sent: object, digits: int, what: str) -> int:
    """An id of up to so many hex digits, as Jaeger and Zipkin write them: leading zeros may be missing.

    Raises:
        MalformedError: it is something else, or zero.
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
    # A parser turns an integer beyond 64 bits into a float: it is not exact, and not taken for one.
    elif isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    raise WrongTypeError(f"{name} is not an integer")
