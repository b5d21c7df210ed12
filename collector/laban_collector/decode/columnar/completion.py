"""Columns that follow from several attributes: each rule is applied once to each distinct combination.

The rules are those of `laban_collector.decode.promotion`.
"""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from laban.vocabulary import CLIENT, PRODUCER
from laban_collector.decode.columnar.attribute_dictionary import Index, Mask, as_numpy
from laban_collector.decode.columnar.candidates import Candidates
from laban_collector.decode.columnar.choice import Choice, distinct
from laban_collector.decode.dialects import destinations, hosts
from laban_collector.decode.dialects.methods import split_method
from laban_collector.decode.dialects.operations import normalize_operation, type_in_span_name
from laban_collector.decode.dialects.placements import (
    ADDRESS,
    DESTINATION,
    GROUP,
    METHOD,
    OPERATION,
    PORT,
    RPC,
    SERVICE,
    SLOTS,
    SYSTEM,
    URL,
)

Kinds = NDArray[np.uint8]
Changed = dict[int, Index]
"""By column (its position in SLOTS), the owners whose value is not the one sent."""

_SLOT: Final = {name: slot for slot, name in enumerate(SLOTS)}
_HINTS: Final = destinations.Sent._fields[5:]
_CHANGE_ALL: Final = ("published_to", "queue", "anonymous", "consumer_id")
"""Hints that may change a destination or a group that is known."""
_FEW: Final = 512
"""With more combinations, texts are compared: many attributes may be converted to the same text."""


def complete_peers(choice: Choice, candidates: Candidates, kinds: Kinds) -> None:
    """Take the host of a client's URL if nothing else names one, and the port in an address or a URL."""
    address, url = choice.of(_SLOT[ADDRESS]), choice.of(_SLOT[URL])
    ports = candidates.port[address]
    if choice.has(_SLOT[URL]):
        asking = np.flatnonzero((kinds == CLIENT) & (url >= 0) & _gives_way(address, candidates))
        if len(asking):
            _take_hosts(choice, candidates, asking, ports)
    owners = np.flatnonzero((ports > 0) & _gives_way(choice.of(_SLOT[PORT]), candidates))
    if len(owners):
        values, which = np.unique(ports[owners], return_inverse=True)
        numbers = np.array([candidates.add_integer(value) for value in values.tolist()], np.int64)
        choice.set(_SLOT[PORT], owners, numbers[which])


def _take_hosts(choice: Choice, candidates: Candidates, owners: Index, ports: Index) -> None:
    """Take the hosts of these owners' URLs; there are many URLs, and few hosts."""
    urls, which = np.unique(choice.of(_SLOT[URL])[owners], return_inverse=True)
    origins = pc.struct_field(pc.extract_regex(candidates.some_texts(urls), hosts.ORIGIN), "origin")
    encoded = origins.dictionary_encode()
    found = [hosts.host_of_url(text) for text in encoded.dictionary.to_pylist()]
    named = np.array([*(-1 if it is None else candidates.add_text(it.name) for it in found), -1], np.int64)
    ported = np.array([*(0 if it is None else it.port for it in found), 0], np.int64)
    of_url = as_numpy(pc.fill_null(encoded.indices, len(found))).astype(np.int64)[which]
    known = np.flatnonzero(named[of_url] >= 0)
    choice.set(_SLOT[ADDRESS], owners[known], named[of_url[known]])
    ports[owners[known]] = ported[of_url[known]]


def _gives_way(number: Index, candidates: Candidates) -> Mask:
    """Return a mask of the owners without a value, or with one from a socket only."""
    mask: Mask = (number < 0) | candidates.from_socket[number]
    return mask


def complete_methods(choice: Choice, candidates: Candidates) -> Changed:
    """Split full names of RPC methods into service and method."""
    owners = np.flatnonzero(candidates.notable[choice.of(_SLOT[METHOD])])
    if not len(owners):
        return {}
    combined = _Combinations(choice, candidates, owners, (RPC, SERVICE, METHOD))
    results = [split_method(*texts) for texts in combined.texts()]
    return combined.set(METHOD, [it.method for it in results]) | combined.set(
        SERVICE, [it.service for it in results]
    )


def complete_destinations(choice: Choice, candidates: Candidates, kinds: Kinds) -> Changed:
    """Resolve topics and groups, where their attributes alone do not tell them."""
    owners = _asking(choice, candidates)
    if not len(owners):
        return {}
    names = (SYSTEM, OPERATION, DESTINATION, GROUP, *_HINTS)
    combined = _Combinations(choice, candidates, owners, names, kinds[owners])
    of_kinds = kinds[owners[combined.first]].tolist()
    places = [
        destinations.resolve(destinations.Sent(kind, *texts))
        for kind, texts in zip(of_kinds, combined.texts(), strict=True)
    ]
    return combined.set(DESTINATION, [it.topic for it in places]) | combined.set(
        GROUP, [it.group for it in places]
    )


