"""Protocol Buffers messages as bytes, put together field by field.

Several times as fast as making the library's objects and having them written, and repeated parts can be kept.
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
    """An integer in as few bytes as it takes; a negative one takes ten."""
    number &= _UINT64
    written = bytearray()
    while number > _SEVEN_BITS:
        written.append(number & _SEVEN_BITS | _MORE)
        number >>= 7
    written.append(number)
    return bytes(written)


def tag(field: int, wire_type: int = _LENGTH) -> bytes:
    """What stands before the value of a field."""
    return varint(field << 3 | wire_type)


def number_tag(field: int) -> bytes:
    """What stands before an integer in as few bytes as it takes."""
    return tag(field, _VARINT)


def fixed64_tag(field: int) -> bytes:
    """What stands before eight bytes."""
    return tag(field, 1)


def fixed32_tag(field: int) -> bytes:
    """What stands before four bytes."""
    return tag(field, 5)


def part(before: bytes, content: bytes) -> bytes:
    """A field that holds a message, a text or bytes."""
    return b"%b%b%b" % (before, varint(len(content)), content)


def text_part(before: bytes, text: str) -> bytes:
    """A field that holds a text; nothing for an empty one, as it is the default."""
    return part(before, text.encode()) if text else b""


def number_part(before: bytes, number: int) -> bytes:
    """A field that holds an integer; nothing for 0, as it is the default."""
    return before + varint(number) if number else b""
