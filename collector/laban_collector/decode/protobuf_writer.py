"""Serialized Protocol Buffers fields, from which messages are concatenated.

This is several times as fast as the message classes of the library, and serialized parts can be cached.
Source: https://protobuf.dev/programming-guides/encoding/
"""

import struct
from functools import lru_cache
from typing import Final

_VARINT: Final = 0
_LENGTH: Final = 2
_SEVEN_BITS: Final = 0x7F
_MORE: Final = 0x80
_UINT64: Final = (1 << 64) - 1

fixed64: Final = struct.Struct("<Q").pack
"""The eight bytes of a `fixed64`."""
fixed32: Final = struct.Struct("<I").pack
double: Final = struct.Struct("<d").pack


@lru_cache(1 << 14)
def varint(number: int) -> bytes:
    """Serialize an integer; a negative one takes ten bytes."""
    number &= _UINT64
    written = bytearray()
    while number > _SEVEN_BITS:
        written.append(number & _SEVEN_BITS | _MORE)
        number >>= 7
    written.append(number)
    return bytes(written)


def tag(field: int, wire_type: int = _LENGTH) -> bytes:
    """Return the tag of a field."""
    return varint(field << 3 | wire_type)


def varint_tag(field: int) -> bytes:
    """Return the tag of a varint field."""
    return tag(field, _VARINT)


def fixed64_tag(field: int) -> bytes:
    """Return the tag of a `fixed64` or `double` field."""
    return tag(field, 1)


def fixed32_tag(field: int) -> bytes:
    """Return the tag of a `fixed32` field."""
    return tag(field, 5)


def length_delimited(field_tag: bytes, content: bytes) -> bytes:
    """Serialize a field with a message, a string or bytes."""
    return b"%b%b%b" % (field_tag, varint(len(content)), content)


def string_field(field_tag: bytes, text: str) -> bytes:
    """Serialize a string field; b"" for an empty string, the default."""
    return length_delimited(field_tag, text.encode()) if text else b""


def varint_field(field_tag: bytes, number: int) -> bytes:
    """Serialize an integer field; b"" for 0, the default."""
    return field_tag + varint(number) if number else b""
