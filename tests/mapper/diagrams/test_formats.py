import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from laban_collector.store.rows import EdgeRow
from laban_dashboard.presentation.map.health import MANY_ERRORS as DASHBOARD_MANY_ERRORS
from laban_mapper.diagrams.drawing import MANY_ERRORS, simplify
from laban_mapper.diagrams.graph import Graph, View
from laban_mapper.diagrams.registry import FORMATS
from laban_mapper.diagrams.themes import DARK, LIGHT, pairs
from laban_mapper.errors import RenderFailed
from laban_mapper.model import Edge, Node, ServiceMap
from laban_mapper.names import NAME_WIDTH
from laban_mapper.service_map import build_service_map
from laban_mapper.times import utc_time

from ..shop_spans import lag

SINCE = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOPS = [
    EdgeRow("entry:clients", "service:order", "sync", "http", 120, 6, 80.0, 95.0, 99.0, 0, 0, 120),
    EdgeRow("service:order", "topic:orders", "async", "kafka", 120, 0, 1.0, 2.0, 3.0, 0, 0, 120),
    EdgeRow("topic:orders", "group:email", "async", "kafka", 120, 0, 5.0, 9.0, 9.5, 120, 0, 0),
    EdgeRow("group:email", "service:mailer", "async", "kafka", 120, 0, 15.0, 19.0, 21.0, 120, 0, 0),
    EdgeRow("service:mailer", 'external:smtp<&"relay">', "sync", "rpc", 120, 0, 5.0, 9.0, 9.5, 0, 0, 120),
]


def render(found: ServiceMap, form: str, view: View | None = None) -> bytes:
    return FORMATS[form].write(Graph(found, version="1.2.3", view=view or View()))


def shop(*, silent: bool = False) -> ServiceMap:
    polled = [lag("audit", "orders", 0, 30)] if silent else []
    return build_service_map(HOPS, polled, SINCE, SINCE + timedelta(minutes=1))


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_map_gives_the_same_bytes(form: str) -> None:
    assert render(shop(), form) == render(shop(), form)


def test_a_group_with_one_service_becomes_a_label() -> None:
    drawing = simplify(Graph(shop()))
    assert "group:email" not in {node.id for node in drawing.nodes}
    (arrow,) = [arrow for arrow in drawing.arrows if arrow.source == "topic:orders"]
    assert arrow.target == "service:mailer"
    assert arrow.dashed
    assert arrow.lines == ("group email", "kafka 2.0/s", "wait p95 9.0 ms")


def test_a_group_without_a_known_service_stays_a_node() -> None:
    drawing = simplify(Graph(shop(silent=True)))
    (arrow,) = [arrow for arrow in drawing.arrows if arrow.target == "group:audit"]
    assert arrow.lines == ("kafka, never seen",)


def stopped() -> ServiceMap:
    polled = [
        replace(lag("email", "orders", 0, 1700), status="STOP"),
        replace(lag("audit", "orders", 0, 30), status="STALL"),
    ]
    return build_service_map(HOPS, polled, SINCE, SINCE + timedelta(minutes=1))


def test_a_group_that_has_stopped_is_marked_on_its_arrow() -> None:
    (arrow,) = [arrow for arrow in simplify(Graph(stopped())).arrows if arrow.target == "service:mailer"]
    assert arrow.failing
    assert arrow.lines == ("group email", "STOP, 1,700 behind", "kafka 2.0/s", "wait p95 9.0 ms")


@pytest.mark.parametrize(
    ("form", "label"),
    [
        ("dot", r'label="group audit\nno span seen\nSTALL, 30 behind"'),
        ("mermaid", '{{"audit<br/>STALL, 30 behind"}}'),
    ],
)
def test_a_group_without_spans_is_marked_on_its_node(form: str, label: str) -> None:
    text = render(stopped(), form).decode()
    assert label in text.replace("\n", r"\n")
    assert "STOP, 1,700 behind" in text


def test_the_label_shows_the_share_of_errors() -> None:
    (arrow,) = [arrow for arrow in simplify(Graph(shop())).arrows if arrow.source == "entry:clients"]
    assert arrow.failing
    assert arrow.lines == ("http 2.0/s", "p95 95 ms", "5.0% errors")


def test_an_arrow_is_red_from_the_share_of_errors_on_that_the_map_of_the_dashboard_has() -> None:
    few = [replace(HOPS[0], errors=5), *HOPS[1:]]
    drawing = simplify(Graph(build_service_map(few, [], SINCE, SINCE + timedelta(minutes=1))))
    (arrow,) = [arrow for arrow in drawing.arrows if arrow.source == "entry:clients"]
    assert not arrow.failing
    assert arrow.lines[-1] == "4.2% errors"
    assert MANY_ERRORS == DASHBOARD_MANY_ERRORS


