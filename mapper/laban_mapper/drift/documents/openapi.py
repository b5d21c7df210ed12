"""Compares an OpenAPI 3 document of one service with what it was asked.

https://spec.openapis.org/oas/v3.1.0: `paths` has path templates with methods; `servers` may put a path before
them. A path is known by its route; where spans tell no route, by the path itself.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import yaml

from laban_mapper.drift.documents.common import resolved, service_of
from laban_mapper.drift.drifts import Drift
from laban_mapper.drift.kinds import KINDS
from laban_mapper.drift.traffic import Telling, judged
from laban_mapper.drift.wording import by_share, numbers_of, times
from laban_mapper.drift.yaml_nodes import Document, shown, top
from laban_mapper.model_drift import Choreography
from laban_mapper.urls import path_of_url

_METHODS: Final = frozenset(("get", "put", "post", "delete", "options", "head", "patch", "trace", "query"))
_IMPLIED: Final = frozenset(("HEAD", "OPTIONS"))
"""Methods that servers answer without being told to."""
_PARAMETER: Final = re.compile(r"\{[^/]*\}|:[^/]+|<[^/]*>|\*")
"""How frameworks write a parameter of a path."""


class _Declared(NamedTuple):
    method: str
    path: str
    line: int


class _Asked(NamedTuple):
    method: str
    path: str
    calls: int
    traces: tuple[str, ...]


def check_openapi(
    document: Document,
    ran: Choreography,
    before: Choreography | None,
    *,
    complete: bool,
    service: str | None,
) -> list[Drift]:
    """Everything in which the document and the service differ.

    Raises:
        BadDocument: the document says something without a meaning.
        UnknownService: the service was not seen.
    """
    name = service_of(document, ran, service)
    declared = list(_declared(document))
    prefixes = _prefixes(document)
    asked = _asked(ran, name)
    earlier = [] if before is None else _asked(before, name)
    drifts = [
        _undeclared(name, one)
        for one in asked
        if one.method not in _IMPLIED and not any(_is(each, one, prefixes) for each in declared)
    ]
    chances = sum(one.calls for one in asked)
    rarest = min((one.calls / chances for one in asked), default=None) if chances else None
    for each in declared:
        if any(_is(each, one, prefixes) for one in asked):
            continue
        calls = sum(one.calls for one in earlier if _is(each, one, prefixes))
        told = judged(chances, (calls, sum(one.calls for one in earlier)), rarest, complete=complete)
        drifts.append(_unobserved(name, each, told, asked))
    return sorted(drifts, key=lambda drift: (KINDS.index(drift.kind), drift.place))


def _declared(document: Document) -> Iterator[_Declared]:
    paths = top(document.root).get("paths")
    if paths is None:
        return
    for path, _, item in document.entries(paths, "paths"):
        if path.startswith("x-"):
            continue
        for method, line, _ in document.entries(resolved(document, item), f"path {shown(path)}"):
            if method.lower() in _METHODS:
                yield _Declared(method.upper(), path, line)


def _prefixes(document: Document) -> list[str]:
    """The paths that servers put before the paths of the document; the empty one, too."""
    servers = top(document.root).get("servers")
    urls = servers.value if isinstance(servers, yaml.SequenceNode) else []
    found = [top(server).get("url") for server in urls]
    paths = {path_of_url(document.text(url, "url")).rstrip("/") for url in found if url is not None}
    return sorted({"", *paths})


def _asked(ran: Choreography, service: str) -> list[_Asked]:
    """The HTTP operations of a service, whoever asked for them."""
    found: dict[tuple[str, str], _Asked] = {}
    for call in ran.calls:
        if call.target != service or call.protocol != "http":
            continue
        for operation in call.operations:
            method, _, path = operation.name.partition(" ")
            if not path.startswith("/"):
                continue  # the span tells no path
            known = found.get((method, path))
            calls = operation.calls + (known.calls if known else 0)
            found[method, path] = _Asked(method, path, calls, tuple(operation.traces))
    return [found[key] for key in sorted(found)]


def _is(declared: _Declared, asked: _Asked, prefixes: Sequence[str]) -> bool:
    if declared.method != asked.method:
        return False
    return any(_is_path(prefix + declared.path, asked.path) for prefix in prefixes)


def _is_path(template: str, path: str) -> bool:
    ours, theirs = template.rstrip("/").split("/"), path.rstrip("/").split("/")
    return len(ours) == len(theirs) and all(map(_is_part, ours, theirs))


def _is_part(ours: str, theirs: str) -> bool:
    if _PARAMETER.fullmatch(ours):
        return bool(theirs)
    return ours == theirs or bool(
        "{" in ours and re.fullmatch("[^/]+".join(map(re.escape, re.split(r"\{[^{}]*\}", ours))), theirs)
    )


def _undeclared(service: str, asked: _Asked) -> Drift:
    operation = f"{asked.method} {asked.path}"
    sentence = f"{service} answers {operation}, {times(asked.calls)}; the document does not say so."
    return Drift("undeclared", f"{service} {operation}", sentence, asked.traces, None, {"calls": asked.calls})


def _unobserved(service: str, declared: _Declared, told: Telling, asked: Sequence[_Asked]) -> Drift:
    operation = f"{declared.method} {declared.path}"
    seen = f"{operation} was not seen, but {service} was asked {times(told.chances)}"
    rest = by_share(told) if told.enough else f"not enough traffic to tell{by_share(told, '; ')}"
    return Drift(
        "unobserved" if told.enough else "too-little-traffic",
        f"{service} {operation}",
        f"{seen}{', and ' if told.enough else ': '}{rest}.",
        asked[0].traces if told.enough and asked else (),
        declared.line,
        numbers_of(told),
    )
