"""Protobuf's wire format, as far as plain attributes need it: `KeyValue`s of text and numbers.

Keys are the same again and again, so what stands before a value is kept, by its key and its length.
"""

from collections.abc import Callable, Iterable, Mapping
from struct import Struct
from typing import Any, Final

# What kind of value follows is part of a field's tag.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

MAX_KEPT: Final = 4096
"""Beginnings that are kept. Keys that are made up as a program runs would be ever new."""

_ONE_BYTE: Final = tuple(bytes((number,)) for number in range(0x80))


def varint(number: int) -> bytes:
    """A number of 0 and more, in as few bytes as it needs."""
    if number < 0x80:
        return _ONE_BYTE[number]
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    written = bytearray()
    while number >= 0x80:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def tag(number: int, kind: int) -> bytes:
    """What stands before every value of the field of this number."""
    return varint(number << 3 | kind)


def sized(before: bytes, content: bytes) -> bytes:
    """A field of text, bytes or a message: its tag, how long it is, and what it is."""
    return b"%b%b%b" % (before, varint(len(content)), content)


# Of KeyValue and AnyValue.
_KEY: Final = tag(1, BYTES)
_VALUE: Final = tag(2, BYTES)
_TEXT: Final = tag(1, BYTES)
_BOOL: Final = tag(2, VARINT)
_INTEGER: Final = tag(3, VARINT)
_DOUBLE: Final = tag(4, FIXED64)
_double: Final = Struct("<d")
_LEAST, _PAST_MOST = -(1 << 63), 1 << 63


class AttributeWriter:
    """Writes attributes as values of one repeated field."""

    def __init__(self, field: bytes, other: Callable[[str, Any], Iterable[bytes]]) -> None:
        """Takes where to and what else.

        Args:
            field: the tag of the repeated field.
            other: writes the `KeyValue` of an attribute that is neither text nor a number; or nothing.
        """
        self._field = field
        self._other = other
        self._before_text: dict[tuple[str, int], bytes] = {}
        self._before_integer: dict[tuple[str, int], bytes] = {}

    def write(self, attributes: Mapping[str, Any], parts: list[bytes]) -> None:
        """Append what is written to `parts`.

        Raises:
            UnicodeError: a text holds half a character.
        """
        add = parts.append
        before_text, before_integer = self._before_text, self._before_integer
        for key, value in attributes.items():
            kind = type(value)
            if kind is str:
                raw = value.encode()
                add(before_text.get((key, len(raw))) or self._begin_text(key, len(raw)))
                add(raw)
            elif kind is int and _LEAST <= value < _PAST_MOST:
                raw = varint(value & 0xFFFF_FFFF_FFFF_FFFF)
                add(before_integer.get((key, len(raw))) or self._begin_integer(key, len(raw)))
                add(raw)
            elif kind is bool:
                add(self._begin(key, _BOOL, 1))
                add(_ONE_BYTE[value])
            elif kind is float:
                add(self._begin(key, _DOUBLE, _double.size))
                add(_double.pack(value))
            else:
                parts += (sized(self._field, written) for written in self._other(key, value))

    def _begin_text(self, key: str, length: int) -> bytes:
        return _keep(self._before_text, (key, length), self._begin(key, _TEXT + varint(length), length))

    def _begin_integer(self, key: str, length: int) -> bytes:
        return _keep(self._before_integer, (key, length), self._begin(key, _INTEGER, length))

    def _begin(self, key: str, before: bytes, length: int) -> bytes:
        """All that stands before a value of this length."""
        start = sized(_KEY, key.encode()) + _VALUE + varint(len(before) + length) + before
        return self._field + varint(len(start) + length) + start


def _keep(kept: dict[tuple[str, int], bytes], key: tuple[str, int], beginning: bytes) -> bytes:
    if len(kept) >= MAX_KEPT:
        kept.clear()
    kept[key] = beginning
    return beginning
