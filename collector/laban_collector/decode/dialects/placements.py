"""Which attributes fill which columns, on spans of which kind, and how their values are converted."""

import re
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

from laban.vocabulary import (
    CLOUDEVENTS_EVENT_TYPE,
    CONSULTED,
    CONSULTED_CLIENT_ID,
    CONSULTED_URL,
    DB_CONNECTION_STRING,
    DB_SYSTEM,
    LISTS_OF_TYPES,
    MESSAGING_CONSUMER_GROUP_NAME,
    MESSAGING_DESTINATION_NAME,
    MESSAGING_DESTINATION_PARTITION_ID,
    MESSAGING_OPERATION_TYPE,
    MESSAGING_SYSTEM,
    NAMES_OF_CALLERS,
    OPERATION_NAMES,
    PEER_SERVICE,
    PROMOTED,
    RPC_METHOD,
    RPC_SERVICE,
    RPC_SYSTEM_NAME,
    SERVER_ADDRESS,
    SERVER_PORT,
    SOCKET_ADDRESSES,
    SOCKET_PORTS,
    TAG_COMPONENT,
)
from laban_collector.batch.attributes import Value
from laban_collector.decode.dialects import destinations, hosts, methods, operations, systems

KINDS: Final = range(6)
"""OTLP SpanKinds."""
NO_RANK: Final = -1
INTEGERS_AS_TEXT: Final = frozenset({MESSAGING_DESTINATION_PARTITION_ID})
"""Keys whose integers the conventions define as strings. Other integer columns are integers on the wire."""
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_INT64: Final = range(-(2**63), 2**63)
_TRUE: Final = "true"

_COLUMN: Final = {promoted.keys[0]: promoted.column for promoted in PROMOTED}
OPERATION: Final = _COLUMN[MESSAGING_OPERATION_TYPE]
DESTINATION: Final = _COLUMN[MESSAGING_DESTINATION_NAME]
GROUP: Final = _COLUMN[MESSAGING_CONSUMER_GROUP_NAME]
SYSTEM: Final = _COLUMN[MESSAGING_SYSTEM]
ADDRESS: Final = _COLUMN[SERVER_ADDRESS]
PORT: Final = _COLUMN[SERVER_PORT]
CALLER: Final = _COLUMN[PEER_SERVICE]
DATABASE: Final = _COLUMN[DB_SYSTEM]
RPC: Final = _COLUMN[RPC_SYSTEM_NAME]
SERVICE: Final = _COLUMN[RPC_SERVICE]
METHOD: Final = _COLUMN[RPC_METHOD]
MESSAGE_TYPE: Final = _COLUMN[CLOUDEVENTS_EVENT_TYPE]
URL: Final = CONSULTED_URL
CLIENT_ID: Final = CONSULTED_CLIENT_ID
SLOTS: Final = (*_COLUMN.values(), *(consulted.name for consulted in CONSULTED))
"""The promoted columns, and the attributes that are only consulted."""


class Conversion(NamedTuple):
    """How a text is converted for its column.

    Attributes:
        convert: returns the value for the column, or None if it does not fit.
        unusual: a pattern for RE2: other values stay as they are. Most do, and skip `convert`. None for all.
        refused: a pattern for RE2: values that match do not fit.
        same: a pattern for RE2, and the text to which all values that match are converted.
        port: returns the port in an address, 0 for none.
        notable: a pattern for RE2 and `re`: a rule about several attributes may change values that match.
    """

    convert: Callable[[str], str | None]
    unusual: str | None = None
    refused: str | None = None
    same: tuple[str, str] | None = None
    port: Callable[[str], int] | None = None
    notable: str | None = None


class Placement(NamedTuple):
    """The place of one key: a column, or an attribute that is consulted.

    Attributes:
        slot: the position in SLOTS.
        ranks: of its spelling, by OTLP SpanKind: the lowest wins; NO_RANK on spans without this place.
        type: of the value.
        conversion: of texts, after those that are empty are refused; None for none.
        restores: whether the value of the column gives back the key.
    """

    slot: int
    ranks: tuple[int, ...]
    type: Literal["text", "integer", "flag"]
    conversion: Conversion | None
    restores: bool


