"""Maps that are made from a seed, and a bare page that draws them with the component of the dashboard."""

import random
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Locator, Page

import laban_dashboard.components.service_map as component
from laban_dashboard.components.assets import asset
from laban_mapper.model import Edge, ServiceMap
from tests.dashboard.shop_answers import edge, graph_of

BARE: Final = "http://127.0.0.1:9/bare/"
"""The address of the page; no request leaves the browser."""
_STATIC: Final = Path(component.__file__).parents[1] / "static"
_COLOURS: Final = {
    "font": "sans-serif",
    "background-color": "#ffffff",
    "secondary-background-color": "#f5f6f8",
    "text-color": "#20242c",
    "gray-text-color": "#5b6577",
    "gray-color": "#707a8a",
    "violet-color": "#8a4fe8",
    "red-color": "#d12f2f",
    "orange-color": "#d9822b",
    "green-color": "#2e8b57",
    "primary-color": "#3d5fc4",
    "border-color": "#d5d8de",
    "base-radius": "8px",
}


def made_system(seed: int) -> ServiceMap:
    """Return a map of about forty nodes: services, some with two edges between them, topics and groups."""
    made = random.Random(seed)  # noqa: S311 — a picture, not a secret
    services = [f"service:{name}-{number}" for number, name in enumerate(made.choices(_NAMES, k=18))]
    edges: list[Edge] = [_call(made, "entry:clients", services[0], "http")]
    for number, callee in enumerate(services[1:], start=1):
        caller = services[made.randrange(min(number, 9))]
        edges.append(_call(made, caller, callee, "http"))
        if made.random() < 0.3:
            edges.append(_call(made, caller, callee, "grpc"))
    for _ in range(8):
        first, second = sorted(made.sample(range(len(services)), 2))
        edges.append(_call(made, services[first], services[second], "grpc"))
    for number in range(6):
        topic = f"topic:{made.choice(_NAMES)}.{number}"
        edges.append(_call(made, made.choice(services), topic, "kafka"))
        for consumer in made.sample(services, made.randint(1, 4)):
            group = f"group:{consumer.partition(':')[2]}"
            edges += [_call(made, topic, group, "kafka"), _call(made, group, consumer, "kafka")]
    return graph_of(list({(one.source, one.target, one.protocol): one for one in edges}.values()))


def open_bare(page: Page) -> None:
    """Open a page that has nothing but what the component needs."""
    variables = "".join(f"--st-{name}: {value};" for name, value in _COLOURS.items())
    script = "".join(map(asset, component.SCRIPTS)).replace(
        "export default function", "window.draw = function"
    )
    body = f"<style>:root {{ {variables} }} {asset('service_map.css')}</style><main></main>"
    head = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">'
    page.route(f"{BARE}**", lambda route: route.fulfill(body=head + body, content_type="text/html"))
    page.route(
        f"{BARE}app/static/*", lambda route: route.fulfill(path=_STATIC / Path(route.request.url).name)
    )
    page.goto(BARE)
    page.add_script_tag(type="module", content=script)


def draw_bare(page: Page, elements: dict[str, object]) -> Locator:
    """Draw elements on a map of their own, and return its canvas."""
    page.evaluate(_DRAW, [asset("service_map.html"), elements])
    page.wait_for_function("document.querySelector('.canvas')?.cy?.nodes().nonempty()")
    return page.locator(".canvas")


def redraw_bare(page: Page, elements: dict[str, object]) -> None:
    """Draw other elements on the map that is there, as a refresh does."""
    page.evaluate("(data) => window.draw({ ...window.component, data })", elements)


def overlaps_of_labels(canvas: Locator) -> list[str]:
    """Return each pair of a label that can be seen and another, or a node, that overlap."""
    found: list[str] = canvas.evaluate(_OVERLAPS)
    return found


def labels_of(canvas: Locator) -> dict[str, Any]:
    """Return the middle of each label that can be seen, by the ID of its edge."""
    found: dict[str, Any] = canvas.evaluate(
        "({ cy }) => Object.fromEntries(cy.edges('[text != \"\"]').map((edge) =>"
        " [edge.id(), [edge.data('aside'), edge.data('below')].map(Math.round)]))"
    )
    return found


def names_of(canvas: Locator) -> set[str]:
    """Return the nodes whose name can be read."""
    found: list[str] = canvas.evaluate(
        "({ cy }) => cy.nodes().filter((node) => node.style('label').includes(node.data('title'))"
        " && node.numericStyle('font-size') * cy.zoom() > 8).map((node) => node.id())"
    )
    return set(found)


def _call(made: random.Random, source: str, target: str, protocol: str) -> Edge:
    calls = made.choice([1, 4, 30, 900, 40_000])
    errors = calls // 2 if calls >= 30 and made.random() < 0.12 else 0
    p95 = made.choice([0.4, 3.0, 45.0, 260.0, 2_400.0])
    return edge(source, target, protocol, calls, errors, p95)


_NAMES: Final = ("order", "payment-gateway", "user", "inventory", "recommendation-engine", "tax", "mail")
_DRAW: Final = """([html, data]) => {
  window.stop?.();
  const parentElement = document.querySelector('main');
  parentElement.innerHTML = html;
  window.component = { parentElement, setTriggerValue: () => {} };
  window.stop = window.draw({ ...window.component, data });
}"""
_OVERLAPS: Final = """({ cy }) => {
  const own = { includeNodes: false, includeEdges: false, includeLabels: true, includeOverlays: false,
    includeUnderlays: false };
  const boxes = cy.edges('[text != ""]')
    .filter((edge) => !edge.hasClass('faded')).map((edge) => [edge.id(), edge.renderedBoundingBox(own)]);
  const nodes = cy.nodes().map((node) => {
    const { x, y } = node.renderedPosition();
    const [right, down] = [node.renderedWidth() / 2, node.renderedHeight() / 2];
    return [node.id(), { x1: x - right, x2: x + right, y1: y - down, y2: y + down }];
  });
  const found = [];
  boxes.forEach(([name, box], index) => {
    for (const [other, { x1, x2, y1, y2 }] of [...boxes.slice(index + 1), ...nodes])
      if (box.x1 < x2 && x1 < box.x2 && box.y1 < y2 && y1 < box.y2) found.push(`${name} and ${other}`);
  });
  return found;
}"""
