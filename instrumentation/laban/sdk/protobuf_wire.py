"""A writer of protobuf's wire format for plain attributes: `KeyValue`s of text and numbers.

The same keys recur, so the bytes before a value are cached by the key and the length of the value.
"""

from collections.abc import Callable, Iterable, Mapping
from struct import Struct
from typing import Any, Final

# Wire types; a field's tag contains one.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

MAX_CACHED: Final = 4096
"""Size limit of a cache of prefixes. A program may generate new keys without end."""

_ONE_BYTE: Final = tuple(bytes((number,)) for number in range(0x80))


def varint(number: int) -> bytes:
    """A non-negative number as a varint."""
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


def tag(number: int, wire_type: int) -> bytes:
    """The tag of a field."""
    return varint(number << 3 | wire_type)


def sized(prefix: bytes, content: bytes) -> bytes:
    """A length-delimited field (text, bytes or a message): tag, length, content."""
    return b"%b%b%b" % (prefix, varint(len(content)), content)


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

    def __init__(self, field: bytes, encode_other: Callable[[str, Any], Iterable[bytes]]) -> None:
        """Writes to one field.

        Args:
            field: the tag of the repeated field.
            encode_other: encodes an attribute that is neither text nor a number as one `KeyValue` or none.
        """
        self._field = field
        self._encode_other = encode_other
        self._text_prefixes: dict[tuple[str, int], bytes] = {}
        self._integer_prefixes: dict[tuple[str, int], bytes] = {}

    def write(self, attributes: Mapping[str, Any], parts: list[bytes]) -> None:
        """Append the encoded attributes to `parts`.

        Raises:
            UnicodeError: a text contains a lone surrogate.
        """
        add = parts.append
        text_prefixes, integer_prefixes = self._text_prefixes, self._integer_prefixes
        for key, value in attributes.items():
            kind = type(value)
            if kind is str:
                raw = value.encode()
                add(text_prefixes.get((key, len(raw))) or self._text_prefix(key, len(raw)))
                add(raw)
            elif kind is int and _LEAST <= value < _PAST_MOST:
                raw = varint(value & 0xFFFF_FFFF_FFFF_FFFF)
                add(integer_prefixes.get((key, len(raw))) or self._integer_prefix(key, len(raw)))
                add(raw)
            elif kind is bool:
                add(self._prefix(key, _BOOL, 1))
                add(_ONE_BYTE[value])
            elif kind is float:
                add(self._prefix(key, _DOUBLE, _double.size))
                add(_double.pack(value))
            else:
                parts += (sized(self._field, encoded) for encoded in self._encode_other(key, value))

    def _text_prefix(self, key: str, length: int) -> bytes:
        return _cache(self._text_prefixes, (key, length), self._prefix(key, _TEXT + varint(length), length))

    def _integer_prefix(self, key: str, length: int) -> bytes:
        return _cache(self._integer_prefixes, (key, length), self._prefix(key, _INTEGER, length))

    def _prefix(self, key: str, value_prefix: bytes, length: int) -> bytes:
        """All bytes before a value of this length."""
        start = sized(_KEY, key.encode()) + _VALUE + varint(len(value_prefix) + length) + value_prefix
        return self._field + varint(len(start) + length) + start


def _cache(cached: dict[tuple[str, int], bytes], key: tuple[str, int], prefix: bytes) -> bytes:
    if len(cached) >= MAX_CACHED:
        cached.clear()
    cached[key] = prefix
    return prefix