def _first_type(text: str) -> str | None:
    """Return the first type of a list. A type of .NET may name its assembly and its version after a comma."""
    return re.split("[,;]", text, maxsplit=1)[0].strip() or None


_HOST: Final = Conversion(hosts.host_name, hosts.UNUSUAL, port=hosts.port)
_CONNECTED_HOST: Final = Conversion(hosts.name_in_connection, port=hosts.port_in_connection)
_CALLER: Final = Conversion(hosts.caller_name, refused=hosts.ONLY_NUMBERS)
_CONVERSIONS: Final[Mapping[str, Conversion]] = {
    ADDRESS: _HOST,
    DESTINATION: Conversion(
        destinations.name,
        destinations.UNUSUAL,
        same=(f"^(?:{destinations.MADE_NAMES})", destinations.TEMPORARY),
        notable=destinations.COMPOUND,
    ),
    SYSTEM: Conversion(systems.broker, notable=destinations.SUBSCRIBED),
    METHOD: Conversion(str, unusual=methods.FULL, notable=methods.FULL),
    DATABASE: Conversion(systems.database),
    RPC: Conversion(systems.rpc),
}
"""By column."""
_CONVERSIONS_OF_KEYS: Final[Mapping[tuple[str, str], Conversion]] = {
    (ADDRESS, DB_CONNECTION_STRING): _CONNECTED_HOST,
    (SYSTEM, TAG_COMPONENT): Conversion(systems.broker_of_component),
    (RPC, TAG_COMPONENT): Conversion(systems.rpc_of_component),
    **{(CALLER, key): _CALLER for key in NAMES_OF_CALLERS},
    **{(OPERATION, key): Conversion(operations.known_type) for key in OPERATION_NAMES},
    **{(MESSAGE_TYPE, key): Conversion(_first_type) for key in LISTS_OF_TYPES},
}
"""By column and key, where a key needs another conversion than its column."""


def _ranks(keys_on: Callable[[int], tuple[str, ...]], key: str) -> tuple[int, ...]:
    return tuple(keys.index(key) if key in keys else NO_RANK for keys in (keys_on(kind) for kind in KINDS))


def _placements() -> dict[str, tuple[Placement, ...]]:
    found: dict[str, list[Placement]] = {}
    for slot, promoted in enumerate(PROMOTED):
        for key in promoted.every_key:
            conversion = _CONVERSIONS_OF_KEYS.get((promoted.column, key), _CONVERSIONS.get(promoted.column))
            found.setdefault(key, []).append(
                Placement(
                    slot,
                    _ranks(promoted.keys_on, key),
                    promoted.type,
                    conversion,
                    restores=key == promoted.keys[0],
                )
            )
    for slot, consulted in enumerate(CONSULTED, len(PROMOTED)):
        for rank, key in enumerate(consulted.keys):
            ranks = (rank,) * len(KINDS)
            found.setdefault(key, []).append(Placement(slot, ranks, consulted.type, None, restores=False))
    return {key: tuple(placements) for key, placements in found.items()}


PLACEMENTS: Final = _placements()
"""The places of each key. A key that restores a column has that one first."""
FROM_SOCKETS: Final = {ADDRESS: frozenset(SOCKET_ADDRESSES), PORT: frozenset(SOCKET_PORTS)}
"""Keys that give way to the host and the port in a name or a URL."""


def convert(value: Value, placement: Placement) -> str | int | None:
    """Return the value in the type of its place, or None if it does not fit."""
    if placement.type == "flag":
        return _TRUE if value is True or value == _TRUE else None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    if placement.type == "text":
        text, conversion = str(value), placement.conversion
        return (text if conversion is None else conversion.convert(text)) or None
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value):
            return None
        value = int(value)
    return value if value in _INT64 else None


def is_lossless(column: str | int, key: str, sent: Value) -> bool:
    """Whether the value of the column gives back the value sent under this key."""
    restored = str(column) if key in INTEGERS_AS_TEXT else column
    return type(sent) is type(restored) and sent == restored
