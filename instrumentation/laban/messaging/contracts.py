"""What a message is: its event type and the version of its schema.

Headers and the first bytes of the payload say it; the payload is not decoded. Sources: CloudEvents 1.0 (the
bindings for Kafka, AMQP and NATS, and the JSON format), and Confluent's wire format: the ID of the schema is
in front of the payload (magic byte 0), or a GUID is in a header (magic byte 1).
"""

from collections.abc import Mapping
from json.decoder import JSONDecoder
from typing import Final, cast

from laban import vocabulary
from laban.fail_open import report_failure
from laban.messaging.headers import Headers

MAX_LENGTH: Final = 256
"""In characters; a longer type or version is cut."""
WINDOW: Final = 2048
"""In bytes: how much of a JSON payload is looked at."""

_CLOUD_EVENT: Final = {
    "type": vocabulary.CLOUDEVENTS_EVENT_TYPE,
    "specversion": vocabulary.CLOUDEVENTS_EVENT_SPEC_VERSION,
    "id": vocabulary.CLOUDEVENTS_EVENT_ID,
    "source": vocabulary.CLOUDEVENTS_EVENT_SOURCE,
    "dataschema": vocabulary.LABAN_MESSAGE_SCHEMA_VERSION,
    "schemaurl": vocabulary.LABAN_MESSAGE_SCHEMA_VERSION,  # 0.3
}
_SPEC_VERSION: Final = "specversion"
_REQUIRED: Final = frozenset({_SPEC_VERSION, "type"})
_DATA: Final = frozenset({"data", "data_base64"})
"""Usually the last fields; they are not decoded once the required ones are known."""
_SPEC_VERSION_IN_JSON: Final = b'"specversion"'
_TYPES: Final = (
    *("event_type", "event-type", "eventType", "message_type", "message-type", "messageType"),
    "__TypeId__",  # Spring's JSON serializer: the name of a class
)
_VERSIONS: Final = (
    *("schema_version", "schema-version", "schemaVersion"),
    *("event_version", "event-version", "eventVersion"),
)
_CONTENT_TYPES: Final = ("content-type", "Content-Type", "contentType", "content_type")
_SCHEMA_ID: Final = "__value_schema_id"
_BINARY: Final = {
    prefix + name: attribute
    for prefix in ("ce_", "ce-", "cloudEvents:", "cloudEvents_")
    for name, attribute in _CLOUD_EVENT.items()
}
_HEADERS: Final = {
    **_BINARY,
    **dict.fromkeys(_TYPES, vocabulary.LABAN_MESSAGE_TYPE),
    **dict.fromkeys(_VERSIONS, vocabulary.LABAN_MESSAGE_SCHEMA_VERSION),
    **dict.fromkeys(_CONTENT_TYPES, vocabulary.LABAN_MESSAGE_CONTENT_TYPE),
    _SCHEMA_ID: vocabulary.LABAN_MESSAGE_SCHEMA_ID,
}
"""Header → attribute."""

_ID_LENGTH: Final = 5
_GUID_LENGTH: Final = 17
_HIGHEST_ID: Final = 2**24
"""Registries number their schemas one by one. A higher number is binary data that begins with 0."""
_NUMBER_LENGTH: Final = 8
"""A payload of 8 bytes is as likely a number of Kafka's own serializers, which often begins with 0."""
_DECODER: Final = JSONDecoder()


def contract_attributes(headers: Headers, payload: object) -> dict[str, str]:
    """The attributes that say what a message is; empty if it does not say so, or if reading fails.

    Args:
        headers: of the message; values that are neither text nor bytes are ignored.
        payload: bytes, text, or what the client's deserializer made of it.
    """
    try:
        found: dict[str, str] = {}
        for name, value in headers:
            attribute = _HEADERS.get(name)
            if attribute is not None and value:
                _add_header(found, name, attribute, value)
        _add_payload(found, payload)
        if vocabulary.CLOUDEVENTS_EVENT_TYPE in found:
            found.pop(vocabulary.LABAN_MESSAGE_TYPE, None)
    except Exception as error:  # noqa: BLE001 - like fail_open, but cheaper
        report_failure("cannot read what messages are", error)
        return {}
    return found


