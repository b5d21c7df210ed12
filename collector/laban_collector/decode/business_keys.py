"""Business keys on spans: what makes "order 123" find its traces, whoever instrumented the services.

With no rules: attributes that are named like an id of something (`order.id`, `order_id`, `app.orderId`), the
parameters of routes (`/orders/{order_id}`), and Kafka message keys. Rules (LABAN_KEYS) add to that.
"""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from laban.business_keys.keys import (
    KeyRule,
    bounded,
    canonical_key,
    parameter_key,
    route_keys,
    route_parameters,
    template_pattern,
)
from laban.vocabulary import KAFKA_KEY_CORRELATION, URL_FULL_DIALECTS, URL_PATH_DIALECTS, URL_TEMPLATE

_ROUTES: Final = 1024
"""Whose keys are remembered."""

Correlation = tuple[str, str]
"""Canonical key and value: ("order.id", "123")."""


class KeyFinder:
    """Finds the business keys of one span after the other."""

    def __init__(self, rules: Iterable[KeyRule] = ()) -> None:
        rules = tuple(rules)
        self._route_rules = [rule for rule in rules if rule.source == "route"]
        self._attribute_rules = [rule for rule in rules if rule.source == "attribute"]
        self._kafka_rules = [rule for rule in rules if rule.source == "kafka.key"]
        self.parameter_keys = lru_cache(_ROUTES)(self._parameter_keys)

    def find(
        self,
        attributes: Mapping[str, object],
        *,
        route: str | None = None,
        topic: str | None = None,
        message_key: str | None = None,
    ) -> set[Correlation]:
        """The correlations of one span.

        Args:
            attributes: all that have no column.
            route: its `http.route`, or what the client knows of it.
            topic: the Kafka topic it is about.
            message_key: the Kafka message key.
        """
        found = {
            (key, value) for key, sent in self._candidates(attributes) if (value := bounded(sent)) is not None
        }
        template = route or attributes.get(URL_TEMPLATE)
        path = _path(attributes) if isinstance(template, str) and template else None
        if isinstance(template, str) and path is not None:
            found.update(self.in_route(template, path))
        value = bounded(message_key)
        if value is not None:
            found.update((key, value) for key in self.kafka_keys(topic or ""))
        return found

    def attribute_keys(self, name: str) -> list[str]:
        """The business keys that an attribute of this name holds."""
        key = canonical_key(name)
        named = [rule.key for rule in self._attribute_rules if rule.argument == name]
        return named if key is None else [key, *named]

    def in_route(self, template: str, path: str) -> Iterator[Correlation]:
        """The business keys in a path that was matched by a route."""
        yield from route_keys(template, path).items()
        if not self._route_rules:
            return
        parameters = route_parameters(template, path)
        for rule in self._route_rules:
            value = bounded(parameters.get(rule.argument))
            if value is not None:
                yield rule.key, value

    def _parameter_keys(self, template: str) -> list[tuple[str, str]]:
        """(parameter, business key) of each parameter of a route that holds one, in their order."""
        names = template_pattern(template).groupindex
        found = [(name, key) for name in names if (key := parameter_key(template, name)) is not None]
        return found + [(rule.argument, rule.key) for rule in self._route_rules if rule.argument in names]

    def kafka_keys(self, topic: str) -> list[str]:
        """The business keys that a message key of this topic is."""
        named = [rule.key for rule in self._kafka_rules if fnmatchcase(topic, rule.argument)]
        return named or [KAFKA_KEY_CORRELATION]

    def _candidates(self, attributes: Mapping[str, object]) -> Iterator[tuple[str, object]]:
        for name, value in attributes.items():
            for key in self.attribute_keys(name):
                yield key, value


def _path(attributes: Mapping[str, object]) -> str | None:
    """The path of the request, from whichever attribute tells it."""
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
    """The path of a whole URL, None when there is none."""
    try:
        return urlsplit(url).path or None
    except ValueError:  # a malformed URL has no path that a route could match
        return None
