"""Which consumer groups and topics to read."""

import re
from fnmatch import translate
from typing import Self

from laban_collector.kafka_settings import KafkaCluster


class NameFilter:
    """Allows and denies names by patterns.

    A pattern is a glob over the whole name, upper and lower case apart: `*` any text, `?` one character,
    `[ab]` one of these. What is denied is not allowed, whatever else says so; nothing allowed means all.

    Args:
        allow: patterns, separated by commas.
        deny: patterns, separated by commas.
    """

    def __init__(self, allow: str = "", deny: str = "") -> None:
        self._allow = _compile(allow)
        self._deny = _compile(deny)

    def __contains__(self, name: str) -> bool:
        if self._deny is not None and self._deny.match(name):
            return False
        return self._allow is None or self._allow.match(name) is not None


class Filters:
    """The filters of one cluster.

    Attributes:
        groups: the consumer groups to read.
        topics: the topics to read.
    """

    def __init__(self, groups: NameFilter | None = None, topics: NameFilter | None = None) -> None:
        self.groups = groups or NameFilter()
        self.topics = topics or NameFilter()

    @classmethod
    def of(cls, cluster: KafkaCluster) -> Self:
        """Return the filters that the settings of a cluster ask for."""
        return cls(
            NameFilter(cluster.groups, cluster.groups_not), NameFilter(cluster.topics, cluster.topics_not)
        )


def _compile(patterns: str) -> re.Pattern[str] | None:
    globs = [part.strip() for part in patterns.split(",") if part.strip()]
    return re.compile("|".join(map(translate, globs))) if globs else None
