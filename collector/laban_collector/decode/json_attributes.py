"""OTLP/JSON attribute values as OTLP's own, written as Protocol Buffers.

Source: opentelemetry-proto 1.x, `common/v1/common.proto`.
"""

import base64
import binascii
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from msgspec import Raw

from laban_collector.decode.json_fields import (
    INT64,
    JsonObject,
    WrongTypeError,
    as_object,
    not_objects,
    objects,
    whole,
)
from laban_collector.decode.json_parsing import parse
from laban_collector.decode.protobuf_writer import (
    double,
    fixed64_tag,
    number_tag,
    part,
    tag,
    text_part,
    varint,
)
from laban_collector.decode.span_builder import MalformedError

_MAX_DEPTH: Final = 30
"""Maps within each other; with more of them the protobuf library reads no message."""

_SHORT: Final = 160
"""Bytes of JSON up to which an attribute is likely to be repeated."""

_KEY, _VALUE, _ITEM = tag(1), tag(2), tag(1)
_STRING, _LIST, _MAP, _BYTES = tag(1), tag(5), tag(6), tag(7)
_BOOL, _INT, _DOUBLE = number_tag(2), number_tag(3), fixed64_tag(4)


def key_values(before: bytes, parent: JsonObject, name: str = "attributes", depth: int = 0) -> list[bytes]:
    """Attributes, in the order sent, each with `before` (the tag of the field that holds them) before it.

    Args:
        before: as above.
        parent: what has them.
        name: of its field that lists them; as objects, or each as a text that was not parsed yet.
        depth: of their values.

    Raises:
        WrongTypeError: it holds something else, or a value is not of the type that it claims.
        MalformedError: values are nested too deep.
    """
    sent: object = parent.get(name)
    if sent is None:
        return []
    if not isinstance(sent, list):
        raise not_objects(name)
    return [
        _key_value(before, attribute, name, depth)
        if type(attribute) is not Raw
        else _repeated(before, text)
        if len(text := bytes(attribute)) <= _SHORT
        else _parsed(before, text)
        for attribute in sent
    ]


def _parsed(before: bytes, text: bytes) -> bytes:
    return _key_value(before, parse(text), "attributes", 0)


_repeated = lru_cache(1 << 15)(_parsed)


def _key_value(before: bytes, attribute: object, name: str, depth: int) -> bytes:
    if not isinstance(attribute, dict):
        raise not_objects(name)
    key: Any = attribute.get("key", "")
    if type(key) is not str:
        raise WrongTypeError("the key of an attribute is not a string")
    return part(before, text_part(_KEY, key) + part(_VALUE, _value(attribute.get("value"), depth)))


def base64_bytes(sent: str) -> bytes | None:
    """Bytes written in base64, in either alphabet, padded or not; None if it is not base64."""
    standard = sent.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters beyond ASCII
        return None


def _value(sent: object, depth: int) -> bytes:
    """An AnyValue; an empty one, OTLP's null, for one of a type from the future."""
    if depth > _MAX_DEPTH:
        raise MalformedError(f"an attribute of more than {_MAX_DEPTH} levels")
    for name, value in as_object(sent, "the value of an attribute").items():
        if value is not None and name in _WRITERS:
            return _WRITERS[name](value, depth)
    return b""


def _string(value: object, _: int) -> bytes:
    if not isinstance(value, str):
        raise WrongTypeError("stringValue is not a string")
    return part(_STRING, value.encode())


def _bool(value: object, _: int) -> bytes:
    if not isinstance(value, bool):
        raise WrongTypeError("boolValue is neither true nor false")
    return _BOOL + varint(value)


def _int(value: object, _: int) -> bytes:
    return _INT + varint(whole(value, "intValue", INT64))


def _double(value: object, _: int) -> bytes:
    try:
        # Python reads "NaN", "Infinity" and "-Infinity" as well.
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return _DOUBLE + double(float(value))
    except (ValueError, OverflowError) as error:
        raise WrongTypeError("doubleValue is not a number") from error
    raise WrongTypeError("doubleValue is not a number")


def _bytes(value: object, _: int) -> bytes:
    found = base64_bytes(value) if isinstance(value, str) else None
    if found is None:
        raise WrongTypeError("bytesValue is not base64")
    return part(_BYTES, found)


def _list(value: object, depth: int) -> bytes:
    items = objects(as_object(value, "arrayValue"), "values")
    return part(_LIST, b"".join([part(_ITEM, _value(item, depth + 1)) for item in items]))


def _map(value: object, depth: int) -> bytes:
    return part(_MAP, b"".join(key_values(_ITEM, as_object(value, "kvlistValue"), "values", depth + 1)))


_WRITERS: Final[dict[str, Callable[[object, int], bytes]]] = {
    "stringValue": _string,
    "boolValue": _bool,
    "intValue": _int,
    "doubleValue": _double,
    "bytesValue": _bytes,
    "arrayValue": _list,
    "kvlistValue": _map,
}
