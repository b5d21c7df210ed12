"""OTLP attribute values as Python values and as JSON text.

JSON represents every OTLP value: integers are exact, bytes are base64, and floats that JSON cannot represent
are the strings "NaN", "Infinity" and "-Infinity" (as in OTLP/JSON).
"""

import base64
import json
import math
from collections.abc import Iterable, Mapping
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Value = str | bool | int | float | list["Value"] | dict[str, "Value"] | None

# Made once: `json.dumps` with options makes an encoder in each call, which takes half of its time.
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def values(attributes: Iterable[KeyValue]) -> dict[str, Value]:
    """Return attributes by key, in the order sent; the last value of a repeated key wins."""
    return {attribute.key: _value(attribute.value) for attribute in attributes}


def to_json(attributes: Mapping[str, Value]) -> str:
    """Return a compact JSON object, in the given order."""
    return _encode(attributes)


def value_to_json(value: Value) -> str:
    """Return a value as compact JSON."""
    return _encode(value)


def from_float(number: float) -> Value:
    """Return a float as a value that JSON can represent."""
    if math.isfinite(number):
        return number
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def representable(sent: object) -> Value:
    """Return a parsed JSON value without what OTLP cannot hold.

    NaN and infinities become strings, as in OTLP/JSON, and so do integers of more than 64 bits: as numbers,
    their readers would round them.
    """
    match sent:
        case bool() | str() | None:
            return sent
        case float():
            return from_float(sent)
        case int():
            return sent if -(2**63) <= sent < 2**64 else str(sent)
        case list():
            return [representable(item) for item in sent]
        case dict():
            return {str(key): representable(value) for key, value in sent.items()}
        case _:
            raise TypeError(f"{type(sent)} is not a type of JSON")


def _value(value: AnyValue) -> Value:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value
        case "bool_value":
            return value.bool_value
        case "double_value":
            return from_float(value.double_value)
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return values(value.kvlist_value.values)
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode("ascii")
        case "string_value_strindex" | None:
            # Only profiles have the table of string_value_strindex; a missing value is OTLP's null.
            return None
