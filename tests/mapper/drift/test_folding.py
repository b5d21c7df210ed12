"""Names without what differs in each run."""

import pytest

from laban_mapper.drift.folding import folded, folded_operation


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("console-consumer-48213", "console-consumer-{id}"),
        ("reply-3f2a9c11-aaaa-bbbb-cccc-0123456789ab", "reply-{id}"),
        ("api-7d9f8b6c55-x2x4z", "api-{id}"),
        ("jobs-deadbeef42", "jobs-{id}"),
        ("127.0.0.1:45123", "{ip}:{port}"),
        ("postgresql/stock@10.0.0.5:5432", "postgresql/stock@{ip}:5432"),
        ("localhost:41233", "localhost:{port}"),
        ("[::1]:9092", "{ip}:9092"),
        ("logs-2026.11.28", "logs-{date}"),
    ],
)
def test_what_differs_in_each_run_is_folded(name: str, without: str) -> None:
    assert folded(name) == without
    assert folded(without) == without


@pytest.mark.parametrize(
    "name",
    [
        *("order", "orders-v2", "eu-west-1", "x509", "s3", "order.created.v10", "orders-2024", "node-12"),
        *("localhost:5432", "redis/0", "ORDERS:created:audit", "a:b:c", "bestellungen-ö", "decade", "added"),
    ],
)
def test_names_stay(name: str) -> None:
    assert folded(name) == name


def test_operations_keep_the_parameters_of_their_route() -> None:
    assert folded_operation("GET /users/{customer_id}") == "GET /users/{customer_id}"
    assert folded_operation("GET /users/48213/orders") == "GET /users/{id}/orders"
    assert folded_operation("shop.v1.Pricing/Quote") == "shop.v1.Pricing/Quote"
