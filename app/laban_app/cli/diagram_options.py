"""The options of `laban diagram`, in groups, and what they ask for."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeVar

import typer

if TYPE_CHECKING:
    from laban_mapper.diagrams.choosing import Wanted
    from laban_mapper.diagrams.registry import Format

Choice = TypeVar("Choice", bound=str)
_MAX_DEPTH: Final = 20


class Scope(NamedTuple):
    """The options that choose a part of the map."""

    service: Annotated[
        str | None,
        typer.Option("--service", metavar="NAME", help="Only this node, and what it calls or is called by."),
    ] = None
    depth: Annotated[
        int,
        typer.Option(
            "--depth", metavar="N", min=1, max=_MAX_DEPTH, help="With --service: so many calls away."
        ),
    ] = 1
    focus: Annotated[
        str | None,
        typer.Option("--focus", metavar="NAME", help="The same as --service NAME --depth 1."),
    ] = None
    entry: Annotated[
        str | None,
        typer.Option(
            "--entry", metavar="OPERATION", help='Only what sampled traces of an entry touch: "POST /orders".'
        ),
    ] = None
    order: Annotated[
        str | None,
        typer.Option(
            "--order",
            metavar="ID",
            help="Only what an order touched, or KEY=VALUE; mermaid draws its sequence, structurizr adds a "
            "dynamic view.",
        ),
    ] = None
    top: Annotated[
        int | None,
        typer.Option(
            "--top", metavar="N", min=1, help="Draw the N busiest nodes, and one for the rest of each kind."
        ),
    ] = None
    everything: Annotated[
        bool, typer.Option("--all", help="Draw all nodes, also if there are very many: it may take minutes.")
    ] = False
    unseen: Annotated[
        bool, typer.Option("--unseen", help="Also show the callers that were not seen, as one node.")
    ] = False


class Look(NamedTuple):
    """The options that say how it is drawn."""

    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="WHAT",
            help="What arrows tell: all, rate, latency, contract or none. The last two never change with the "
            "traffic. [default: all; rate on crowded pictures]",
        ),
    ] = None
    topics: Annotated[
        str, typer.Option("--topics", metavar="HOW", help="show, or collapse to arrows between services.")
    ] = "show"
    group_by: Annotated[
        str | None, typer.Option("--group-by", metavar="WHAT", help="namespace: frame what belongs together.")
    ] = None
    theme: Annotated[
        str,
        typer.Option(
            "--theme",
            metavar="THEME",
            help="Colors of pictures: auto, light, dark, or inherit (SVG, of the text around it).",
        ),
    ] = "auto"


class Document(NamedTuple):
    """The options that keep a Markdown document true."""

    watch: Annotated[
        Path | None,
        typer.Option(
            "--watch", metavar="FILE", help="Keep the Mermaid diagram between two markers of FILE true."
        ),
    ] = None
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="With --watch: write nothing, exit 1 and say what differs if it is not."
        ),
    ] = False
    once: Annotated[bool, typer.Option("--once", help="With --watch: write once, and end.")] = False
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", min=1, help="With --watch: how often to look.")
    ] = 10


def wanted_by(scope: Scope, look: Look, chosen: "Format") -> "Wanted":
    """What the options ask for; raises BadParameter where they contradict."""
    from laban_mapper.diagrams.choosing import Wanted
    from laban_mapper.diagrams.graph import LABELS, THEMES, TOPICS, View

    if scope.everything and scope.top is not None:
        raise typer.BadParameter("--top and --all exclude each other")
    if scope.focus is not None and (scope.service is not None or scope.depth != 1):
        raise typer.BadParameter("--focus NAME is --service NAME --depth 1: give one of them")
    if look.group_by not in (None, "namespace"):
        raise typer.BadParameter(f"'{look.group_by}' is not namespace", param_hint="--group-by")
    if not chosen.draws and (look.labels or look.topics != "show" or look.group_by):
        raise typer.BadParameter(
            "--labels, --topics and --group-by are about formats that draw nodes and arrows"
        )
    labels = None if look.labels is None else _one_of(look.labels, LABELS, "--labels")
    view = View(
        labels=labels or "all",
        topics=_one_of(look.topics, TOPICS, "--topics"),
        by_namespace=look.group_by is not None,
        theme=_one_of(look.theme, THEMES, "--theme"),
    )
    return Wanted(
        service=scope.focus or scope.service,
        depth=scope.depth,
        top=scope.top,
        everything=scope.everything,
        view=view,
        fitting=labels is None,
    )


def _one_of(text: str, known: Sequence[Choice], option: str) -> Choice:
    for one in known:
        if one == text:
            return one
    raise typer.BadParameter(f"'{text}' is none of {', '.join(known)}", param_hint=option)