def test_svg_is_well_formed_and_shows_every_node() -> None:
    root = ET.fromstring(render(shop(), "svg"))  # noqa: S314 - our own output
    text = " ".join(root.itertext())
    for name in (
        "clients",
        "order",
        "orders",
        "mailer",
        'smtp<&"relay">',
        "group email",
        "2.0/s",
        "5.0% errors",
    ):
        assert name in text


def test_png_is_a_png() -> None:
    assert render(shop(), "png").startswith(b"\x89PNG\r\n\x1a\n")


def test_mermaid_escapes_special_characters() -> None:
    text = render(shop(), "mermaid").decode()
    assert "\n---\nflowchart LR\n" in text
    assert "smtp#lt;#amp;#quot;relay#quot;#gt;" in text
    assert "-.->|" in text
    assert "-->|" in text


def test_without_graphviz_the_error_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    def nowhere(_: str) -> str:
        return str(tmp_path)

    def not_found(_: str) -> None:
        return None

    monkeypatch.setattr("sysconfig.get_path", nowhere)
    monkeypatch.setattr("shutil.which", not_found)
    with pytest.raises(RenderFailed, match=r"laban\[server\]"):
        render(shop(), "svg")
    assert render(shop(), "mermaid")


@pytest.mark.parametrize("form", ["dot", "mermaid", "svg"])
def test_no_diagram_contains_a_control_character_of_a_span(form: str) -> None:
    nasty = "a\x1b[2J\r\nb\u202e"
    nodes = [Node(id="service:a", kind="service", name=nasty), Node(id="topic:t", kind="topic", name=nasty)]
    edge = Edge(source="service:a", target="topic:t", kind="async", protocol=nasty, calls=1, errors=0)
    answer = ServiceMap(since=utc_time(0), until=utc_time(1), nodes=nodes, edges=[edge])
    drawn = render(answer, form).decode()
    assert r"\x1b[2J b" in drawn.replace("\\\\", "\\")
    assert not set("\x1b\r\u202e") & set(drawn)


def test_long_names_are_shortened() -> None:
    hops = [EdgeRow("entry:clients", f"service:{'x' * 400}", "sync", "http", 1, 0, 1.0, 1.0, 1.0, 0, 0, 1)]
    drawing = simplify(Graph(build_service_map(hops, [], SINCE, SINCE + timedelta(minutes=1))))
    assert max(len(node.name) for node in drawing.nodes) == NAME_WIDTH


def test_every_color_occurs_once_and_text_is_readable_on_it() -> None:
    for palette, other in ((LIGHT, DARK), (DARK, LIGHT)):
        assert len(pairs(palette, other)) == 8 + 2 * len(palette.fills)
        for fill in (palette.paper, *palette.fills.values()):
            assert contrast(palette.ink, fill) >= 4.5
        for text in (palette.faint, palette.failing):
            assert contrast(text, palette.paper) >= 4.5
        for line in (palette.sync, palette.messages):
            assert contrast(line, palette.paper) >= 3


def contrast(first: str, second: str) -> float:
    """The contrast of two colors, as WCAG 2 defines it."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_an_svg_that_inherits_has_no_background_and_the_color_of_the_text_around_it() -> None:
    text = render(shop(), "svg", View(theme="inherit")).decode()
    assert LIGHT.ink not in text
    assert f'fill="{LIGHT.paper}"' not in text
    assert 'fill="currentColor">5.0% errors' in text.replace("&#160;", " ")


def test_a_graph_without_a_title_has_no_legend_and_nothing_that_traffic_changes() -> None:
    quiet, busy = (
        FORMATS["mermaid"].write(Graph(found, title="", view=View(labels="contract")))
        for found in (shop(), build_service_map(louder(HOPS), [], SINCE, SINCE + timedelta(hours=9)))
    )
    assert quiet == busy
    assert quiet.startswith(b"flowchart LR\n")


def louder(rows: list[EdgeRow]) -> list[EdgeRow]:
    return [replace(row, calls=row.calls * 9, errors=row.errors * 5, p95_ms=1.0) for row in rows]


def test_collapsed_topics_are_names_on_arrows_without_numbers_that_nobody_knows() -> None:
    second = EdgeRow("service:web", "topic:orders", "async", "kafka", 7, 0, 1.0, 2.0, 3.0, 0, 0, 7)
    for rows, lines in (
        (HOPS, ("topic orders", "group email", "kafka 2.0/s", "wait p95 9.0 ms")),
        ([*HOPS, second], ("topic orders", "group email", "kafka")),
    ):
        found = build_service_map(rows, [], SINCE, SINCE + timedelta(minutes=1))
        drawing = simplify(Graph(found, view=View(topics="collapse")))
        arrows = {(arrow.source, arrow.target): arrow.lines for arrow in drawing.arrows}
        assert arrows["service:order", "service:mailer"] == lines
        assert "topic:orders" not in {node.id for node in drawing.nodes}
