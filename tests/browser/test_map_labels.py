"""The names of nodes and the labels of edges on maps that are made from seeds."""

from typing import Any, cast

import pytest
from playwright.sync_api import Page

from laban_dashboard.presentation.map.elements import map_elements
from laban_dashboard.presentation.map.scope import visible_map
from laban_mapper.model import ServiceMap
from tests.browser.conftest import HEIGHT
from tests.browser.dashboard_driver import evaluate_on_map
from tests.browser.made_map import (
    draw_bare,
    labels_of,
    made_system,
    names_of,
    open_bare,
    overlaps_of_labels,
    redraw_bare,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SEEDS = range(6)


def elements_of(found: ServiceMap) -> dict[str, Any]:
    return cast("dict[str, Any]", map_elements(visible_map(found), 900, [], None))


def failing(elements: list[dict[str, Any]]) -> set[str]:
    return {one["id"] for one in elements if one["health"] == "failing"}


def test_nothing_covers_a_label_and_what_fails_is_named(page: Page) -> None:
    open_bare(page)
    labels = expected = 0
    for seed in SEEDS:
        elements = elements_of(made_system(seed))
        for width in (1440, 800):
            page.set_viewport_size({"width": width, "height": HEIGHT})
            canvas = draw_bare(page, elements)
            assert overlaps_of_labels(canvas) == [], (seed, width)
            assert names_of(canvas) >= failing(elements["nodes"]), (seed, width)
            expected += len(failing(elements["edges"]))
            labels += len(failing(elements["edges"]) & set(labels_of(canvas)))
            drawn = (
                "cy.edges().filter((edge) => !Number.isFinite(edge.midpoint().x)).map((edge) => edge.id())"
            )
            assert evaluate_on_map(canvas, drawn) == [], (seed, width)
    assert labels >= 0.8 * expected > 0  # the others are red lines between nodes with names


def test_labels_are_always_in_the_same_places_and_new_figures_move_none(page: Page) -> None:
    open_bare(page)
    found = made_system(2)
    canvas = draw_bare(page, elements_of(found))
    before = labels_of(canvas)
    assert len(before) > len(found.edges) / 2
    canvas = draw_bare(page, elements_of(found))
    assert labels_of(canvas) == before  # the same map always has the same labels
    edges = [edge.model_copy(update={"calls": edge.calls + 1 + edge.calls // 9}) for edge in found.edges]
    later = elements_of(found.model_copy(update={"edges": edges}))
    assert {one["label"] for one in later["edges"]} != {one["label"] for one in elements_of(found)["edges"]}
    redraw_bare(page, later)
    shown = (
        "cy.edges('[text != \"\"]').map((edge) => edge.data('text')).every((text) => argument.includes(text))"
    )
    texts = [one[form] for one in later["edges"] for form in ("label", "short")]
    assert evaluate_on_map(canvas, shown, texts)
    assert labels_of(canvas) == before
    assert overlaps_of_labels(canvas) == []


def test_a_label_that_is_hidden_is_shown_with_the_neighbours_of_a_node(page: Page) -> None:
    open_bare(page)
    canvas = draw_bare(page, elements_of(made_system(0)))
    hub = evaluate_on_map(canvas, "cy.nodes().max((node) => node.degree()).ele.id()")
    own = set(
        evaluate_on_map(canvas, "cy.getElementById(argument).connectedEdges().map((edge) => edge.id())", hub)
    )
    before = labels_of(canvas)
    assert own - set(before)
    evaluate_on_map(canvas, "cy.getElementById(argument).emit('mouseover') && null", hub)
    assert set(labels_of(canvas)) <= own
    assert len(labels_of(canvas)) > len(own) / 2
    assert overlaps_of_labels(canvas) == []
    evaluate_on_map(canvas, "cy.getElementById(argument).emit('mouseout') && null", hub)
    assert set(labels_of(canvas)) == set(before)