def _add_header(found: dict[str, str], name: str, attribute: str, value: bytes | str) -> None:
    if name == _SCHEMA_ID:
        text = _schema_id(value) if isinstance(value, bytes) else None
    else:
        text = value if isinstance(value, str) else bytes(value[:MAX_LENGTH]).decode("utf-8", "replace")
    if text:
        found[attribute] = text[:MAX_LENGTH]


def _add_payload(found: dict[str, str], payload: object) -> None:
    """Add what the first bytes say; headers are better."""
    if isinstance(payload, (bytes, bytearray, memoryview)):
        first = payload[:1]
        if first == b"\0":
            number = _id_before(payload)
            if number is not None:
                found.setdefault(vocabulary.LABAN_MESSAGE_SCHEMA_ID, number)
        elif first == b"{":
            _add_json(found, bytes(payload[:WINDOW]))
    elif isinstance(payload, str):
        if payload.startswith("{"):
            _add_json(found, payload[:WINDOW].encode("utf-8", "replace"))
    elif isinstance(payload, Mapping) and _SPEC_VERSION in payload:
        _add_fields(found, payload)


def _id_before(payload: bytes | bytearray | memoryview) -> str | None:
    """The ID of the schema in front of a payload, or None."""
    if len(payload) <= _ID_LENGTH or len(payload) == _NUMBER_LENGTH:
        return None
    return _number(bytes(payload[1:_ID_LENGTH]))


def _schema_id(value: bytes) -> str | None:
    """The ID or the GUID in a header; a Protobuf message has more bytes after it."""
    if len(value) >= _GUID_LENGTH and value[0] == 1:
        guid = value[1:_GUID_LENGTH].hex()
        return f"{guid[:8]}-{guid[8:12]}-{guid[12:16]}-{guid[16:20]}-{guid[20:]}"
    if len(value) >= _ID_LENGTH and value[0] == 0:
        return _number(value[1:_ID_LENGTH])
    return None


def _number(raw: bytes) -> str | None:
    number = int.from_bytes(raw, "big")
    return str(number) if 0 < number < _HIGHEST_ID else None


def _add_json(found: dict[str, str], beginning: bytes) -> None:
    """Add the fields of a CloudEvent in JSON, as far as its beginning has them."""
    if _SPEC_VERSION_IN_JSON in beginning:
        text = beginning.decode("utf-8", "ignore")
        fields = _fields(text) if len(beginning) >= WINDOW else _object(text)
        if _SPEC_VERSION in fields:  # and not only some object inside
            _add_fields(found, fields)


def _add_fields(found: dict[str, str], fields: Mapping[object, object]) -> None:
    for name, attribute in _CLOUD_EVENT.items():
        value = fields.get(name)
        if isinstance(value, str) and value:
            found.setdefault(attribute, value[:MAX_LENGTH])


def _object(text: str) -> Mapping[object, object]:
    """A JSON object that is short enough to be decoded as a whole; empty if it is none."""
    try:
        found: object = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[object, object]", found) if isinstance(found, dict) else {}


def _fields(text: str) -> dict[object, object]:
    """The fields of a JSON object whose end may be cut off; those that are complete."""
    fields: dict[object, object] = {}
    at = 1
    try:
        while True:
            name, at = _DECODER.raw_decode(text, _after_blanks(text, at))
            at = _after_blanks(text, at)
            if text[at] != ":" or (name in _DATA and fields.keys() >= _REQUIRED):
                return fields
            fields[name], at = _DECODER.raw_decode(text, _after_blanks(text, at + 1))
            at = _after_blanks(text, at)
            if text[at] != ",":
                return fields
            at += 1
    except (ValueError, IndexError, RecursionError):
        return fields


def _after_blanks(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at
