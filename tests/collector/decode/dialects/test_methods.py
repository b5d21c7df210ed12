import pytest

from laban_collector.batch.attributes import Value
from laban_collector.decode.promotion import promote

CLIENT = 3


@pytest.mark.parametrize("method", ["shop.Orders/Get", "/shop.Orders/Get"])
def test_a_full_method_name_gives_service_and_method_like_older_conventions(method: str) -> None:
    columns, rest = promote({"rpc.system.name": "grpc", "rpc.method": method}, CLIENT)
    assert columns == {"rpc_system": "grpc", "rpc_service": "shop.Orders", "rpc_method": "Get"}
    assert rest == {"rpc.method": method}


def test_a_full_method_name_beside_its_service_is_shortened_too() -> None:
    sent: dict[str, Value] = {
        "rpc.system": "grpc",
        "rpc.service": "shop.Orders",
        "rpc.method": "shop.Orders/Get",
    }
    assert promote(sent, CLIENT)[0]["rpc_method"] == "Get"


@pytest.mark.parametrize(
    ("system", "service", "method"),
    [
        ("jsonrpc", None, "tools/call"),
        ("grpc", "shop.Orders", "other/Get"),
        (None, None, "a/b"),
        ("grpc", None, "Get/"),
    ],
)
def test_other_slashes_stay(system: str | None, service: str | None, method: str) -> None:
    sent: dict[str, Value] = {"rpc.method": method}
    sent |= {"rpc.system": system} if system else {}
    sent |= {"rpc.service": service} if service else {}
    columns, _ = promote(sent, CLIENT)
    assert (columns.get("rpc_service"), columns["rpc_method"]) == (service, method)
