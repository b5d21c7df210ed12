import pytest

from laban.business_keys.keys import parse_rules
from laban_collector.decode.business_keys import KeyFinder


@pytest.mark.parametrize("name", ["order.id", "order_id", "orderId", "app.order.id", "shop.order_id"])
def test_an_attribute_named_like_an_id_is_found_without_configuration(name: str) -> None:
    assert KeyFinder().find({name: "123"}) == {("order.id", "123")}


def test_a_number_is_found_like_a_string() -> None:
    assert KeyFinder().find({"order.id": 123}) == {("order.id", "123")}


@pytest.mark.parametrize(
    "name", ["messaging.message.id", "session.id", "thread.id", "trace_id", "k8s.pod.id"]
)
def test_technical_ids_are_not_business_keys(name: str) -> None:
    assert KeyFinder().find({name: "123"}) == set()


@pytest.mark.parametrize("value", ["", "x" * 129, "a\nb", 1.5, True, ["1"]])
def test_a_value_that_cannot_be_an_id_is_ignored(value: object) -> None:
    assert KeyFinder().find({"order.id": value}) == set()


@pytest.mark.parametrize(
    "where",
    [
        {"url.path": "/orders/123"},
        {"http.target": "/orders/123?full=1"},
        {"url.full": "http://order:8080/orders/123?full=1"},
        {"http.url": "https://order/orders/123#top"},
    ],
)
@pytest.mark.parametrize("template", ["/orders/{order_id}", "/orders/:order_id", "/orders/{id}"])
def test_a_route_parameter_is_found_in_the_path(where: dict[str, object], template: str) -> None:
    assert KeyFinder().find(where, route=template) == {("order.id", "123")}


def test_the_url_template_of_a_client_is_used() -> None:
    attributes = {"url.template": "/orders/{id}", "url.full": "http://order/orders/123"}
    assert KeyFinder().find(attributes) == {("order.id", "123")}


def test_a_malformed_url_has_no_keys() -> None:
    assert KeyFinder().find({"url.full": "http://[::1/orders/1"}, route="/orders/{id}") == set()


def test_a_message_key_is_kafka_key_unless_a_rule_names_it() -> None:
    rules = parse_rules("order.id=kafka.key:orders*")
    assert KeyFinder().find({}, topic="orders", message_key="123") == {("kafka.key", "123")}
    assert KeyFinder(rules).find({}, topic="orders.v1", message_key="123") == {("order.id", "123")}
    assert KeyFinder(rules).find({}, topic="users", message_key="123") == {("kafka.key", "123")}


def test_rules_add_attributes_and_route_parameters() -> None:
    finder = KeyFinder(parse_rules("order.id=route:ref|attribute:app.reference"))
    assert finder.find({"url.path": "/o/123", "app.reference": "456"}, route="/o/{ref}") == {
        ("order.id", "123"),
        ("order.id", "456"),
    }
