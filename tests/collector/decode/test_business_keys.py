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


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1234.0, {"1234"}),
        (-7.0, {"-7"}),
        (2.0**60, {"1.152921504606847e+18"}),
        (True, {"true"}),
        (False, {"false"}),
        (["a", 7, 8.0, True, 1.5, "", ["b"], {"c": "d"}, None, "a"], {"a", "7", "8", "true"}),
        ([], set[str]()),
    ],
)
def test_a_value_of_another_type_is_found_as_text(value: object, found: set[str]) -> None:
    assert KeyFinder().find({"order.id": value}) == {("order.id", text) for text in found}


def test_a_long_list_has_a_bounded_number_of_values() -> None:
    found = KeyFinder().find({"order.id": list(range(10_000))})
    assert found == {("order.id", str(number)) for number in range(100)}


def test_a_resource_or_scope_has_business_keys_except_those_of_its_platform() -> None:
    found = KeyFinder().of_origin('{"tenant.id":"t-1","host.id":"h","heroku.app.id":"a","shop_ids":["x"]}')
    assert found == (("tenant.id", "t-1"),)


def test_events_and_links_have_business_keys_except_the_number_of_a_message_in_a_stream() -> None:
    found = KeyFinder().of_children(['{"order.id":["1","2"]}', None, '{"message.id":7}', '{"userId":3}'])
    assert set(found) == {("order.id", "1"), ("order.id", "2"), ("user.id", "3")}


def test_a_rule_may_name_an_attribute_that_is_no_business_key_by_default() -> None:
    finder = KeyFinder(parse_rules("message.id=attribute:message.id|attribute:vcs.change.id"))
    assert set(finder.of_children(['{"message.id":7}'])) == {("message.id", "7")}
    assert finder.of_origin('{"vcs.change.id":"9"}') == (("message.id", "9"),)


@pytest.mark.parametrize("value", ["", "x" * 129, "a\nb", 1.5, None, {"id": "1"}])
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
