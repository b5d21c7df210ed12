"""The diagrams that the real parsers read: a small shop, hostile names, and one order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from laban_collector.store.rows import ContractRow, EdgeRow
from laban_mapper.diagrams.graph import Graph, View
from laban_mapper.diagrams.scope import of_order
from laban_mapper.model import Edge, Node, NodeKind, ServiceMap
from laban_mapper.service_map import build_service_map
from laban_mapper.story.builder import build_story
from laban_mapper.story.messages import Consumption

from ..hostile import HOSTILE
from ..mapper.shop_spans import hybrid_order, lag

SINCE: Final = datetime(2026, 11, 23, 9, tzinfo=UTC)
MINUTE: Final = 60 * 10**9
NAMES: Final = (
    *HOSTILE,
    *(
        "${PATH}",
        "%date()",
        "$AutoTag",
        "<U+0041>",
        "~~x~~",
        "//x//",
        "--x--",
        "__x__",
        "]]",
        "-->",
        "->",
        "-/>",
        "--x->",
        "end",
    ),
    *(
        "graph",
        "subgraph",
        "default",
        "no",
        "1e3",
        "null",
        "0x1F",
        "{{a}}",
        "order/{id}",
        "\N{BUG} emoji",
        "漢字",
    ),
    *(
        "{",
        "}",
        "=",
        "this",
        "!docs",
        "group",
        "*",
        "/* x",
        "*/",
        "!include x",
        "@enduml",
        '"""',
        "' comment",
        "# x",
        "a -> b",
        "ORDER",
        "order",
        "x" * 400,
    ),
)
_OTHERS: Final[tuple[NodeKind, ...]] = ("group", "database", "external", "entry")


def shop() -> Graph:
    """A small shop with event types, versions, groups, two namespaces, and a group that sends no spans."""
    created = (
        ContractRow("OrderCreated", "2", 90, 1, MINUTE, 5 * MINUTE),
        ContractRow("OrderCreated", None, 9, 0, 1, 2),
    )
    rows = [
        EdgeRow("entry:clients", "service:shop/order", "sync", "http", 120, 6, 80.0, 95.0, 99.0, 0, 0, 120),
        EdgeRow(
            "service:shop/order", "topic:orders", "async", "kafka", 99, 0, 1.0, 2.0, 3.0, 0, 0, 99, created
        ),
        EdgeRow("topic:orders", "group:email", "async", "kafka", 99, 0, 5.0, 9.0, 9.5, 99, 0, 0, created),
        EdgeRow(
            "group:email", "service:mail/mailer", "async", "kafka", 99, 0, 5.0, 9.0, 9.5, 99, 0, 0, created
        ),
        EdgeRow("service:mail/mailer", "external:smtp:25", "sync", "smtp", 99, 0, 5.0, 9.0, 9.5, 0, 0, 99),
        EdgeRow(
            "service:shop/order", "database:postgresql/shop", "sync", "postgresql", 9, 0, 1, 2, 3, 0, 0, 9
        ),
    ]
    polled = [replace(lag("audit", "orders", 0, 30), status="STOP")]
    found = build_service_map(rows, polled, SINCE, SINCE + timedelta(minutes=10), namespaces=("shop", "mail"))
    return Graph(found, version="1.2.3", view=View(by_namespace=True))


def hostile() -> Graph:
    """Every hostile name as service, topic and one more kind, and wherever else a name can be."""
    nodes = [
        Node(id=f"{kind}:{name}", kind=kind, name=name, namespace=name if kind == "service" else None)
        for number, name in enumerate(NAMES)
        for kind in ("service", "topic", _OTHERS[number % len(_OTHERS)])
    ]
    row = ContractRow("", "", 1, 0, MINUTE, 2 * MINUTE)
    template = build_service_map(
        [EdgeRow("service:a", "topic:b", "async", "k", 1, 0, 1, 2, 3, 1, 0, 0, (row,))], [], SINCE, SINCE
    ).edges[0]
    edges = [
        _edge(template, nodes[at].id, nodes[(at + 1) % len(nodes)].id, nodes[at].name, at)
        for at in range(len(nodes))
    ]
    edges.append(_edge(template, nodes[0].id, nodes[0].id, "self", 0))
    found = ServiceMap(since=SINCE, until=SINCE + timedelta(hours=1), nodes=nodes, edges=edges)
    everything = " ".join(NAMES)
    return Graph(found, everything, everything, everything, View(by_namespace=True))


def _edge(template: Edge, source: str, target: str, name: str, number: int) -> Edge:
    [contract] = template.contracts
    return template.model_copy(
        update={
            "source": source,
            "target": target,
            "kind": "async" if number % 2 else "sync",
            "protocol": name,
            "errors": number % 2,
            "contracts": [contract.model_copy(update={"event_type": name, "version": name})],
        }
    )


def an_order() -> Graph:
    """One order, whose steps formats with sequences draw."""
    story = build_story("order", "123", hybrid_order(), Consumption())
    rows = [
        EdgeRow("entry:clients", "service:order", "sync", "http", 1, 0, 1, 2, 3, 1, 0, 0),
        EdgeRow("service:order", "service:pricing", "sync", "grpc", 1, 0, 1, 2, 3, 1, 0, 0),
        EdgeRow("service:order", "topic:orders", "async", "kafka", 1, 0, 1, 2, 3, 1, 0, 0),
        EdgeRow("topic:orders", "group:payment", "async", "kafka", 1, 0, 1, 2, 3, 1, 0, 0),
        EdgeRow("group:payment", "service:payment", "async", "kafka", 1, 0, 1, 2, 3, 1, 0, 0),
    ]
    found = build_service_map(rows, [], SINCE, SINCE + timedelta(hours=1))
    return Graph(of_order(found, story), "order 123", version="1.2.3", story=story)


def graphs() -> dict[str, Graph]:
    """All of them, by name."""
    return {"shop": shop(), "hostile": hostile(), "order": an_order()}
