"""Dictionary-encoded attributes: each distinct attribute of a batch is read once."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Self, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from laban_collector.batch.attributes import Value, to_json, values
from laban_collector.decode.columnar.arrow_messages import are_key_values, read_key_values
from laban_collector.protect.limits import CUT_MARK
from laban_collector.protect.protection import Protection, log_cuts

Index = NDArray[np.int64]
Mask = NDArray[np.bool_]
Scalar = TypeVar("Scalar", str, int)

_ESCAPED: Final = r'[\x00-\x1f"\\]'
"""Characters that JSON must escape."""
# A varint needs one more byte from each of these numbers on.
_VARINT_STEPS: Final = np.array([1 << bits for bits in range(7, 64, 7)], np.uint64)
# With more cells, a table of owners by keys costs more than sorting.
_MAX_CELLS: Final = 1 << 24


class AttributeDictionary:
    """The distinct attributes (key and value) of a batch; each is read once. They are numbered from 0.

    Attributes:
        key: of each attribute, the position of its key in `names`.
        names: the distinct keys.
        text: the string values (as in `attributes.values`), null for others.
        integer: the integer values, null for others.
        boolean: the truth values, null for others and for unusual encodings.
        json: `"key":value` of each attribute, as in `to_json`.
        is_changed: whether `replace_values` has changed any value.
    """

    is_changed = False

    def __init__(self, serialized: pa.BinaryArray) -> None:
        self._serialized = serialized.to_pylist()
        if not are_key_values(self._serialized):
            raise ValueError("Some attributes are not KeyValues.")
        keys, read = read_key_values(self._serialized)
        plain = _is_plain(serialized, keys, read)
        exact = {row: self._parse(row) for row in np.flatnonzero(~plain).tolist()}
        self._values = {row: value for row, (_, value) in exact.items()}
        self._keys = replace(keys, {row: key for row, (key, _) in exact.items()})
        self.text = replace(read["string_value"], {row: _only(str, it) for row, it in self._values.items()})
        self.integer = replace(read["int_value"], {row: _only(int, it) for row, it in self._values.items()})
        self.boolean = replace(read["bool_value"], dict.fromkeys(exact))
        distinct = self._keys.dictionary_encode()
        self.key: Index = as_numpy(distinct.indices).astype(np.int64)
        self.names: list[str] = distinct.dictionary.to_pylist()
        self.json = self._to_json()

    def __len__(self) -> int:
        return len(self._serialized)

    def key_name(self, entry: int) -> str:
        """Return the key of an attribute."""
        name: str = self._keys[entry].as_py()
        return name

    def value(self, entry: int) -> Value:
        """Return the value of an attribute, of any type."""
        return self._values[entry] if entry in self._values else self._parse(entry)[1]

    def with_key(self, name: str) -> Mask:
        """Return a mask of the attributes with this key."""
        if name not in self.names:
            return np.zeros(len(self), np.bool_)
        mask: Mask = self.key == self.names.index(name)
        return mask

    def replace_values(self, changed: Mapping[int, Value]) -> None:
        """Replace the values of some attributes."""
        self.is_changed = bool(changed)
        self._values |= changed
        self.text = replace(self.text, {row: _only(str, it) for row, it in changed.items()})
        self.json = replace(self.json, {row: self._member(row) for row in changed})

    def replace_keys(self, changed: Mapping[str, str]) -> None:
        """Replace some keys; two keys may become one."""
        self.is_changed = True
        rows = [row for row, key in enumerate(self._keys.to_pylist()) if key in changed]
        self._values |= {row: self.value(row) for row in rows}
        self._keys = replace(self._keys, {row: changed[self.key_name(row)] for row in rows})
        distinct = self._keys.dictionary_encode()
        self.key, self.names = as_numpy(distinct.indices).astype(np.int64), distinct.dictionary.to_pylist()
        self.json = replace(self.json, {row: self._member(row) for row in rows})

    def _to_json(self) -> pa.StringArray:
        quote, nothing = pa.scalar('"'), pa.scalar("")
        value = pc.coalesce(
            pc.binary_join_element_wise(quote, self.text, quote, nothing),
            pc.cast(self.integer, pa.string()),
            pc.cast(self.boolean, pa.string()),
        )
        members = pc.binary_join_element_wise(quote, self._keys, pa.scalar('":'), value, nothing)
        escaped = pc.fill_null(pc.match_substring_regex(self.text, _ESCAPED), fill_value=False)
        escaped_names = np.array([re.search(_ESCAPED, name) is not None for name in self.names], np.bool_)
        slow = as_numpy(pc.or_(escaped, pc.is_null(value))) | escaped_names[self.key]
        slow[list(self._values)] = True
        return replace(members, {row: self._member(row) for row in np.flatnonzero(slow).tolist()})

    def _member(self, entry: int) -> str:
        """Return `"key":value` of one attribute, as in `to_json`."""
        return to_json({self.key_name(entry): self.value(entry)})[1:-1]

    def _parse(self, entry: int) -> tuple[str, Value]:
        """Parse one attribute with the protobuf library."""
        [exact] = values([KeyValue.FromString(self._serialized[entry])]).items()
        return exact


class JsonObjects(NamedTuple):
    """Attributes as JSON.

    Attributes:
        texts: one object per owner, null if it has no attributes.
        dropped: the number of attributes per owner that are over the limit and left out.
    """

    texts: pa.StringArray
    dropped: Index

    def split(self, counts: Sequence[int]) -> list["JsonObjects"]:
        """Split into groups with these numbers of owners."""
        ends = np.cumsum(counts)
        return [
            JsonObjects(self.texts.slice(end - count, count), self.dropped[end - count : end])
            for count, end in zip(counts, ends.tolist(), strict=True)
        ]


class Attributes:
    """The attributes of many owners (spans, events or links).

    Attributes:
        owners: the number of owners.
        owner: of each attribute, its owner, ascending.
        entry: of each attribute, its number in `dictionary`.
        dictionary: the distinct attributes.
        limit: the number of attributes kept per owner; None for all.
    """

    def __init__(
        self, owners: int, owner: Index, entry: Index, dictionary: AttributeDictionary, limit: int | None
    ) -> None:
        self.owners = owners
        self.owner = owner
        self.entry = entry
        self.dictionary = dictionary
        self.limit = limit

    def first(self, owners: int) -> Self:
        """Return the attributes of the first `owners` owners."""
        within = np.searchsorted(self.owner, owners)
        return type(self)(owners, self.owner[:within], self.entry[:within], self.dictionary, self.limit)

    def owners_with_repeated_keys(self) -> Index:
        """Return the owners with a repeated key, whose last value wins."""
        keys = len(self.dictionary.names)
        cells = self.owner * keys + self.dictionary.key[self.entry]
        if self.owners * keys <= _MAX_CELLS:
            found = np.zeros(self.owners * keys, np.bool_)
            found[cells] = True
            if np.count_nonzero(found) == len(cells):
                return np.zeros(0, np.int64)
        distinct, counts = np.unique(cells, return_counts=True)
        return np.unique(distinct[counts > 1] // keys)

    def json(self, kept: Mask) -> JsonObjects:
        """Return the attributes in the mask `kept` as one JSON object per owner."""
        owner, entry = self.owner[kept], self.entry[kept]
        counts = np.bincount(owner, minlength=self.owners)
        dropped = np.zeros_like(counts)
        if self.limit is not None and counts.max(initial=0) > self.limit:
            first = np.repeat(np.cumsum(counts) - counts, counts)
            within = np.arange(len(owner)) - first < self.limit
            entry, dropped = entry[within], np.maximum(counts - self.limit, 0)
            counts = counts - dropped
            log_cuts(0, int(dropped.sum()))
        offsets = np.zeros(self.owners + 1, np.int32)
        np.cumsum(counts, out=offsets[1:])
        members = pa.ListArray.from_arrays(
            pa.array(offsets), self.dictionary.json.take(pa.array(entry)), mask=pa.array(counts == 0)
        )
        return JsonObjects(pc.binary_join_element_wise("{", pc.binary_join(members, ","), "}", ""), dropped)


class AttributeReader:
    """Reads the attributes of batches, and protects them.

    Args:
        protection: redacts secrets and cuts attributes; None to keep everything as sent.
    """

    def __init__(self, protection: Protection | None) -> None:
        self._protection = protection
        self._limit = None if protection is None else protection.max_attributes

    def read(self, lists: Sequence[pa.ListArray]) -> Attributes:
        """Read lists of attributes, as in `arrow_messages.read_spans`; owners are numbered consecutively.

        Raises:
            ValueError: some are not attributes, or `ptars` cannot read them.
        """
        encoded = pa.concat_arrays([array.flatten() for array in lists]).dictionary_encode()
        dictionary = AttributeDictionary(encoded.dictionary)
        self._protect(dictionary)
        entries: Index = as_numpy(encoded.indices).astype(np.int64)
        counts = np.concatenate([as_numpy(pc.list_value_length(array)) for array in lists])
        owners = np.repeat(np.arange(len(counts)), counts)
        return Attributes(len(counts), owners, entries, dictionary, self._limit)

    def _protect(self, dictionary: AttributeDictionary) -> None:
        if self._protection is None:
            return
        changed: dict[int, Value] = {}
        protected = {key: self._protection.protect_key(key) for key in dictionary.names}
        for row in self._suspects(dictionary, self._protection):
            value = dictionary.value(row)
            safe = self._protection.protect_value(dictionary.key_name(row), value)
            if safe != value:
                changed[row] = safe
        log_cuts(sum(CUT_MARK in to_json({"": value}) for value in changed.values()), 0)
        dictionary.replace_values(changed)
        if any(key != kept for key, kept in protected.items()):
            dictionary.replace_keys({key: kept for key, kept in protected.items() if key != kept})

    @staticmethod
    def _suspects(dictionary: AttributeDictionary, protection: Protection) -> list[int]:
        """The attributes with a secret key, and those whose values may contain a secret."""
        secret = np.array([protection.is_secret_key(name) for name in dictionary.names], np.bool_)
        values = pc.coalesce(dictionary.text, pc.cast(dictionary.integer, pa.string()), dictionary.json)
        suspect = secret[dictionary.key]
        suspect[protection.find_suspects(values)] = True
        return np.flatnonzero(suspect).tolist()


def entry_of_owner(attributes: Attributes, wanted: Iterable[Mask]) -> Index:
    """Return, for each owner, the dictionary entry that it has in the first matching mask; -1 for none."""
    chosen = np.full(attributes.owners, -1, np.int64)
    for mask in reversed(list(wanted)):
        if mask.any():
            at = np.flatnonzero(mask[attributes.entry])
            chosen[attributes.owner[at]] = attributes.entry[at]
    return chosen


def _is_plain(serialized: pa.BinaryArray, keys: pa.StringArray, read: dict[str, pa.Array]) -> Mask:
    """Return a mask of the attributes with the shortest encoding, which is unambiguous.

    A repeated field, a second value or a missing key gives another length.
    """
    text = lengths(read["string_value"])
    integer = pc.fill_null(read["int_value"], 0)
    value = np.where(
        as_numpy(read["string_value"].is_valid()),
        _field(text),
        np.where(as_numpy(read["int_value"].is_valid()), 1 + _varint(as_numpy(integer).view(np.uint64)), 2),
    )
    scalar: Mask = np.logical_or.reduce([as_numpy(array.is_valid()) for array in read.values()])
    plain: Mask = scalar & (lengths(serialized) == _field(lengths(keys)) + _field(value))
    return plain


def _field(length: Index) -> Index:
    """Return the size in bytes of a length-delimited field with this content length."""
    return 1 + _varint(length.astype(np.uint64)) + length


def _varint(number: NDArray[np.uint64]) -> Index:
    return np.searchsorted(_VARINT_STEPS, number, side="right") + 1


def lengths(array: pa.Array) -> Index:
    """Return the byte lengths of texts, with one Arrow call instead of three; undefined for nulls."""
    _, offsets, _ = array.buffers()
    if not len(array):
        return np.zeros(0, np.int64)
    ends = np.frombuffer(offsets, np.int32, count=len(array) + 1, offset=4 * array.offset)
    return np.diff(ends).astype(np.int64)


def _only(kind: type[Scalar], value: Value) -> Scalar | None:
    """Return the value if it has this type, else None; a bool is not an int."""
    return value if isinstance(value, kind) and not isinstance(value, bool) else None


def replace(array: pa.Array, replacements: Mapping[int, object]) -> pa.Array:
    """Return an array with other values at some positions."""
    if not replacements:
        return array
    mask = np.zeros(len(array), np.bool_)
    positions = sorted(replacements)
    mask[positions] = True
    return pc.replace_with_mask(
        array, pa.array(mask), pa.array([replacements[at] for at in positions], array.type)
    )


def as_numpy(array: pa.Array) -> NDArray[Any]:
    """Return an Arrow array without nulls as a numpy array."""
    values: NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return values
