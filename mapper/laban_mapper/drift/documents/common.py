"""What documents have in common: the service that they are about, references, and patterns."""

import re
from typing import Final

import yaml

from laban_mapper.drift.yaml_nodes import Document, line_of, shown, top
from laban_mapper.errors import UnknownService
from laban_mapper.model_drift import Choreography
from laban_mapper.urls import unquoted

_SHOWN: Final = 20
_DEEPEST: Final = 20
"""References to references."""
_SUFFIX: Final = re.compile(r"[ _-](service|api|svc|app)$")


def service_of(document: Document, ran: Choreography, given: str | None) -> str:
    """The service that a document is about, as the choreography names it.

    Raises:
        UnknownService: no service of that name was seen.
    """
    title = top(top(document.root).get("info", document.root)).get("title")
    wanted = given if given is not None else (document.text(title, "info.title") if title else "")
    names = [service.name for service in ran.services]
    for form in (_as_is, _simple, _without_suffix):
        found = [name for name in names if form(wanted) in (form(name), form(name.rpartition("/")[2]))]
        if len(found) == 1:
            return found[0]
    known = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
    raise UnknownService(
        f"{document.name}: no service {shown(wanted)} was seen in this time range. Name it with --service: "
        f"{known or 'none was seen'}."
    )


def _as_is(name: str) -> str:
    return name


def _simple(name: str) -> str:
    return re.sub(r"[\s_-]+", "-", name.strip().casefold())


def _without_suffix(name: str) -> str:
    return _SUFFIX.sub("", _simple(name))


def resolved(document: Document, node: yaml.Node) -> yaml.Node:
    """The node that a local reference (`$ref`) leads to; a node without a reference as it is.

    Raises:
        BadDocument: it leads nowhere, in a circle, or out of the file.
    """
    for _ in range(_DEEPEST):
        reference = top(node).get("$ref")
        if reference is None:
            return node
        node = document_node(document, document.text(reference, "$ref"), line_of(reference))
    raise document.error(line_of(node), "this $ref leads to another one, and so on. Name the place itself.")


def document_node(document: Document, pointer: str, line: int) -> yaml.Node:
    """The node at a JSON pointer of the file, such as `#/channels/orders`; raises BadDocument."""
    if not pointer.startswith("#/"):
        raise document.error(line, f"{shown(pointer)} is in another file. Bundle the document into one file.")
    node = document.root
    for part in pointer[2:].split("/"):
        below = top(node).get(unquoted(part).replace("~1", "/").replace("~0", "~"))
        if below is None:
            raise document.error(line, f"{shown(pointer)} leads nowhere.")
        node = below
    return node


def pattern_of(template: str) -> re.Pattern[str]:
    """What a template such as `orders.{region}` or `/orders/{id}` stands for."""
    parts = re.split(r"\{[^{}]*\}", template)
    return re.compile("[^/]+".join(map(re.escape, parts)))
