"""OTLP/JSON attributes, converted to serialized protobuf KeyValues.

Source: opentelemetry-proto 1.x, `common/v1/common.proto`.
"""

import base64
import binascii
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from msgspec import Raw

from laban_collector.decode.json_documents import (
    INT64,
    JsonObject,
    NumberTooLargeError,
    WrongTypeError,
    as_object,
    finite_number,
    not_objects,
    number_too_large,
    objects,
    parse,
    whole_number,
)
from laban_collector.decode.protobuf_writer import (
    double,
    fixed64_tag,
    length_delimited,
    string_field,
    tag,
    varint,
    varint_tag,
)
from laban_collector.decode.results import MalformedError

_MAX_DEPTH: Final = 30
"""Levels of nesting. The protobuf library does not parse messages with more."""

_SHORT: Final = 160
"""Bytes of JSON. A longer attribute is unlikely to repeat and is not cached."""

_KEY, _VALUE, _ITEM = tag(1), tag(2), tag(1)
_STRING, _LIST, _MAP, _BYTES = tag(1), tag(5), tag(6), tag(7)
_BOOL, _INT, _DOUBLE = varint_tag(2), varint_tag(3), fixed64_tag(4)


def key_values(field_tag: bytes, parent: JsonObject, name: str = "attributes", depth: int = 0) -> list[bytes]:
    """Return the attributes of an object as serialized fields, in the order sent.

    Args:
        field_tag: the tag of the field that the attributes are written to.
        parent: the object with the attributes.
        name: its field with the list of attributes: objects, or unparsed texts.
        depth: the nesting level of the values.

    Raises:
        WrongTypeError: the field is not a list of attributes, or a value is not of its declared type.
        MalformedError: values are nested too deeply.
    """
    sent: object = parent.get(name)
    if sent is None:
        return []
    if not isinstance(sent, list):
        raise not_objects(name)
    return [
        _key_value(field_tag, attribute, name, depth)
        if type(attribute) is not Raw
        else _cached(field_tag, text)
        if len(text := bytes(attribute)) <= _SHORT
        else _parsed(field_tag, text)
        for attribute in sent
    ]


def _parsed(field_tag: bytes, text: bytes) -> bytes:
    try:
        return _key_value(field_tag, parse(text), "attributes", 0)
    except NumberTooLargeError as error:
        raise WrongTypeError(str(number_too_large(text, " of an attribute"))) from error


_cached = lru_cache(1 << 15)(_parsed)


def _key_value(field_tag: bytes, attribute: object, name: str, depth: int) -> bytes:
    if not isinstance(attribute, dict):
        raise not_objects(name)
    key: Any = attribute.get("key", "")
    if type(key) is not str:
        raise WrongTypeError("the key of an attribute is not a string")
    value = length_delimited(_VALUE, _value(attribute.get("value"), depth))
    return length_delimited(field_tag, string_field(_KEY, key) + value)


def base64_bytes(sent: str) -> bytes | None:
    """Decode base64 in either alphabet, with or without padding; returns None if it is not base64."""
    standard = sent.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):  # ValueError: the text is not ASCII
        return None


def any_value(sent: object) -> bytes:
    """Return a value as a serialized AnyValue; raises as `key_values`."""
    return _value(sent, 0)


def _value(sent: object, depth: int) -> bytes:
    """Return a serialized AnyValue; an empty one (OTLP's null) for an unknown type."""
    if depth > _MAX_DEPTH:
        raise MalformedError(f"an attribute with more than {_MAX_DEPTH} levels")
    for name, value in as_object(sent, "the value of an attribute").items():
        if value is not None and name in _WRITERS:
            return _WRITERS[name](value, depth)
    return b""


def _string(value: object, _: int) -> bytes:
    if not isinstance(value, str):
        raise WrongTypeError("stringValue is not a string")
    return length_delimited(_STRING, value.encode())


def _bool(value: object, _: int) -> bytes:
    if not isinstance(value, bool):
        raise WrongTypeError("boolValue is not true or false")
    return _BOOL + varint(value)


def _int(value: object, _: int) -> bytes:
    return _INT + varint(whole_number(value, "intValue", INT64))


def _double(value: object, _: int) -> bytes:
    try:
        # Python reads "NaN", "Infinity" and "-Infinity" as well.
        if isinstance(value, str):
            return _DOUBLE + double(finite_number(value))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _DOUBLE + double(float(value))
    except OverflowError as error:
        raise WrongTypeError("doubleValue is too large") from error
    except ValueError as error:
        raise WrongTypeError("doubleValue is not a number, or too large") from error
    raise WrongTypeError("doubleValue is not a number")


def _bytes(value: object, _: int) -> bytes:
    found = base64_bytes(value) if isinstance(value, str) else None
    if found is None:
        raise WrongTypeError("bytesValue is not base64")
    return length_delimited(_BYTES, found)


def _list(value: object, depth: int) -> bytes:
    items = objects(as_object(value, "arrayValue"), "values")
    return length_delimited(
        _LIST, b"".join([length_delimited(_ITEM, _value(item, depth + 1)) for item in items])
    )


def _map(value: object, depth: int) -> bytes:
    return length_delimited(
        _MAP, b"".join(key_values(_ITEM, as_object(value, "kvlistValue"), "values", depth + 1))
    )


_WRITERS: Final[dict[str, Callable[[object, int], bytes]]] = {
    "stringValue": _string,
    "boolValue": _bool,
    "intValue": _int,
    "doubleValue": _double,
    "bytesValue": _bytes,
    "arrayValue": _list,
    "kvlistValue": _map,
}