def complete_operations(
    choice: Choice, candidates: Candidates, kinds: Kinds, names: pa.StringArray
) -> Changed:
    """Normalize the messaging operations; without one, the name of the span may say it."""
    messaging = (choice.of(_SLOT[DESTINATION]) >= 0) | (choice.of(_SLOT[SYSTEM]) >= 0)
    owners = np.flatnonzero(messaging | (choice.of(_SLOT[OPERATION]) >= 0))
    if not len(owners):
        return {}
    messaging, of_kinds = messaging[owners], kinds[owners]
    words, said = _types_in_names(choice, of_kinds, names, owners)
    combined = _Combinations(choice, candidates, owners, (OPERATION,), of_kinds, messaging, said)
    results = [
        normalize_operation(sent, kind, messaging=known, name=words[word])
        for (sent,), kind, known, word in zip(
            combined.texts(),
            *(of_owner[combined.first].tolist() for of_owner in (of_kinds, messaging, said)),
            strict=True,
        )
    ]
    return combined.set(OPERATION, results)


def _types_in_names(
    choice: Choice, kinds: Kinds, names: pa.StringArray, owners: Index
) -> tuple[list[str], Index]:
    """Return operation types, and which of them the span names say if no attribute does; the last is none."""
    said = np.full(len(owners), -1, np.int64)
    asking = np.flatnonzero((choice.of(_SLOT[OPERATION])[owners] < 0) & (kinds != PRODUCER))
    if not len(asking):
        return [""], said
    encoded = names.take(pa.array(owners[asking])).dictionary_encode()
    types = [type_in_span_name(name) or "" for name in encoded.dictionary.to_pylist()]
    words = sorted(set(types) - {""})
    codes = np.array([words.index(word) if word else -1 for word in types], np.int64)
    said[asking] = codes[as_numpy(encoded.indices)]
    return [*words, ""], said


def _asking(choice: Choice, candidates: Candidates) -> Index:
    """Return the owners whose topic or group `resolve` may change."""
    destination, system = choice.of(_SLOT[DESTINATION]), choice.of(_SLOT[SYSTEM])
    asking = np.zeros(choice.owners, np.bool_)
    for name in _HINTS:
        if choice.has(_SLOT[name]):
            given = choice.of(_SLOT[name]) >= 0
            asking |= given if name in _CHANGE_ALL else given & (destination < 0)
    asking |= candidates.notable[destination] | candidates.notable[system]
    return np.flatnonzero(asking)


def _codes(texts: pa.StringArray) -> Index:
    """Return equal numbers for equal texts, -1 for null."""
    codes: Index = as_numpy(pc.fill_null(texts.dictionary_encode().indices, -1)).astype(np.int64)
    return codes


class _Combinations:
    """The distinct combinations of the texts in some columns, and of further numbers, of some owners.

    Attributes:
        first: the position in `owners` of one owner of each combination.
    """

    def __init__(
        self,
        choice: Choice,
        candidates: Candidates,
        owners: Index,
        columns: Sequence[str],
        *further: NDArray[Any],
    ) -> None:
        self._choice, self._candidates, self._owners = choice, candidates, owners
        numbers = [choice.of(_SLOT[column])[owners] for column in columns]
        others = [it.astype(np.int64) for it in further]
        self.first, self._which = distinct([*others, *numbers])
        if len(self.first) > _FEW:
            codes = [_codes(candidates.some_texts(number[self.first])) for number in numbers]
            first, which = distinct([*(it[self.first] for it in others), *codes])
            self.first, self._which = self.first[first], which[self._which]
        self._texts: dict[str, list[str | None]] = {
            column: candidates.some_texts(number[self.first]).to_pylist()
            for column, number in zip(columns, numbers, strict=True)
        }

    def texts(self) -> Iterator[tuple[Any, ...]]:
        """Return the texts of each combination."""
        return zip(*self._texts.values(), strict=True)

    def set(self, column: str, values: Sequence[str | None]) -> Changed:
        """Set a text for each combination; None leaves it as it is."""
        different = [
            value is not None and value != before
            for value, before in zip(values, self._texts[column], strict=True)
        ]
        at = np.flatnonzero(np.array(different, np.bool_)[self._which])
        if not len(at):
            return {}
        numbers = np.array([self._candidates.add_text(value or "") for value in values], np.int64)
        self._choice.set(_SLOT[column], self._owners[at], numbers[self._which[at]])
        return {_SLOT[column]: self._owners[at]}
