"""Candidates for columns: each distinct attribute in each place that its key has, converted once."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laban_collector.decode.columnar.attribute_dictionary import (
    AttributeDictionary,
    Attributes,
    Index,
    Mask,
    as_numpy,
    replace,
)
from laban_collector.decode.dialects.placements import (
    FROM_SOCKETS,
    INTEGERS_AS_TEXT,
    KINDS,
    PLACEMENTS,
    SLOTS,
    Conversion,
    Placement,
    convert,
    is_lossless,
)

_FEW: Final = 512
"""So many values are converted sooner than searched for unusual ones."""

_ALL: Final = [(key, placement) for key, placements in PLACEMENTS.items() for placement in placements]
_NOWHERE: Final = Placement(0, (0,) * len(KINDS), "flag", None, restores=False)
_NO_PLACE: Final = [-1]
_NUMBERED: Final = [*(placement for _, placement in _ALL), _NOWHERE]
"""All placements by number; the last one, -1, is that of other keys."""


def _mask(*known: bool) -> Mask:
    return np.array([*known, False], np.bool_)


def _numbers() -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = {}
    for number, (key, _) in enumerate(_ALL):
        numbers.setdefault(key, []).append(number)
    return numbers


NUMBERS: Final = _numbers()
"""The numbers of the placements of each key."""
SLOT: Final[Index] = np.array([placement.slot for placement in _NUMBERED])
RANKS: Final[Index] = np.array([placement.ranks for placement in _NUMBERED])
_VARYING: Final = {placement.slot for _, placement in _ALL if len(set(placement.ranks)) > 1}
VARIES: Final = _mask(*(placement.slot in _VARYING for _, placement in _ALL))
"""Whether ranks in this slot depend on the kind of the span."""
_FROM_SOCKET: Final = _mask(*(key in FROM_SOCKETS.get(SLOTS[placement.slot], ()) for key, placement in _ALL))
_IS_TEXT: Final = _mask(*(placement.type == "text" for _, placement in _ALL))
_IS_INTEGER: Final = _mask(*(placement.type == "integer" for _, placement in _ALL))
_CONVERSIONS: Final = [placement.conversion or Conversion(str) for placement in _NUMBERED]
_NOTABLE: Final = [None if it.notable is None else re.compile(it.notable) for it in _CONVERSIONS]
_CONVERTS: Final = _mask(*(placement.conversion is not None for _, placement in _ALL))
_RESTORES: Final = _mask(*(placement.restores and key not in INTEGERS_AS_TEXT for key, placement in _ALL))


class Candidates:
    """The candidates of distinct attributes, and the values that rules add to them.

    A candidate has a number: that of its attribute in the first place of its key, and higher numbers for
    further places and added values.

    Attributes:
        placement: the number of its placement, -1 for none.
        fits: a mask of the candidates whose value fits their place.
        lossless: of each attribute, whether the first place of its key alone gives it back as sent.
        port: the port in an address, 0 for none. Like the masks after it, it has one more item, for -1.
        notable: a mask of the candidates whose value a rule about several attributes may change.
        from_socket: a mask of the candidates whose key gives way to the host in a name or a URL.
    """

    def __init__(self, entries: AttributeDictionary) -> None:
        first = np.array([NUMBERS.get(name, _NO_PLACE)[0] for name in entries.names], np.int64)
        self._entries = entries
        self._source, further = _further_places(entries)
        self.placement: Index = first[entries.key]
        self._texts, self._integers = entries.text, entries.integer
        if len(further):
            self.placement = np.concatenate([self.placement, further])
            self._texts = pa.concat_arrays([self._texts, self._texts.take(pa.array(self._source))])
        self._added_texts: dict[str, int] = {}
        self._added_integers: dict[int, int] = {}
        self.port: Index = np.zeros(len(self.placement) + 1, np.int64)
        self.notable: Mask = np.zeros(len(self.placement) + 1, np.bool_)
        self.from_socket: Mask = np.append(_FROM_SOCKET[self.placement], False)
        is_text = as_numpy(pc.fill_null(pc.not_equal(self._texts, ""), fill_value=False))
        self.fits: Mask = _IS_TEXT[self.placement] & is_text
        # Further places are for texts.
        self.fits[: len(entries)] |= _IS_INTEGER[first[entries.key]] & as_numpy(self._integers.is_valid())
        unfit = np.flatnonzero((self.placement >= 0) & ~self.fits)
        self.lossless: Mask = (self.fits & _RESTORES[self.placement])[: len(entries)]
        self._convert_texts()
        self._convert_others(unfit)
        self._all_texts = self._texts

    def of(self, attributes: Attributes, mask: Mask) -> tuple[Index, Index]:
        """Return those candidates of all attributes that are in a mask, and their owners."""
        entry, count = attributes.entry, len(self._entries)
        having = np.flatnonzero(mask[entry])
        owners, candidates = [attributes.owner[having]], [entry[having]]
        further = np.flatnonzero(mask[count:])
        while len(further):
            of_entry = np.full(count, -1, np.int64)
            of_entry[self._source[further]] = further  # of several for an attribute, the last one
            candidate = of_entry[entry]
            having = np.flatnonzero(candidate >= 0)
            owners.append(attributes.owner[having])
            candidates.append(candidate[having] + count)
            further = further[of_entry[self._source[further]] != further]
        if len(owners) == 1:
            return owners[0], candidates[0]
        return np.concatenate(owners), np.concatenate(candidates)

    def some_texts(self, numbers: Index) -> pa.StringArray:
        """Return the texts with these numbers, null for -1."""
        return self.texts().take(pa.array(numbers, mask=numbers < 0))

    def add_text(self, value: str) -> int:
        """Return the number of a text that a rule has found."""
        return self._added_texts.setdefault(value, len(self._texts) + len(self._added_texts))

    def add_integer(self, value: int) -> int:
        """Return the number of an integer that a rule has found."""
        return self._added_integers.setdefault(value, len(self._integers) + len(self._added_integers))

    def texts(self) -> pa.StringArray:
        """Return all texts by number."""
        if len(self._all_texts) < len(self._texts) + len(self._added_texts):
            self._all_texts = pa.concat_arrays([self._texts, pa.array(self._added_texts, pa.string())])
        return self._all_texts

    def integers(self) -> pa.Int64Array:
        """Return all integers by number."""
        return pa.concat_arrays([self._integers, pa.array(self._added_integers, pa.int64())])

    def _convert_texts(self) -> None:
        """Convert the texts that need it; each distinct value once."""
        rows = self._unusual(np.flatnonzero(self.fits & _CONVERTS[self.placement]))
        changed: dict[int, str | None] = {}
        sent = self._texts.take(pa.array(rows)).to_pylist()
        for row, text, number in zip(rows.tolist(), sent, self.placement[rows].tolist(), strict=True):
            convert_text, port_in = _CONVERSIONS[number].convert, _CONVERSIONS[number].port
            value = convert_text(text) or None
            if value != text:
                changed[row] = value
                if port_in is not None:
                    self.port[row] = port_in(text)
            if value is not None and (notable := _NOTABLE[number]) is not None and notable.search(value):
                self.notable[row] = True
        if changed:
            self.fits[[row for row, value in changed.items() if value is None]] = False
            self.lossless[[row for row in changed if row < len(self.lossless)]] = False
            self._texts = replace(self._texts, changed)

    def _unusual(self, rows: Index) -> Index:
        """Return those of these candidates that a conversion may change, and mark those that do not fit."""
        if len(rows) <= _FEW:
            return rows
        found = [np.zeros(0, np.int64)]
        for number in np.unique(self.placement[rows]).tolist():
            conversion = _CONVERSIONS[number]
            these = rows[self.placement[rows] == number]
            if conversion.refused is not None:
                refused = self._matches(these, conversion.refused)
                self.fits[these[refused]] = False
                these = these[~refused]
            if conversion.same is not None:
                these = self._convert_same(these, *conversion.same)
            if conversion.notable is not None:
                self.notable[these] = self._matches(these, conversion.notable)
            if conversion.unusual is not None:
                these = these[self._matches(these, conversion.unusual)]
            found.append(these)
        return np.concatenate(found)

    def _convert_same(self, rows: Index, pattern: str, value: str) -> Index:
        """Convert those of these candidates that match to the same text, and return the others."""
        matching = self._matches(rows, pattern)
        mask = np.zeros(len(self.placement), np.bool_)
        mask[rows[matching]] = True
        self._texts = pc.if_else(pa.array(mask), value, self._texts)
        self.lossless &= ~mask[: len(self.lossless)]
        self.notable[:-1] |= mask
        return rows[~matching]

    def _matches(self, rows: Index, pattern: str) -> Mask:
        matches: Mask = as_numpy(pc.match_substring_regex(self._texts.take(pa.array(rows)), pattern))
        return matches

    def _convert_others(self, rows: Index) -> None:
        """Convert values that are not of their column's type, one by one; few fit."""
        texts: dict[int, str] = {}
        integers: dict[int, int] = {}
        for row in rows.tolist():
            entry = row if row < len(self._entries) else int(self._source[row - len(self._entries)])
            placement = _NUMBERED[self.placement[row]]
            sent = self._entries.value(entry)
            value = convert(sent, placement)
            if value is None:
                continue
            self.fits[row] = True
            if isinstance(value, str):
                texts[row] = value
            else:
                integers[row] = value
            if placement.restores:
                self.lossless[row] = is_lossless(value, self._entries.key_name(entry), sent)
        self._texts = replace(self._texts, texts)
        self._integers = replace(self._integers, integers)


def _further_places(entries: AttributeDictionary) -> tuple[Index, Index]:
    """Return the attributes whose keys have further places, and these."""
    sources, placements = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for at, name in enumerate(entries.names):
        for number in NUMBERS.get(name, _NO_PLACE)[1:]:
            rows = np.flatnonzero(entries.key == at)
            sources.append(rows)
            placements.append(np.full(len(rows), number))
    return np.concatenate(sources), np.concatenate(placements)
