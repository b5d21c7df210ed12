"""Diagrams of hostile names: each format is well formed, and shows them as text."""

import re
import shutil
import subprocess
from xml.etree import ElementTree as ET

import pytest

from laban_mapper.diagrams.graph import Graph
from laban_mapper.diagrams.registry import FORMATS
from laban_mapper.diagrams.rendering import draw
from laban_mapper.model import Edge, Node, NodeKind, ServiceMap
from laban_mapper.times import utc_time

from ...hostile import HOSTILE, UNSAFE

KINDS: tuple[NodeKind, ...] = ("service", "topic", "group", "database", "external", "entry")


def map_of(*names: str) -> ServiceMap:
    """A map with these names for every kind of node and as protocols."""
    nodes = [Node(id=f"{kind}:{name}", kind=kind, name=name) for name in names for kind in KINDS]
    edges = [
        Edge(
            source=node.id,
            target=nodes[(at + 1) % len(nodes)].id,
            kind="async" if at % 2 else "sync",
            protocol=names[at % len(names)],
            calls=1,
            errors=at % 2,
        )
        for at, node in enumerate(nodes)
    ]
    return ServiceMap(since=utc_time(0), until=utc_time(10**9), nodes=nodes, edges=edges)


def render(form: str, *names: str) -> bytes:
    return FORMATS[form].write(Graph(map_of(*names)))


@pytest.mark.parametrize("form", FORMATS)
def test_every_hostile_name_draws_in_every_format(form: str) -> None:
    drawn = render(form, *HOSTILE)
    if form == "png":
        assert drawn.startswith(b"\x89PNG")
    else:
        assert UNSAFE.search(drawn.decode().replace("\t", " ")) is None


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz itself")
def test_graphviz_itself_reads_the_source() -> None:
    source = render("dot", *HOSTILE)
    done = subprocess.run(["dot", "-Tdot"], input=source, capture_output=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


def test_names_are_shown_in_svg_as_they_are_and_add_nothing_to_it() -> None:
    svg = ET.fromstring(render("svg", *HOSTILE))  # noqa: S314 - our own document
    shown = {(text.text or "").replace("\xa0", " ") for text in svg.iter() if text.tag.endswith("text")}
    assert {
        "&#27;",
        "</svg><script>alert(1)</",
        "\\N\\G\\l",
        "<b>",
        r"\x1b[2J",
        r"\x00",
        "`md`",
    } <= shown
    plain = ET.fromstring(render("svg", "plain"))  # noqa: S314
    assert {element.tag for element in svg.iter()} <= {element.tag for element in plain.iter()}


def test_mermaid_has_one_line_per_node_and_arrow_whatever_their_names() -> None:
    hostile, plain = (
        render("mermaid", *names).decode() for names in (HOSTILE, [f"n{at}" for at in range(len(HOSTILE))])
    )
    assert len(hostile.splitlines()) == len(plain.splitlines())
    labels = re.findall(r'"([^"]*)"', hostile)
    assert not any(re.search(r"[`<>]|&|%%", label.replace("<br/>", "")) for label in labels)


def test_a_failure_of_graphviz_says_its_reason() -> None:
    with pytest.raises(Exception, match="Graphviz failed"):
        draw("digraph {", "svg")
