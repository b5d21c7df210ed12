"""The Diagrams page without a browser: every format, every scope, and what it says when there is nothing."""

import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from laban_dashboard.presentation.diagram_view import (
    first_lines,
    graph_for,
    picture_html,
    shown_picture,
    wanted,
)
from tests.dashboard.conftest import OpenPage
from tests.dashboard.shop_answers import ShopAnswers, edge


def shown(at: AppTest) -> str:
    assert not at.exception
    assert not at.error
    return at.code[0].value


def test_a_text_format_is_shown_as_it_is_written(open_page: OpenPage) -> None:
    assert shown(open_page("diagrams", format="structurizr")).startswith('workspace "Service map"')
    assert shown(open_page("diagrams", format="asyncapi")).startswith("asyncapi: ")


def test_the_url_chooses_the_scope_and_the_look(open_page: OpenPage) -> None:
    near = json.loads(shown(open_page("diagrams", format="json", scope="Service", service="user")))
    assert {node["name"] for node in near["nodes"]} == {"user", "order"}
    order = shown(open_page("diagrams", format="mermaid", scope="Order", order="1002"))
    assert order.startswith("sequenceDiagram")
    bare = shown(open_page("diagrams", format="mermaid", labels="none", topics="false"))
    assert "|" not in bare
    assert "topic_orders[[" not in bare


def test_what_cannot_be_drawn_is_said(open_page: OpenPage) -> None:
    assert "POST /orders" in open_page("diagrams", scope="Entry").caption[-1].value
    nobody = open_page("diagrams", scope="Service", service="nobody")
    assert "Nothing to draw" in nobody.markdown[0].value
    unknown = open_page("diagrams", scope="Order", order="nobody")
    assert "No trace carries order nobody" in unknown.error[0].value.replace("\\", "")


def test_a_picture_has_the_colors_of_the_page_and_runs_nothing() -> None:
    asked = wanted(None, 1, None, collapse=False, by_namespace=False, theme="auto")
    graph = graph_for(ShopAnswers().service_map(), asked, "1", "svg", None)
    assert b"#0f172a" in shown_picture(graph, "dark")
    assert b"prefers-color-scheme" not in shown_picture(graph, "light")
    hostile = picture_html(b"<svg/>", "image/svg+xml", '"><script>alert(1)</script>\x1b', fit=True)
    assert "<script" not in hostile
    assert "\x1b" not in hostile
    assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in hostile


def test_a_crowded_picture_has_short_labels_unless_the_reader_chooses() -> None:
    edges = [edge("service:a", f"service:b{number}", "http", 9) for number in range(60)]
    found = ShopAnswers(edges=edges).service_map()
    fitting = wanted(None, 1, None, collapse=False, by_namespace=False, theme="auto")
    assert graph_for(found, fitting, "1", "svg", None).view.labels == "rate"
    chosen = replace(fitting, fitting=False)
    assert graph_for(found, chosen, "1", "svg", None).view.labels == "all"


@pytest.mark.parametrize(("lines", "left_out"), [(3, 0), (2_500, 500)])
def test_a_long_text_is_cut_on_the_page(lines: int, left_out: int) -> None:
    text, more = first_lines("\n".join(["x"] * lines))
    assert more == left_out
    assert text.count("x") == lines - left_out
