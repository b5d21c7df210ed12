"""Nested JSON objects as flat attributes."""

from laban_collector.batch.attributes import Value, representable
from laban_collector.decode.json_documents import JsonObject


def flattened(sent: JsonObject, prefix: str = "") -> dict[str, Value]:
    """Return the values in an object; the keys of objects in it are joined with dots."""
    found: dict[str, Value] = {}
    waiting = _pairs(sent, prefix)
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict) and value:
            waiting += _pairs(value, f"{key}.")
        elif value is not None:
            found[key] = representable(value)
    return found


def _pairs(sent: JsonObject, prefix: str) -> list[tuple[str, object]]:
    """Return the pairs of an object, the first one last."""
    return [(f"{prefix}{key}", value) for key, value in reversed(list(sent.items()))]
