from dataclasses import replace

from laban_mapper.names import listed, shortened, with_namespaces

from .shop_spans import http_server


def test_a_long_name_keeps_both_ends() -> None:
    name = "GET /" + "x" * 500 + "/items"
    short = shortened(name, 30)
    assert len(short) == 30
    assert short.startswith("GET /")
    assert short.endswith("/items")
    assert shortened("GET /items", 30) == "GET /items"


def test_only_ambiguous_service_names_get_a_namespace() -> None:
    shop = http_server("api", "GET /", 0, 1, namespace="shop")
    none = http_server("api", "GET /", 0, 1)
    user = http_server("user", "GET /", 0, 1, namespace="shop")
    assert [span.service for span in with_namespaces([shop, none, user])] == ["shop/api", "api", "user"]
    unambiguous = [shop, user, replace(shop, span_id="f" * 16)]
    assert with_namespaces(unambiguous) is unambiguous


def test_names_in_a_sentence_are_distinct_and_bounded() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "a"]) == "a and b"
    assert listed([f"n{number}" for number in range(20)]) == "n0, n1, n2, n3, n4 and 15 more"
