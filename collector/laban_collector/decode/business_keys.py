"""Business keys of spans: the ids by which "order 123" finds its traces.

Without rules, keys come from attributes that are named like ids (`order.id`, `order_id`, `app.orderId`), from
route parameters (`/orders/{order_id}`) and from Kafka message keys. Rules (LABAN_KEYS) add more. Attributes
of a span's resource, scope, events and links count like its own.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from laban.business_keys.keys import (
    KeyRule,
    attribute_values,
    bounded,
    canonical_key,
    parameter_key,
    parameter_names,
    route_keys,
    route_parameters,
)
from laban.vocabulary import (
    KAFKA_KEY_CORRELATION,
    PLATFORM_NAMESPACES,
    RPC_MESSAGE_ID,
    URL_FULL_DIALECTS,
    URL_PATH_DIALECTS,
    URL_TEMPLATE,
)

_ROUTES: Final = 1024
"""Routes whose keys are cached."""
_ORIGINS: Final = 8192
"""Resources and scopes whose keys are cached. They are few, and every request repeats them."""

Correlation = tuple[str, str]
"""Canonical key and value: ("order.id", "123")."""


class KeyFinder:
    """Finds the business keys of spans by the default rules and the configured ones."""

    def __init__(self, rules: Iterable[KeyRule] = ()) -> None:
        rules = tuple(rules)
        self._route_rules = [rule for rule in rules if rule.source == "route"]
        self._attribute_rules = [rule for rule in rules if rule.source == "attribute"]
        self._kafka_rules = [rule for rule in rules if rule.source == "kafka.key"]
        self.parameter_keys = lru_cache(_ROUTES)(self._parameter_keys)
        self.of_origin = lru_cache(_ORIGINS)(self._of_origin)
        self._origin_keys = lru_cache(_ORIGINS)(self._keys_of_origin)

    def find(
        self,
        attributes: Mapping[str, object],
        *,
        route: str | None = None,
        topic: str | None = None,
        message_key: str | None = None,
    ) -> set[Correlation]:
        """Return the correlations of one span, without those of its resource, scope, events and links.

        Args:
            attributes: the attributes of the span.
            route: its `http.route`, or the client's URL template.
            topic: its Kafka topic.
            message_key: its Kafka message key.
        """
        found = set(_correlations(attributes, self.attribute_keys))
        template = route or attributes.get(URL_TEMPLATE)
        path = _path(attributes) if isinstance(template, str) and template else None
        if isinstance(template, str) and path is not None:
            found.update(self.in_route(template, path))
        value = bounded(message_key)
        if value is not None:
            found.update((key, value) for key in self.kafka_keys(topic or ""))
        return found

    def of_children(self, attributes: Iterable[str | None]) -> Iterator[Correlation]:
        """Yield the correlations in the attributes of events and links, as JSON objects."""
        for text in attributes:
            if text is not None:
                yield from _correlations(json.loads(text), self.child_keys)

    def _of_origin(self, attributes: str) -> tuple[Correlation, ...]:
        """Return the correlations in the attributes of a resource or a scope, as a JSON object."""
        return tuple(dict.fromkeys(_correlations(json.loads(attributes), self._origin_keys)))

    def attribute_keys(self, name: str) -> list[str]:
        """Return the business keys for the name of an attribute of a span."""
        key = canonical_key(name)
        named = self._named(name)
        return named if key is None else [key, *named]

    def child_keys(self, name: str) -> list[str]:
        """Return the business keys for the name of an attribute of an event or a link."""
        return self._named(name) if name == RPC_MESSAGE_ID else self.attribute_keys(name)

    def _keys_of_origin(self, name: str) -> list[str]:
        """Return the business keys for the name of an attribute of a resource or a scope."""
        technical = name.partition(".")[0] in PLATFORM_NAMESPACES
        return self._named(name) if technical else self.attribute_keys(name)

    def _named(self, name: str) -> list[str]:
        return [rule.key for rule in self._attribute_rules if rule.argument == name]

    def in_route(self, template: str, path: str) -> Iterator[Correlation]:
        """Yield the business keys in a path that a route matched."""
        yield from route_keys(template, path).items()
        if not self._route_rules:
            return
        parameters = route_parameters(template, path)
        for rule in self._route_rules:
            value = bounded(parameters.get(rule.argument))
            if value is not None:
                yield rule.key, value

    def _parameter_keys(self, template: str) -> list[tuple[str, str]]:
        """Return (parameter, business key) for each parameter of a route that is a key, in their order."""
        names = parameter_names(template)
        found = [(name, key) for name in names if (key := parameter_key(template, name)) is not None]
        return found + [(rule.argument, rule.key) for rule in self._route_rules if rule.argument in names]

    def kafka_keys(self, topic: str) -> list[str]:
        """Return the business keys for message keys of this topic."""
        named = [rule.key for rule in self._kafka_rules if fnmatchcase(topic, rule.argument)]
        return named or [KAFKA_KEY_CORRELATION]


def _correlations(
    attributes: Mapping[str, object], keys_of: Callable[[str], list[str]]
) -> Iterator[Correlation]:
    for name, sent in attributes.items():
        for key in keys_of(name):
            for value in attribute_values(sent):
                yield key, value


def _path(attributes: Mapping[str, object]) -> str | None:
    """Return the path of the request, from the first attribute that contains it."""
    for name in URL_PATH_DIALECTS:
        value = attributes.get(name)
        if isinstance(value, str) and value:
            return value
    for name in URL_FULL_DIALECTS:
        value = attributes.get(name)
        if isinstance(value, str) and value:
            return url_path(value)
    return None


def url_path(url: str) -> str | None:
    """Return the path of a URL, or None if it has none."""
    try:
        return urlsplit(url).path or None
    except ValueError:  # a malformed URL has no path to match
        return None
