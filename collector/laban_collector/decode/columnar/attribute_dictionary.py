"""Attributes as they repeat: each distinct pair of a key and a value is read once, whoever it belongs to."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: its arrays are unknown to pyright wherever they are passed, and its kernels are made
# when it is imported.

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Self, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from laban_collector.decode.attributes import Value, to_json, values
from laban_collector.decode.columnar.arrow_messages import read_pairs
from laban_collector.decode.columnar.validation import are_attributes
from laban_collector.protect.limits import CUT
from laban_collector.protect.protection import Protection, say_what_was_cut

Index = NDArray[np.int64]
Mask = NDArray[np.bool_]
Scalar = TypeVar("Scalar", str, int)

_ESCAPED: Final = r'[\x00-\x1f"\\]'
"""What JSON cannot hold as it is."""
# Seven bits each: a number from this size on needs one byte more as a varint.
_VARINT_STEPS: Final = np.array([1 << bits for bits in range(7, 64, 7)], np.uint64)
# Above this many cells a table of owners by keys costs more than sorting.
_MAX_CELLS: Final = 1 << 24


class Pairs:
    """Distinct pairs of key and value.

    Attributes:
        key: which of `names` each one has.
        names: the distinct keys.
        text: the values that are strings (as `attributes.values` gives them), null for the others.
        integer: the values that are integers, null for the others.
        json: `"key":value` of each, as `to_json` writes it.
        protected: whether any value stands in the place of what must not be stored.
    """

    protected = False

    def __init__(self, raw: pa.BinaryArray, protection: Protection | None = None) -> None:
        self._raw = raw.to_pylist()
        if not are_attributes(self._raw):
            raise ValueError("Some attributes are no KeyValues.")
        keys, read = read_pairs(self._raw)
        plain = _is_plain(raw, keys, read)
        exact = {row: self._exact(row) for row in np.flatnonzero(~plain).tolist()}
        self._values = {row: value for row, (_, value) in exact.items()}
        self._keys = replace(keys, {row: key for row, (key, _) in exact.items()})
        self.text = replace(read["string_value"], {row: _only(str, it) for row, it in self._values.items()})
        self.integer = replace(read["int_value"], {row: _only(int, it) for row, it in self._values.items()})
        self._boolean = replace(read["bool_value"], dict.fromkeys(exact))
        distinct = self._keys.dictionary_encode()
        self.key: Index = as_numpy(distinct.indices).astype(np.int64)
        self.names: list[str] = distinct.dictionary.to_pylist()
        self.json = self._to_json()
        if protection is not None:
            self._protect(protection)

    def __len__(self) -> int:
        return len(self._raw)

    def value(self, pair: int) -> Value:
        """The value of any type."""
        return self._values[pair] if pair in self._values else self._exact(pair)[1]

    def named(self, name: str) -> Mask:
        """The pairs with this key."""
        if name not in self.names:
            return np.zeros(len(self), np.bool_)
        mask: Mask = self.key == self.names.index(name)
        return mask

    def _protect(self, protection: Protection) -> None:
        """Put in the place of what must not be stored what may be."""
        changed: dict[int, Value] = {}
        for row in protection.suspects(self.json).tolist():
            value = self.value(row)
            safe = protection.value(self._keys[row].as_py(), value)
            if safe != value:
                changed[row] = safe
        say_what_was_cut(sum(CUT in to_json({"": value}) for value in changed.values()), 0)
        self.protected = bool(changed)
        self._values |= changed
        self.text = replace(self.text, {row: _only(str, it) for row, it in changed.items()})
        self.json = replace(self.json, {row: self._member(row) for row in changed})

    def _to_json(self) -> pa.StringArray:
        quote, nothing = pa.scalar('"'), pa.scalar("")
        value = pc.coalesce(
            pc.binary_join_element_wise(quote, self.text, quote, nothing),
            pc.cast(self.integer, pa.string()),
            pc.cast(self._boolean, pa.string()),
        )
        members = pc.binary_join_element_wise(quote, self._keys, pa.scalar('":'), value, nothing)
        escaped = pc.fill_null(pc.match_substring_regex(self.text, _ESCAPED), fill_value=False)
        odd_names = np.array([re.search(_ESCAPED, name) is not None for name in self.names], np.bool_)
        slow = as_numpy(pc.or_(escaped, pc.is_null(value))) | odd_names[self.key]
        slow[list(self._values)] = True
        return replace(members, {row: self._member(row) for row in np.flatnonzero(slow).tolist()})

    def _member(self, pair: int) -> str:
        """The JSON of one, by the rules of `to_json`."""
        return to_json({self._keys[pair].as_py(): self.value(pair)})[1:-1]

    def _exact(self, pair: int) -> tuple[str, Value]:
        """One key and its value, by the protobuf library."""
        [exact] = values([KeyValue.FromString(self._raw[pair])]).items()
        return exact


class Objects(NamedTuple):
    """Attributes as JSON.

    Attributes:
        texts: an object of each owner, null for none.
        dropped: how many of each owner are over the limit, and left out.
    """

    texts: pa.StringArray
    dropped: Index

    def split(self, counts: Sequence[int]) -> list["Objects"]:
        """Those of so many owners each."""
        ends = np.cumsum(counts)
        return [
            Objects(self.texts.slice(end - count, count), self.dropped[end - count : end])
            for count, end in zip(counts, ends.tolist(), strict=True)
        ]


class Attributes:
    """The attributes of many owners: spans, events or links.

    Attributes:
        owners: how many there are.
        owner: of each attribute, in the order sent.
        pair: which of `pairs` each attribute is.
        pairs: the distinct ones.
    """

    def __init__(self, owners: int, owner: Index, pair: Index, pairs: Pairs, most: int | None) -> None:
        """Of more than `most` attributes of one owner the first are kept."""
        self._most = most
        self.owners = owners
        self.owner = owner
        self.pair = pair
        self.pairs = pairs

    def first(self, owners: int) -> Self:
        """Those of the first owners."""
        within = np.searchsorted(self.owner, owners)
        return type(self)(owners, self.owner[:within], self.pair[:within], self.pairs, self._most)

    def owners_with_repeated_keys(self) -> Index:
        """The owners that have a key twice, of which the last value counts."""
        keys = len(self.pairs.names)
        cells = self.owner * keys + self.pairs.key[self.pair]
        if self.owners * keys <= _MAX_CELLS:
            found = np.zeros(self.owners * keys, np.bool_)
            found[cells] = True
            if np.count_nonzero(found) == len(cells):
                return np.zeros(0, np.int64)
        distinct, counts = np.unique(cells, return_counts=True)
        return np.unique(distinct[counts > 1] // keys)

    def json(self, kept: Mask) -> Objects:
        """Of each owner its attributes that are `kept`, as a JSON object; null for none."""
        owner, pair = self.owner[kept], self.pair[kept]
        counts = np.bincount(owner, minlength=self.owners)
        dropped = np.zeros_like(counts)
        if self._most is not None and counts.max(initial=0) > self._most:
            first = np.repeat(np.cumsum(counts) - counts, counts)
            within = np.arange(len(owner)) - first < self._most
            pair, dropped = pair[within], np.maximum(counts - self._most, 0)
            counts = counts - dropped
            say_what_was_cut(0, int(dropped.sum()))
        offsets = np.zeros(self.owners + 1, np.int32)
        np.cumsum(counts, out=offsets[1:])
        members = pa.ListArray.from_arrays(
            pa.array(offsets), self.pairs.json.take(pa.array(pair)), mask=pa.array(counts == 0)
        )
        return Objects(pc.binary_join_element_wise("{", pc.binary_join(members, ","), "}", ""), dropped)


def read_attributes(lists: Sequence[pa.ListArray], protection: Protection | None = None) -> Attributes:
    """Lists of attributes, as `wire.read_spans` gives them: those of spans, events and links together.

    Raises:
        ValueError: some are no attributes, or `ptars` cannot read them.
    """
    encoded = pa.concat_arrays([array.flatten() for array in lists]).dictionary_encode()
    pairs = Pairs(encoded.dictionary, protection)
    codes: Index = as_numpy(encoded.indices).astype(np.int64)
    counts = np.concatenate([as_numpy(pc.list_value_length(array)) for array in lists])
    most = None if protection is None else protection.most_attributes
    return Attributes(len(counts), np.repeat(np.arange(len(counts)), counts), codes, pairs, most)


def pair_of_owner(attributes: Attributes, wanted: Iterable[Mask]) -> Index:
    """Of each owner the pair that it has among those wanted, -1 for none; earlier masks win."""
    chosen = np.full(attributes.owners, -1, np.int64)
    for mask in reversed(list(wanted)):
        if mask.any():
            at = np.flatnonzero(mask[attributes.pair])
            chosen[attributes.owner[at]] = attributes.pair[at]
    return chosen


def _is_plain(raw: pa.BinaryArray, keys: pa.StringArray, read: dict[str, pa.Array]) -> Mask:
    """The pairs that are written in the shortest way, so that there is one way to read them.

    A field that is written twice, or more than one value, or a key that is missing makes another length.
    """
    text = lengths(read["string_value"])
    integer = pc.fill_null(read["int_value"], 0)
    value = np.where(
        as_numpy(read["string_value"].is_valid()),
        _field(text),
        np.where(as_numpy(read["int_value"].is_valid()), 1 + _varint(as_numpy(integer).view(np.uint64)), 2),
    )
    scalar: Mask = np.logical_or.reduce([as_numpy(array.is_valid()) for array in read.values()])
    plain: Mask = scalar & (lengths(raw) == _field(lengths(keys)) + _field(value))
    return plain


def _field(length: Index) -> Index:
    """The bytes of a field with so many bytes in it."""
    return 1 + _varint(length.astype(np.uint64)) + length


def _varint(number: NDArray[np.uint64]) -> Index:
    return np.searchsorted(_VARINT_STEPS, number, side="right") + 1


def lengths(array: pa.Array) -> Index:
    """Bytes of texts, in one call of Arrow instead of three; of what is null any number, mostly 0."""
    _, offsets, _ = array.buffers()
    if not len(array):
        return np.zeros(0, np.int64)
    ends = np.frombuffer(offsets, np.int32, count=len(array) + 1, offset=4 * array.offset)
    return np.diff(ends).astype(np.int64)


def _only(kind: type[Scalar], value: Value) -> Scalar | None:
    """The value if it is of this type, else None; a bool is no int."""
    return value if isinstance(value, kind) and not isinstance(value, bool) else None


def replace(array: pa.Array, replacements: Mapping[int, object]) -> pa.Array:
    """An array with other values in some places."""
    if not replacements:
        return array
    mask = np.zeros(len(array), np.bool_)
    places = sorted(replacements)
    mask[places] = True
    return pc.replace_with_mask(
        array, pa.array(mask), pa.array([replacements[place] for place in places], array.type)
    )


def as_numpy(array: pa.Array) -> NDArray[Any]:
    """An Arrow array without nulls as numpy's."""
    values: NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return values
