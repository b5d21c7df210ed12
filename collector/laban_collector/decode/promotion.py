"""Promotion of attributes to columns, from all dialects of the semantic conventions, span by span.

`laban.vocabulary` says which keys fill a column, and `decode.dialects` what their values mean.
`decode.columnar.promotion` applies the same rules to many spans.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from laban.vocabulary import CLIENT, PROMOTED
from laban_collector.batch.attributes import Value
from laban_collector.decode.dialects import destinations, hosts
from laban_collector.decode.dialects.methods import split_method
from laban_collector.decode.dialects.operations import normalize_operation
from laban_collector.decode.dialects.placements import (
    ADDRESS,
    CLIENT_ID,
    DESTINATION,
    FROM_SOCKETS,
    GROUP,
    KINDS,
    METHOD,
    NO_RANK,
    OPERATION,
    PLACEMENTS,
    PORT,
    RPC,
    SERVICE,
    SLOTS,
    SYSTEM,
    URL,
    Placement,
    convert,
    is_lossless,
)

Columns = dict[str, str | int]


class _Place(NamedTuple):
    """A place of a key on spans of one kind."""

    slot: str
    rank: int
    is_column: bool
    takes_text: bool
    """Whether any text fits, as it is."""
    placement: Placement


def _places(kind: int) -> dict[str, tuple[_Place, ...]]:
    """Return the places of each key on spans of this kind."""
    found = {
        key: tuple(
            _Place(
                SLOTS[it.slot],
                it.ranks[kind],
                is_column=it.slot < len(PROMOTED),
                takes_text=it.type == "text" and it.conversion is None,
                placement=it,
            )
            for it in placements
            if it.ranks[kind] != NO_RANK
        )
        for key, placements in PLACEMENTS.items()
    }
    return {key: places for key, places in found.items() if places}


_SILENT: Final = frozenset((URL, CLIENT_ID))
"""Hints that say nothing about a destination on their own."""
_BY_KIND: Final = [_places(kind) for kind in KINDS]


class _Found(NamedTuple):
    """What the attributes of one span say; of several spellings, the one with the lowest rank."""

    columns: Columns
    hints: dict[str, str | int]
    """The values that are only consulted."""
    origins: dict[str, tuple[str, _Place]]
    """The key of each value, and its place."""


def promote(
    attributes: Mapping[str, Value], kind: int, name: str = ""
) -> tuple[Columns, Mapping[str, Value]]:
    """Return the promoted values by column, and the attributes that remain.

    If several spellings of a key are present, the first that fits its column wins. No information is lost: an
    attribute is removed only if the column alone gives back the same key and value. Dialect spellings,
    converted values and values that do not fit remain attributes.

    Args:
        attributes: of one span, by key.
        kind: the OTLP SpanKind. It overrides the operation, and decides which address is the peer's.
        name: of the span, which may say the messaging operation.
    """
    found = _find(attributes, kind)
    columns = found.columns
    if found.origins:
        _complete_peer(found, attributes, kind)
        _complete_method(columns)
        _complete_destination(found, kind)
        _complete_operation(columns, kind, name)
    removed = {
        key
        for slot, (key, place) in found.origins.items()
        if place.placement.restores and is_lossless(columns[slot], key, attributes[key])
    }
    return columns, {
        key: value for key, value in attributes.items() if key not in removed
    } if removed else attributes


def _find(attributes: Mapping[str, Value], kind: int) -> _Found:
    found = _Found({}, {}, {})
    columns, hints, origins = found
    places_of = _BY_KIND[kind]
    for key, value in attributes.items():
        places = places_of.get(key)
        if places is None:
            continue
        for place in places:
            slot, rank, is_column, takes_text, placement = place
            if slot in origins and origins[slot][1].rank <= rank:
                continue
            fitted = value if takes_text and value and isinstance(value, str) else convert(value, placement)
            if fitted is not None:
                (columns if is_column else hints)[slot] = fitted
                origins[slot] = key, place
    return found


def _complete_peer(found: _Found, attributes: Mapping[str, Value], kind: int) -> None:
    """Take the host of a client's URL if nothing else names one, and the port in an address or a URL."""
    columns, hints, origins = found
    port = 0
    url = hints.get(URL) if kind == CLIENT and _gives_way(found, ADDRESS) else None
    host = None if url is None else hosts.host_of_url(str(url))
    if host is not None:
        columns[ADDRESS], port = host
    elif ADDRESS in columns:
        key, place = origins[ADDRESS]
        conversion = place.placement.conversion
        if columns[ADDRESS] != attributes[key] and conversion is not None and conversion.port is not None:
            port = conversion.port(str(attributes[key]))
    if port and _gives_way(found, PORT):
        columns[PORT] = port


def _gives_way(found: _Found, column: str) -> bool:
    origin = found.origins.get(column)
    return origin is None or origin[0] in FROM_SOCKETS[column]


def _complete_method(columns: Columns) -> None:
    method = columns.get(METHOD)
    if method is not None:
        split = split_method(_text(columns.get(RPC)), _text(columns.get(SERVICE)), str(method))
        columns[METHOD] = split.method
        if split.service is not None:
            columns[SERVICE] = split.service


def _complete_destination(found: _Found, kind: int) -> None:
    columns, hints, _ = found
    system, destination = _text(columns.get(SYSTEM)), _text(columns.get(DESTINATION))
    if hints.keys() <= _SILENT and not destinations.is_notable(system, destination):
        return
    texts = {slot: str(value) for slot, value in hints.items() if slot != URL}
    operation, group = _text(columns.get(OPERATION)), _text(columns.get(GROUP))
    place = destinations.resolve(destinations.Sent(kind, system, operation, destination, group, **texts))
    for column, value in ((DESTINATION, place.topic), (GROUP, place.group)):
        if value is not None:
            columns[column] = value


def _complete_operation(columns: Columns, kind: int, name: str) -> None:
    sent = _text(columns.get(OPERATION))
    operation = normalize_operation(
        sent, kind, messaging=DESTINATION in columns or SYSTEM in columns, name=name
    )
    if operation is not None:
        columns[OPERATION] = operation


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)
