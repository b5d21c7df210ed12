"""Access control of OTLP/HTTP."""

from collections.abc import Generator

import httpx
import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed

from laban_collector.address import Address
from laban_collector.receive.access import Access
from laban_collector.receive.http import HttpReceiver

from ..receivers import Inbox, started

TOKEN = "correct-horse"
PAGE = "https://shop.example"
PROTOBUF = {"content-type": "application/x-protobuf"}
BEARER = PROTOBUF | {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def client(inbox: Inbox) -> Generator[httpx.Client, None, None]:
    access = Access(TOKEN, frozenset({"laban"}), frozenset({PAGE}))
    receiver = HttpReceiver(Address("127.0.0.1", 0), inbox.intake(), access)
    with started(receiver) as address, httpx.Client(base_url=f"http://{address}") as connected:
        yield connected


def post(client: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    return client.post("/v1/traces", content=b"x", headers=headers)


def test_a_request_with_the_token_is_accepted(client: httpx.Client, inbox: Inbox) -> None:
    answer = post(client, BEARER)
    assert answer.status_code == 200
    assert not {"vary", "access-control-allow-origin"} & set(answer.headers)
    assert inbox.bodies == [b"x"]


@pytest.mark.parametrize("given", [None, "Bearer wrong-horse", TOKEN])
def test_requests_without_the_token_are_refused(
    client: httpx.Client, inbox: Inbox, given: str | None
) -> None:
    answer = post(client, PROTOBUF if given is None else PROTOBUF | {"authorization": given})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    status = Status.FromString(answer.content)
    assert status.code == 16
    assert "OTEL_EXPORTER_OTLP_HEADERS" in status.message
    assert not inbox.bodies


def test_an_unknown_host_is_refused_even_with_the_token(client: httpx.Client, inbox: Inbox) -> None:
    answer = post(client, BEARER | {"host": "evil.example"})
    assert answer.status_code == 403
    assert "LABAN_HOSTS" in Status.FromString(answer.content).message
    assert not inbox.bodies
    assert post(client, BEARER | {"host": "laban:4318"}).status_code == 200


def test_an_unknown_origin_is_refused_even_with_the_token(client: httpx.Client, inbox: Inbox) -> None:
    answer = post(client, BEARER | {"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert "LABAN_CORS_ORIGINS" in Status.FromString(answer.content).message
    assert not inbox.bodies


def test_a_permitted_origin_may_read_the_response(client: httpx.Client) -> None:
    answer = post(client, BEARER | {"origin": PAGE})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, PAGE)
    assert answer.headers["vary"] == "Origin"
    refused = post(client, PROTOBUF | {"origin": PAGE})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PAGE)


def test_a_preflight_request_needs_no_token(client: httpx.Client, inbox: Inbox) -> None:
    asks = {"origin": PAGE, "access-control-request-method": "POST"}
    answer = client.options("/v1/traces", headers=asks)
    assert (answer.status_code, answer.headers["access-control-allow-methods"]) == (204, "POST")
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert (answer.headers["access-control-allow-origin"], answer.content) == (PAGE, b"")
    other = client.options("/v1/traces", headers=asks | {"access-control-request-method": "DELETE"})
    assert (other.status_code, other.headers["access-control-allow-methods"]) == (204, "POST")
    foreign = client.options("/v1/traces", headers=asks | {"origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert not inbox.bodies
