"""The command that draws: laban diagram."""

import importlib.metadata
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from laban_app.answers.discovery import open_answers
from laban_app.answers.protocol import Answers
from laban_app.cli import terminal, text_output
from laban_app.cli.diagram_options import Document, Look, Scope, wanted_by
from laban_app.cli.terminal import Source, TimeRange
from laban_app.errors import NothingToDraw

if TYPE_CHECKING:
    from laban_mapper.diagrams.choosing import Wanted
    from laban_mapper.diagrams.graph import Graph
    from laban_mapper.diagrams.registry import Format
    from laban_mapper.model import ServiceMap, Story

# The formats are imported where they are used: Graphviz's library is slow to load.

_DOCUMENTED: Final = timedelta(days=7)
"""What a document shows: in an hour, a system does not do everything that it does."""
_AROUND_ORDER: Final = timedelta(minutes=5)
_MERMAID_EDGES: Final = 500


def diagram(
    source: Source,
    time_range: TimeRange,
    scope: Scope,
    look: Look,
    document: Document,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="svg, png, dot, mermaid, plantuml, structurizr, asyncapi, backstage or json. [default: svg]",
        ),
    ] = None,
    output: text_output.Output = None,
) -> None:
    """Draw an architecture diagram of what ran.

    If there are too many nodes for a picture (SVG or PNG), it shows the busiest ones, or one node for each
    namespace, and says so. --watch writes the diagram into a document, by default of the last 7 days.
    """
    if document.watch is not None:
        _document(source, time_range, scope, look, document, form)
        return
    if document.check or document.once:
        raise typer.BadParameter("--check and --once need --watch FILE")
    name, chosen = _format(form or "svg")
    wanted = wanted_by(scope, look, chosen)
    graph = _graph(_open(source), time_range, scope, wanted, picture=chosen.picture)
    drawn = chosen.write(graph)
    _tell(graph, name)
    if output is None and name == "png" and sys.stdout.isatty():
        raise typer.BadParameter("a terminal cannot show PNG: name a file with -o FILE")
    about = f" ({len(graph.shown.nodes)} nodes, {len(graph.shown.edges)} edges)"
    text_output.put_bytes(drawn, output, "diagram", about)


def _document(
    source: Source, time_range: TimeRange, scope: Scope, look: Look, document: Document, form: str | None
) -> None:
    """Write the diagram into a document, or check it: by default nothing in it changes with the traffic."""
    from dataclasses import replace

    from laban_app.cli.diagram_document import check_document, require_markers, watch_document

    if form not in (None, "mermaid"):
        raise typer.BadParameter("--watch writes Mermaid", param_hint="--format")
    if document.check and document.once:
        raise typer.BadParameter("--check and --once exclude each other")
    _, chosen = _format("mermaid")
    wanted = wanted_by(scope, look._replace(labels=look.labels or "contract"), chosen)

    def drawn() -> str:
        answers = _open(source)
        graph = _graph(answers, _lasting(answers, time_range), scope, wanted, picture=False)
        return chosen.write(replace(graph, title="")).decode()

    assert document.watch is not None  # noqa: S101 - for mypy: the caller has looked
    require_markers(document.watch)
    if document.check:
        check_document(document.watch, drawn())
    else:
        watch_document(document.watch, drawn, document.every, once=document.once)


def _lasting(answers: Answers, time_range: TimeRange) -> TimeRange:
    """The time range that a document shows: by default the last 7 days with spans."""
    newest = answers.status().last
    if time_range.since or newest is None:
        return time_range
    return time_range._replace(since=(newest - _DOCUMENTED).isoformat())


def _graph(
    answers: Answers, time_range: TimeRange, scope: Scope, wanted: "Wanted", *, picture: bool
) -> "Graph":
    from laban_mapper.diagrams.choosing import choose

    since, until = time_range.bounds()
    story = None if scope.order is None else _story(answers, scope.order)
    if story is not None and since is None and until is None:
        since = story.started - _AROUND_ORDER
        until = story.started + timedelta(milliseconds=story.duration_ms) + _AROUND_ORDER
    found = answers.service_map(since, until, unseen=scope.unseen, entry=scope.entry)
    if not found.edges:
        raise NothingToDraw("Nothing to draw: no calls in this time range. Widen it (--since 7d).")
    graph = choose(found, wanted, importlib.metadata.version("laban"), picture=picture, story=story)
    if not graph.shown.edges:
        raise NothingToDraw(_why_empty(scope, wanted, found))
    return graph


def _why_empty(scope: Scope, wanted: "Wanted", found: "ServiceMap") -> str:
    if wanted.service is None:
        return f"Nothing to draw: no call or message of {scope.order or scope.entry} is on the map."
    if any(wanted.service in (node.name, node.id) for node in found.nodes):
        return f"Nothing to draw: no call or message of '{wanted.service}' is left by the other options."
    hint = terminal.did_you_mean(wanted.service, (node.name for node in found.nodes))
    return f"Nothing to draw: the map has no node '{wanted.service}'. {hint}Its names: laban map"


def _story(answers: Answers, text: str) -> "Story":
    key, separator, value = text.partition("=")
    return answers.story(key, value) if separator and key and value else answers.story("order", text)


def _tell(graph: "Graph", name: str) -> None:
    """Say on standard error what the diagram leaves out."""
    edges = len(graph.shown.edges)
    if graph.note is not None:
        hint = " All of them: --all, or --format mermaid or dot." if "Grey nodes" in graph.note else ""
        terminal.stderr().print(f"{graph.note}{hint}", highlight=False, markup=False)
    if name == "mermaid" and edges > _MERMAID_EDGES and graph.story is None:
        terminal.stderr().print(
            f"Mermaid draws at most {_MERMAID_EDGES} edges unless its maxEdges says more; here are "
            f"{edges:,}. Draw less: --top N.",
            highlight=False,
        )


def _open(source: Source) -> Answers:
    return open_answers(source.url, source.db, source.token)


def _format(text: str) -> "tuple[str, Format]":
    from laban_mapper.diagrams.registry import FORMATS

    if text not in FORMATS:
        raise typer.BadParameter(f"'{text}' is none of {', '.join(FORMATS)}", param_hint="--format")
    return text, FORMATS[text]
