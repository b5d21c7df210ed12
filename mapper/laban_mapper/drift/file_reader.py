"""Reads the file of a choreography; whatever it cannot mean is an error with its line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import yaml

from laban_mapper.drift.facts import NO_GROUP, NO_TYPE, NO_VERSION, Fact
from laban_mapper.drift.file_writer import UNTYPED, VERSION_KEY
from laban_mapper.drift.yaml_nodes import Document, line_of, shown, top

FORMAT: Final = "1"
"""The version of the format that this release writes and reads."""


@dataclass(slots=True)
class Declared:
    """What a file says.

    Attributes:
        name: of the file.
        facts: by fact, the line.
        optional: places that may be absent.
    """

    name: str
    facts: dict[Fact, int] = field(default_factory=dict[Fact, int])
    optional: set[str] = field(default_factory=set[str])


def read_choreography(document: Document) -> Declared:
    """Read a file of `laban choreography`.

    Raises:
        BadDocument: it is none, or of another version, or something in it has no meaning.
    """
    version = top(document.root).get(VERSION_KEY)
    if version is None:
        raise document.error(
            1, f"no '{VERSION_KEY}:' in the file. Write one with `laban choreography -o FILE`."
        )
    if document.text(version, VERSION_KEY) != FORMAT:
        raise document.error(
            line_of(version),
            f"format {shown(document.text(version, VERSION_KEY))} is not known: this laban reads {FORMAT}. "
            "Update laban, or write the file again.",
        )
    return _Reader(document).read()


class _Reader:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._declared = Declared(document.name)

    def read(self) -> Declared:
        parts: Mapping[str, Callable[[yaml.Node], None]] = {
            VERSION_KEY: lambda _: None,
            "services": self._services,
            "calls": lambda node: self._calls(node, "sync"),
            "messages": lambda node: self._calls(node, "async"),
            "topics": self._topics,
            "optional": self._optional,
        }
        self._each(self._document.root, "the file", parts)
        return self._declared

    def _each(self, node: yaml.Node, what: str, parts: Mapping[str, Callable[[yaml.Node], None]]) -> None:
        for name, line, below in self._document.entries(node, what):
            if name not in parts:
                known = ", ".join(parts)
                raise self._document.error(line, f"{shown(name)} is no part of {what}: {known}.")
            parts[name](below)

    def _note(self, line: int, fact: Fact) -> None:
        self._declared.facts.setdefault(fact, line)

    def _services(self, node: yaml.Node) -> None:
        for name, line in self._document.items(node, "services"):
            self._note(line, Fact("service", (name,)))

    def _optional(self, node: yaml.Node) -> None:
        self._declared.optional.update(name for name, _ in self._document.items(node, "optional"))

    def _calls(self, node: yaml.Node, kind: str) -> None:
        what = "calls" if kind == "sync" else "messages"
        for source, _, callees in self._document.entries(node, what):
            for target, _, protocols in self._document.entries(callees, f"the {what} of {shown(source)}"):
                place = f"{what}, {shown(source)}, {shown(target)}"
                for protocol, line, operations in self._document.entries(protocols, place):
                    self._note(line, Fact("call", (source, target, kind, protocol)))
                    for operation, at in self._document.items(operations, f"{place}, {shown(protocol)}"):
                        self._note(at, Fact("operation", (source, target, protocol, operation)))

    def _topics(self, node: yaml.Node) -> None:
        for topic, _, parts in self._document.entries(node, "topics"):
            self._topic(topic, parts)

    def _topic(self, topic: str, node: yaml.Node) -> None:
        document, what = self._document, f"topic {shown(topic)}"

        def names(kind: str, fact: Callable[[str], Fact]) -> Callable[[yaml.Node], None]:
            def read(below: yaml.Node) -> None:
                for name, line in document.items(below, f"{kind} of {what}"):
                    self._note(line, fact(name))

            return read

        parts: Mapping[str, Callable[[yaml.Node], None]] = {
            "protocols": lambda below: [*document.items(below, f"protocols of {what}")].clear(),
            "publishers": names("publishers", lambda name: Fact("publisher", (topic, name))),
            "groups": lambda below: self._groups(topic, below),
            "consumers": names("consumers", lambda name: Fact("consumer", (topic, NO_GROUP, name))),
            "events": lambda below: self._events(topic, below),
        }
        self._each(node, what, parts)

    def _groups(self, topic: str, node: yaml.Node) -> None:
        for group, line, services in self._document.entries(node, f"groups of topic {shown(topic)}"):
            self._note(line, Fact("consumer", (topic, group)))
            for service, at in self._document.items(services, f"group {shown(group)}"):
                self._note(at, Fact("worker", (topic, group, service)))

    def _events(self, topic: str, node: yaml.Node) -> None:
        for name, line, versions in self._document.entries(node, f"events of topic {shown(topic)}"):
            kind = NO_TYPE if name == UNTYPED else name
            found = list(self._document.items(versions, f"versions of event {shown(name)}"))
            for version, at in found or [(NO_VERSION, line)]:
                self._note(at, Fact("event", (topic, kind, version)))
