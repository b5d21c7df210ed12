"""The pure functions for business keys: names, rules, routes, values."""

from urllib.parse import unquote

import pytest

from laban.business_keys.keys import (
    KeyRule,
    bounded,
    canonical_key,
    entity_of,
    parameter_names,
    parse_rules,
    route_keys,
    route_parameters,
    template_pattern,
)
from laban.errors import LabanError, MalformedRule


@pytest.mark.parametrize(
    ("name", "key"),
    [
        *(
            (name, "order.id")
            for name in ("order_id", "orderId", "OrderID", "app.order.id", "order.id", "ORDER_ID")
        ),
        ("customerOrderId", "customer_order.id"),
        ("X-Order-Id", "order.id"),
        ("x-correlation-id", "correlation.id"),
        ("correlation.id", "correlation.id"),
        ("laban.local.order.id", "order.id"),
    ],
)
def test_different_spellings_have_one_key(name: str, key: str) -> None:
    assert canonical_key(name) == key


@pytest.mark.parametrize(
    "name",
    [
        *("id", "", ".", "paid", "order", "order.total", "valid"),
        *("trace_id", "span_id", "parent_span_id", "parentId", "session.id", "request.id", "X-Request-ID"),
        *("messaging.message.id", "http.order.id", "k8s.pod.id", "service.instance.id", "thread.id"),
    ],
)
def test_technical_names_and_plain_words_are_not_business_keys(name: str) -> None:
    assert canonical_key(name) is None


def test_rules_of_all_sources_are_parsed() -> None:
    text = (
        "order.id=route:order_id|json:order.id|kafka.key:orders*|header:X-Order-Id; customerId=attribute:c\n"
    )
    assert parse_rules(text) == (
        KeyRule("order.id", "route", "order_id"),
        KeyRule("order.id", "json", "order.id"),
        KeyRule("order.id", "kafka.key", "orders*"),
        KeyRule("order.id", "header", "X-Order-Id"),
        KeyRule("customer.id", "attribute", "c"),
    )


def test_a_kafka_key_rule_without_a_topic_applies_to_all_topics() -> None:
    assert parse_rules("order.id=kafka.key") == (KeyRule("order.id", "kafka.key", "*"),)


def test_an_empty_text_has_no_rules() -> None:
    assert parse_rules(" ,; \n") == ()


@pytest.mark.parametrize(
    "entry", ["order.id", "order.id=", "=json:x", "a b=json:x", "o=cookie:x", "o=json", "o=json:"]
)
def test_the_error_for_a_malformed_rule_shows_the_accepted_syntax(entry: str) -> None:
    with pytest.raises(MalformedRule, match=r"LABAN_KEYS: .* Accepted: KEY=SOURCE") as refused:
        parse_rules(f"customer.id=json:customer,{entry}")
    assert isinstance(refused.value, ValueError)
    assert isinstance(refused.value, LabanError)


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("/orders/{order_id}", "/orders/1001", {"order_id": "1001"}),
        ("/orders/{order_id}", "/orders/1001/?full=1", {"order_id": "1001"}),
        ("/orders/{order_id}", "/orders/a%20b", {"order_id": "a b"}),
        ("/files/{name:path}", "/files/a/b", {"name": "a/b"}),
        ("/orders/:order_id/lines/:n", "/orders/1/lines/2", {"order_id": "1", "n": "2"}),
        ("/orders/<int:order_id>", "/orders/7", {"order_id": "7"}),
        ("/{a}/{a}", "/1/2", {"a": "1"}),
        ("/orders/{order_id}", "/orders/1/lines", {}),
        ("/a.b/{x}", "/aXb/1", {}),
    ],
)
def test_route_parameters_are_read_from_the_path(
    template: str, path: str, parameters: dict[str, str]
) -> None:
    assert route_parameters(template, path) == parameters


def test_the_parameter_id_is_named_after_the_collection_before_it() -> None:
    assert route_keys("/v1/orders/{id}", "/v1/orders/1001") == {"order.id": "1001"}
    assert route_keys("/orders/{order_id}/lines/{n}", "/orders/1/lines/2") == {"order.id": "1"}
    assert route_keys("/{id}", "/1") == {}


@pytest.mark.parametrize(
    ("collection", "entity"),
    [
        *(("orders", "order"), ("addresses", "address"), ("boxes", "box"), ("categories", "category")),
        *(("warehouses", "warehouse"), ("statuses", "status"), ("status", "status")),
        ("price-lists", "price_list"),
    ],
)
def test_the_entity_of_a_collection_is_its_singular(collection: str, entity: str) -> None:
    assert entity_of(collection) == entity


@pytest.mark.parametrize(("value", "kept"), [("1001", "1001"), (1001, "1001"), (" x ", "x"), ("é", "é")])
def test_ids_become_text(value: object, kept: str) -> None:
    assert bounded(value) == kept


@pytest.mark.parametrize("value", ["", " ", "x" * 129, "a\nb", "\x00", None, True, 1.5, ["1"], {"a": 1}])
def test_values_that_cannot_be_ids_are_rejected(value: object) -> None:
    assert bounded(value) is None


TEMPLATES = (
    "/orders/{order_id}",
    "/orders/{order_id}/",
    "/a/{x}/b/{x}",
    "/{x}",
    "/",
    "",
    "/a//{x}",
    "/a/:id/b",
    ":id/b",
    "/a/{x}-{y}",
    "/a/<int:x>",
    "/a/<x>",
    "/a/{x:path}",
    "/a/<path:x>/b",
    "/a/{path}",
    "/a.b/{x}",
    "/a/<regex(b/c):x>",
    "a/{x}//",
)
PATHS = (
    "/orders/1",
    "/orders/1/",
    "/orders/",
    "/orders//",
    "/a/1/b/2",
    "/a/1/b/",
    "/",
    "",
    "/1",
    "/1/",
    "/1//",
    "/a//1",
    "/a/1/b",
    "/a/1-2",
    "/a/1/2",
    "/a/1/2/b",
    "/aXb/1",
    "/a.b/1",
    "a/1",
    "a/1/",
    "a/1//",
    "/a/%31",
    "/a/1?x=/2",
    ":id/b",
)


@pytest.mark.parametrize("template", TEMPLATES)
def test_parameters_by_segments_are_those_of_the_pattern(template: str) -> None:
    assert parameter_names(template) == list(template_pattern(template).groupindex)
    for path in PATHS:
        match = template_pattern(template).fullmatch(path.partition("?")[0])
        expected = {name: unquote(value) for name, value in match.groupdict().items()} if match else {}
        assert route_parameters(template, path) == expected, path
