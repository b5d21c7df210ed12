"""AsyncAPI and OpenAPI documents against what one service did."""

import pytest

from laban_mapper.drift.choreography import choreography_of
from laban_mapper.drift.documents.checks import check_document
from laban_mapper.drift.yaml_nodes import Document
from laban_mapper.errors import BadDocument, UnknownService
from laban_mapper.model_drift import Choreography, DriftCheck

from .systems import HOPS, HYBRID, PROOF, edge, operation, ran, system_map

ASYNCAPI = """\
asyncapi: 3.0.0
info:
  title: Order Service
  version: 1.0.0
channels:
  orderEvents:
    address: orders
  paymentEvents:
    address: payments.{region}
operations:
  publishOrders:
    action: send
    channel:
      $ref: '#/channels/orderEvents'
  onPayment:
    action: receive
    channel:
      $ref: '#/channels/paymentEvents'
"""
OPENAPI = """\
openapi: 3.1.0
info: {title: order-api, version: '1'}
servers:
  - url: https://shop.example/api
paths:
  /orders:
    parameters: []
    post: {}
  /orders/{id}:
    $ref: '#/components/pathItems/one'
  /health:
    get: {}
components:
  pathItems:
    one:
      get: {}
      delete: {}
"""


def checked(
    text: str, found: Choreography, *, complete: bool = False, service: str | None = None
) -> DriftCheck:
    return check_document(Document("api.yaml", text.encode()), found, complete=complete, service=service)


def told(answer: DriftCheck) -> list[tuple[str, str, int | None]]:
    return [(item.kind, item.place, item.line) for item in answer.items]


PAYMENTS = (
    edge("service:payment", "topic:payments.eu"),
    edge("topic:payments.eu", "group:order"),
    edge("group:order", "service:order"),
)


def test_a_service_that_does_what_its_asyncapi_document_says_has_no_drift() -> None:
    answer = checked(ASYNCAPI, ran(*HYBRID, *PAYMENTS))
    assert (answer.document, answer.drifted, answer.items) == ("asyncapi", False, [])
    assert answer.verdict == "What runs matches the AsyncAPI document."


def test_what_an_asyncapi_document_does_not_say_is_undeclared_with_a_proof() -> None:
    text = ASYNCAPI.replace("action: send", "action: receive")
    answer = checked(text, ran(*HYBRID, *PAYMENTS), complete=True)
    assert told(answer) == [
        ("undeclared", "order sends to topic orders", None),
        ("unobserved", "order receives from topic orders", 11),
    ]
    assert answer.items[0].traces == [PROOF]


def test_what_an_asyncapi_document_says_is_unobserved_only_after_enough_traffic() -> None:
    few = [one.model_copy(update={"calls": 3}) for one in HYBRID]
    assert [item.kind for item in checked(ASYNCAPI, ran(*few)).items] == ["too-little-traffic"]
    answer = checked(ASYNCAPI, ran(*few), complete=True)
    assert told(answer) == [("unobserved", "order receives from topic payments.{region}", 15)]


def test_channels_without_operations_are_used_in_either_way() -> None:
    text = ASYNCAPI[: ASYNCAPI.index("operations:")]
    assert checked(text, ran(*HYBRID, *PAYMENTS)).items == []


def orders(*names: str, calls: int = 300) -> Choreography:
    asked = [operation(None, "order", name, calls) for name in names]
    return choreography_of(system_map(edge("entry:clients", "service:order", calls)), asked, HOPS)


def test_a_service_that_is_asked_what_its_openapi_document_says_has_no_drift() -> None:
    seen = orders("POST /api/orders", "GET /api/orders/{order_id}", "DELETE /orders/:id", "GET /health")
    assert checked(OPENAPI, seen).items == []
    # Methods that servers answer by themselves, and operations of which spans tell no path.
    extra = orders("OPTIONS /orders", "HEAD /health", "GET", "POST /orders", "GET /health", "GET /orders/{}")
    kinds = {(item.kind, item.place) for item in checked(OPENAPI, extra, complete=True).items}
    assert kinds == {("unobserved", "order DELETE /orders/{id}")}


def test_undeclared_and_unobserved_operations_of_an_openapi_document() -> None:
    seen = orders("POST /orders", "GET /orders/{id}", "DELETE /orders/{id}", "PATCH /orders/{id}")
    answer = checked(OPENAPI, seen)
    assert told(answer) == [
        ("undeclared", "order PATCH /orders/{id}", None),
        ("unobserved", "order GET /health", 12),
    ]
    assert "about 300 were to be expected" in answer.items[1].sentence
    few = checked(OPENAPI, orders("POST /orders", calls=2))
    assert {item.kind for item in few.items} == {"too-little-traffic"}
    assert not few.drifted


def test_the_service_is_found_by_its_title_or_named() -> None:
    text = OPENAPI.replace("order-api", "Something else")
    with pytest.raises(UnknownService, match=r"no service 'Something else' was seen.*--service: order"):
        checked(text, orders("POST /orders"))
    assert checked(text, orders("POST /orders"), service="order").items


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("asyncapi: 2.6.0", "api.yaml:1: asyncapi '2.6.0' is not supported"),
        ("swagger: '2.0'", "api.yaml:1: neither 'laban-choreography:'"),
        (ASYNCAPI.replace("action: send", "action: publish"), ":12: action 'publish' is neither send nor"),
        (ASYNCAPI.replace("#/channels/orderEvents", "#/channels/x"), ":14: '#/channels/x' leads nowhere"),
        (ASYNCAPI.replace("#/channels/orderEvents", "a.yaml#/x"), ":14: 'a.yaml#/x' is in another file"),
        (OPENAPI.replace("paths:", "paths: x\nother:"), ":5: paths must be a mapping"),
        (
            OPENAPI.replace(
                "      get: {}\n      delete: {}\n", "      $ref: '#/components/pathItems/one'\n"
            ),
            "leads to another one",
        ),
    ],
)
def test_a_bad_document_is_told_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(BadDocument) as refused:
        checked(text, ran(*HYBRID), service="order")
    assert problem in str(refused.value)


def test_a_json_document_is_read_as_well() -> None:
    text = '{"openapi": "3.0.3", "info": {"title": "order"},\n "paths": {"/orders": {"post": {}}}}'
    assert checked(text, orders("POST /orders")).items == []
