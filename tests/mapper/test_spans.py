import pytest

from laban_mapper.profiles.steps import operation_without_ids
from laban_mapper.spans import error_of, operation_of

from .shop_spans import raised, span


@pytest.mark.parametrize(
    ("route", "name", "path", "operation", "without_ids"),
    [
        ("/orders/{id}", "GET", "/orders/12", "GET /orders/{id}", "GET /orders/{id}"),
        ("/{id}", "GET /{id}", "/12", "GET /{id}", "GET /{id}"),
        ("/*", "GET /*", "/orders/12", "GET /orders/12", "GET /orders/{}"),
        ("/**", "listOrders", "/orders/12", "listOrders", "listOrders"),
        ("/{path:path}", "GET /{path:path}", "/orders/12", "GET /orders/12", "GET /orders/{}"),
        ("/{proxy+}", "ANY /{proxy+}", "/orders/12", "GET /orders/12", "GET /orders/{}"),
        ("/*", "GET /*", None, "GET /*", "GET /*"),
        (None, "GET", "/orders/12", "GET /orders/12", "GET /orders/{}"),
        (None, "GET", None, "GET", "GET"),
    ],
)
def test_a_route_for_every_path_is_replaced_by_what_is_known(
    route: str | None, name: str, path: str | None, operation: str, without_ids: str
) -> None:
    attributes = {"url.path": path} if path else {}
    one = span("shop", name, 2, 0, 1, http_method="GET", http_route=route, attributes=attributes)
    assert (operation_of(one), operation_without_ids(one)) == (operation, without_ids)


def test_the_dump_of_a_grpc_error_is_told_in_one_line() -> None:
    dump = '<_InactiveRpcError of RPC\n\tstatus = StatusCode.UNAVAILABLE\n\tdetails = "refused"\n>'
    failing = span("shop", "Reserve", 3, 0, 1, status=2, events=raised("grpc._InactiveRpcError", dump))
    assert error_of(failing) == "UNAVAILABLE: refused"
