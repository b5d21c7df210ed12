"""The user journeys in the simulated shop, each with its spans, across more than 40 services."""

from typing import Final, NamedTuple

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5

Attributes = dict[str, str | int | bool]


class Step(NamedTuple):
    """One span of a journey.

    Attributes:
        parent: index of the step that caused it; -1 for a root.
        keys: the business keys in its attributes, `order` or `customer`.
        new_trace: whether it starts a new trace that only links to its parent.
    """

    service: str
    name: str
    kind: int
    parent: int
    attributes: Attributes
    keys: tuple[str, ...] = ()
    new_trace: bool = False


class Journey(NamedTuple):
    """A user journey and its share in percent."""

    percent: int
    steps: tuple[Step, ...]


def _http(method: str, route: str, peer: str, port: int) -> Attributes:
    return {
        "http.request.method": method,
        "http.route": route,
        "url.path": route,
        "url.scheme": "http",
        "server.address": peer,
        "server.port": port,
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "user_agent.original": "python-httpx/0.28.1",
        "client.address": "10.0.3.17",
    }


def _database(operation: str, table: str) -> Attributes:
    return {
        "db.system.name": "postgresql",
        "db.namespace": "shop",
        "db.operation.name": operation,
        "db.collection.name": table,
        "db.query.text": f"{operation} * FROM {table} WHERE id = $1",
        "server.address": "postgres-0",
        "server.port": 5432,
    }


def _kafka(topic: str, operation: str, group: str = "") -> Attributes:
    attributes: Attributes = {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.operation.type": operation,
        "messaging.operation.name": operation,
        "messaging.client.id": "kafka-python-3.0",
        "messaging.destination.partition.id": "3",
        "messaging.message.body.size": 512,
        "server.address": "kafka-1",
        "server.port": 9092,
    }
    return attributes | ({"messaging.consumer.group.name": group} if group else {})


def _consumer(topic: str, service: str, parent: int, *keys: str, new_trace: bool = False) -> Step:
    return Step(
        service,
        f"{topic} process",
        CONSUMER,
        parent,
        _kafka(topic, "process", service),
        keys,
        new_trace=new_trace,
    )


def _calls(*services: str) -> tuple[Step, ...]:
    """Return a chain of calls: each service calls the next one, and the last one calls its database."""
    steps: list[Step] = []
    for number, service in enumerate(services):
        request = _http("GET", f"/{service}/{{sku}}", service, 8100 + number)
        steps.append(Step(service, f"GET /{service}/{{sku}}", SERVER, len(steps) - 1, request))
        if number + 1 < len(services):
            request = _http("GET", f"/{services[number + 1]}/{{sku}}", services[number + 1], 8101 + number)
            steps.append(Step(service, "GET", CLIENT, len(steps) - 1, request))
    query = _database("SELECT", services[-1])
    steps.append(Step(services[-1], f"SELECT {services[-1]}", CLIENT, len(steps) - 1, query))
    return tuple(steps)


_ORDER: Final = (
    Step("gateway", "POST /orders", SERVER, -1, _http("POST", "/orders", "shop", 443), ("order", "customer")),
    Step("gateway", "POST", CLIENT, 0, _http("POST", "/orders", "order", 8081)),
    Step(
        "order",
        "POST /orders/{order_id}",
        SERVER,
        1,
        _http("POST", "/orders/{order_id}", "order", 8081),
        ("order",),
    ),
    Step("order", "POST", CLIENT, 2, _http("POST", "/reserve/{sku}", "inventory", 8082)),
    Step("inventory", "POST /reserve/{sku}", SERVER, 3, _http("POST", "/reserve/{sku}", "inventory", 8082)),
    Step("inventory", "SELECT stock", CLIENT, 4, _database("SELECT", "stock")),
    Step("order", "GET", CLIENT, 2, _http("GET", "/price/{sku}", "pricing", 8083)),
    Step("pricing", "GET /price/{sku}", SERVER, 6, _http("GET", "/price/{sku}", "pricing", 8083)),
    Step("order", "INSERT orders", CLIENT, 2, _database("INSERT", "orders")),
    Step("order", "orders send", PRODUCER, 2, _kafka("orders", "send"), ("order",)),
    _consumer("orders", "email", 9, "order"),
    _consumer("orders", "payment", 9, "order"),
    # A new trace; the messages that it sends name no order.
    _consumer("orders", "fulfilment", 9, "order", new_trace=True),
    Step("fulfilment", "shipments send", PRODUCER, 12, _kafka("shipments", "send")),
    _consumer("shipments", "courier", 13, new_trace=True),
)
_TRACK: Final = (
    Step(
        "gateway",
        "GET /orders/{order_id}",
        SERVER,
        -1,
        _http("GET", "/orders/{order_id}", "shop", 443),
        ("order",),
    ),
    Step("gateway", "GET", CLIENT, 0, _http("GET", "/orders/{order_id}", "order", 8081)),
    Step("order", "GET /orders/{order_id}", SERVER, 1, _http("GET", "/orders/{order_id}", "order", 8081)),
    Step("order", "SELECT orders", CLIENT, 2, _database("SELECT", "orders")),
)

ORDER: Final = "order"
TRACK: Final = "track"

JOURNEYS: Final[dict[str, Journey]] = {
    ORDER: Journey(45, _ORDER),
    TRACK: Journey(25, _TRACK),
    "browse": Journey(10, _calls("gateway", "catalog", "search", "suggest")),
    "product": Journey(8, _calls("gateway", "product", "review", "rating", "image")),
    "login": Journey(5, _calls("gateway", "auth", "user", "session", "audit")),
    "basket": Journey(3, _calls("gateway", "basket", "voucher", "tax", "currency")),
    "advertise": Journey(1, _calls("gateway", "advert", "profile", "segment", "bidding", "budget")),
    "return": Journey(1, _calls("support", "ticket", "refund", "ledger", "fraud", "risk")),
    "stock": Journey(1, _calls("supplier", "purchase", "warehouse", "forecast", "report", "archive")),
    "admin": Journey(1, _calls("backoffice", "staff", "permission", "feature", "config", "mailer")),
}
"""Journeys by name. `order` places an order and processes its messages; `track` looks one up."""
