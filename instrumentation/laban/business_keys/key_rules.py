"""The rules, automatic and from LABAN_KEYS, that find business keys in routes, JSON and span attributes.

The automatic rules find route parameters and top-level JSON fields that are named like an ID (`order_id`,
`customerId`, `/orders/{id}`). LABAN_KEYS adds rules, which win over the automatic ones for the same key.
"""

import os
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from opentelemetry.trace import SpanKind

from laban import vocabulary
from laban.business_keys.keys import (
    KeyRule,
    Source,
    bounded,
    canonical_key,
    parse_rules,
    route_keys,
    route_parameters,
)
from laban.fail_open import fail_open

MAX_KEYS: Final = 16
"""Limit of business keys per trace; each key travels in the baggage of every call."""


class KeyRules:
    """The rules by source. Its `in_…` methods return {canonical key: value}."""

    def __init__(self, rules: Iterable[KeyRule] = ()) -> None:
        self._by_source: dict[Source, list[KeyRule]] = {}
        for rule in rules:
            self._by_source.setdefault(rule.source, []).append(rule)
        self._searched_kinds = self._kinds()
        self._named = frozenset(rule.key for found in self._by_source.values() for rule in found)

    def of(self, source: Source) -> list[KeyRule]:
        """The rules for this source."""
        return self._by_source.get(source, [])

    def is_business_key(self, name: str) -> bool:
        """Whether a baggage entry of this name is a business key."""
        return name in self._named or canonical_key(name) == name

    def searches(self, kind: SpanKind) -> bool:
        """Whether a span of this kind can have a key in its attributes."""
        return kind in self._searched_kinds

    def in_span(self, kind: SpanKind, attributes: Mapping[str, object]) -> dict[str, str]:
        """Keys in a span's initial attributes: its route, its message key, attributes that rules name."""
        found: dict[str, str] = {}
        if kind is SpanKind.SERVER:
            found = self._in_path(attributes)
        elif kind is SpanKind.PRODUCER or kind is SpanKind.CONSUMER:
            found = self._in_message_key(attributes)
        rules = self.of("attribute")
        return found | _picked(rules, attributes) if rules else found

    def _kinds(self) -> tuple[SpanKind, ...]:
        """A tuple, which compares by identity; a set would call Python code to hash its members."""
        if self.of("attribute"):
            return tuple(SpanKind)
        messages = (SpanKind.PRODUCER, SpanKind.CONSUMER) if self.of("kafka.key") else ()
        return (SpanKind.SERVER, *messages)

    def in_route(self, route: str, path: str) -> dict[str, str]:
        """Keys in the path of a request that matched this route."""
        found = route_keys(route, path)
        rules = self.of("route")
        return found | _picked(rules, route_parameters(route, path)) if rules else found

    def in_json(self, document: object) -> dict[str, str]:
        """Keys in a JSON body: top-level fields named like an ID, and the (dotted) fields that rules name."""
        if not isinstance(document, dict):
            return {}
        found = {key: value for name, value in _string_items(document) if (key := canonical_key(name))}
        for rule in self.of("json"):
            value = bounded(_field(document, rule.argument))
            if value:
                found[rule.key] = value
        return found

    def _in_path(self, attributes: Mapping[str, object]) -> dict[str, str]:
        route = attributes.get(vocabulary.HTTP_ROUTE)
        path = next((attributes[key] for key in vocabulary.URL_PATH_DIALECTS if key in attributes), None)
        return self.in_route(route, path) if isinstance(route, str) and isinstance(path, str) else {}

    def _in_message_key(self, attributes: Mapping[str, object]) -> dict[str, str]:
        rules = self.of("kafka.key")
        value = bounded(attributes.get(vocabulary.MESSAGING_KAFKA_MESSAGE_KEY)) if rules else None
        if not value:
            return {}
        topic = str(attributes.get(vocabulary.MESSAGING_DESTINATION_NAME))
        return {rule.key: value for rule in reversed(rules) if fnmatchcase(topic, rule.argument)}


@lru_cache(maxsize=1)
def configured_rules() -> KeyRules:
    """The rules of LABAN_KEYS, read once. If it is malformed, warns and uses the automatic rules only."""
    with fail_open("cannot use LABAN_KEYS"):
        return KeyRules(parse_rules(os.environ.get("LABAN_KEYS", "")))
    return KeyRules()


def _picked(rules: Iterable[KeyRule], values: Mapping[str, object]) -> dict[str, str]:
    """Values that rules find by name; if several rules find the same key, the first one wins."""
    found: dict[str, str] = {}
    for rule in rules:
        value = bounded(values.get(rule.argument))
        if value:
            found.setdefault(rule.key, value)
    return found


def _string_items(document: Mapping[object, object]) -> Iterable[tuple[str, str]]:
    for name, value in document.items():
        text = bounded(value)
        if isinstance(name, str) and text:
            yield name, text


def _field(document: object, path: str) -> object:
    """The value at a dotted path; a field whose name contains the dots wins."""
    if not isinstance(document, dict):
        return None
    if path in document:
        return document[path]
    head, dot, rest = path.partition(".")
    return _field(document.get(head), rest) if dot else None
