"""Many new resources and scopes are searched at once; the result must be that of protecting each one."""

from collections.abc import Sequence

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from laban_collector.decode.origins import Origin, OriginReader
from laban_collector.protect.limits import AttributeLimits
from laban_collector.protect.protection import Protection
from laban_collector.protect.redaction import Redactor

from ..protect.corpus import ordinary_attributes, secret_attributes
from ..requests import key_values, span

_ONE, _MANY = 20, 400


def hostile(seed: int) -> list[ExportTraceServiceRequest]:
    """Requests with one new resource and one new scope each; half of them hide something."""
    requests: list[ExportTraceServiceRequest] = []
    ordinary = list(ordinary_attributes(seed, _MANY))
    for number, hidden in enumerate(secret_attributes(seed, _MANY)):
        sent = ExportTraceServiceRequest()
        group = sent.resource_spans.add()
        scopes = group.scope_spans.add(spans=[span(number)])
        text = hidden.value if isinstance(hidden.value, str) else f"password={hidden.secret}"
        attributes: dict[str, object] = dict([ordinary[number]])
        places: tuple[dict[str, object], ...] = (
            {hidden.key: hidden.value},
            {text: "x"},
            {"service.name": text},
            {"service.namespace": text},
            {"service.version": text, "service.instance.id": text},
            {"long": "x" * number},
            {f"key {at}": at for at in range(number)},
        )
        attributes = {"number": number} | attributes | places[number % len(places)]
        group.resource.attributes.extend(key_values(attributes))
        scopes.scope.name = text if number % 2 else f"scope {number}"
        scopes.scope.version = text if number % 3 == 1 else ""
        scopes.scope.attributes.extend(key_values(attributes if number % 5 else {}))
        requests.append(sent)
    return requests


def read(requests: Sequence[ExportTraceServiceRequest], size: int, redactor: Redactor) -> list[Origin]:
    """Read the requests, some at once."""
    reader = OriginReader(Protection(redactor, AttributeLimits(attributes=50, length=100)))
    found: list[Origin] = []
    for start in range(0, len(requests), size):
        joined = ExportTraceServiceRequest()
        for one in requests[start : start + size]:
            joined.MergeFrom(one)
        found += reader.read(joined)
    return found


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("redactor", [Redactor(), Redactor(["order.id", "number"], ["token"])])
def test_many_new_origins_are_protected_like_one(seed: int, redactor: Redactor) -> None:
    requests = hostile(seed)
    many = read(requests, _MANY, redactor)
    assert many == read(requests, _ONE, redactor)
    assert sum("[redacted]" in str(origin) for origin in many) > _MANY // 3
