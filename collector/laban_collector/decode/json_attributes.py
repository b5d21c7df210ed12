"""OTLP/JSON attribute values as OTLP's own."""

import base64
import binascii
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from laban_collector.decode.building import MalformedError
from laban_collector.decode.json_fields import INT64, JsonObject, WrongTypeError, as_object, objects, whole

_MAX_DEPTH: Final = 30
"""Maps within each other; with more of them the protobuf library reads no message."""

_SHORT: Final = 64
"""Characters up to which a string is likely to be repeated."""


def key_values(sent: Iterable[JsonObject], depth: int = 0) -> list[KeyValue]:
    """Attributes, in the order sent.

    Raises:
        WrongTypeError: a value is not of the type that it claims.
        MalformedError: values are nested too deep.
    """
    found: list[KeyValue] = []
    for attribute in sent:
        key: Any = attribute.get("key", "")
        value: Any = attribute.get("value")
        if type(key) is not str:
            raise WrongTypeError("the key of an attribute is not a string")
        found.append(_repeated(key, value) or KeyValue(key=key, value=_value(value, depth)))
    return found


def base64_bytes(sent: str) -> bytes | None:
    """Bytes written in base64, in either alphabet, padded or not; None if it is not base64."""
    standard = sent.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters beyond ASCII
        return None


def _repeated(key: str, sent: Any) -> KeyValue | None:
    """An attribute that is written as a short string, as nearly all are, also integers; None for others."""
    if type(sent) is dict and len(sent) == 1:
        [(name, value)] = sent.items()
        if type(value) is str and len(value) <= _SHORT:
            return _known(key, name, value)
    return None


@lru_cache(16384)
def _known(key: str, name: str, value: str) -> KeyValue:
    """Most of them are repeated again and again; the message is copied wherever it goes."""
    return KeyValue(key=key, value=_value({name: value}, 0))


def _value(sent: object, depth: int) -> AnyValue:
    """An AnyValue; an empty one, OTLP's null, for one of a type from the future."""
    if depth > _MAX_DEPTH:
        raise MalformedError(f"an attribute of more than {_MAX_DEPTH} levels")
    for name, value in as_object(sent, "the value of an attribute").items():
        if value is not None and name in _READERS:
            return _READERS[name](value, depth)
    return AnyValue()


def _string(value: object, _: int) -> AnyValue:
    if not isinstance(value, str):
        raise WrongTypeError("stringValue is not a string")
    return AnyValue(string_value=value)


def _bool(value: object, _: int) -> AnyValue:
    if not isinstance(value, bool):
        raise WrongTypeError("boolValue is neither true nor false")
    return AnyValue(bool_value=value)


def _int(value: object, _: int) -> AnyValue:
    return AnyValue(int_value=whole(value, "intValue", INT64))


def _double(value: object, _: int) -> AnyValue:
    try:
        # Python reads "NaN", "Infinity" and "-Infinity" as well.
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return AnyValue(double_value=float(value))
    except (ValueError, OverflowError) as error:
        raise WrongTypeError("doubleValue is not a number") from error
    raise WrongTypeError("doubleValue is not a number")


def _bytes(value: object, _: int) -> AnyValue:
    found = base64_bytes(value) if isinstance(value, str) else None
    if found is None:
        raise WrongTypeError("bytesValue is not base64")
    return AnyValue(bytes_value=found)


def _list(value: object, depth: int) -> AnyValue:
    items = objects(as_object(value, "arrayValue"), "values")
    return AnyValue(array_value=ArrayValue(values=[_value(item, depth + 1) for item in items]))


def _map(value: object, depth: int) -> AnyValue:
    items = objects(as_object(value, "kvlistValue"), "values")
    return AnyValue(kvlist_value=KeyValueList(values=key_values(items, depth + 1)))


_READERS: Final = {
    "stringValue": _string,
    "boolValue": _bool,
    "intValue": _int,
    "doubleValue": _double,
    "bytesValue": _bytes,
    "arrayValue": _list,
    "kvlistValue": _map,
}
