"""Documents with random changes: they are read or counted, and cost no other document."""

import copy
import json
import random
from typing import Any, Final

import pytest

from laban_collector.decode.batch_builder import BatchBuilder, SentSpan
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp import OtlpDecoder
from laban_collector.decode.results import AcceptedRequest, Problems
from laban_collector.importing.chunks import Chunk, Kind
from laban_collector.importing.documents import contents

from ...json_requests import json_request, json_span
from . import datadog_spans, xray_documents

VALUES: Final[tuple[object, ...]] = (
    *(None, True, -1, 0, 2**64, 1.5, 1e300, "", "x", "é\u202e\0", "[", "a" * 40),
    *([], {}, [None], [[]], {"a": {"b": [1]}}, [{"a": None}]),
)
KEYS: Final = ("type", "meta", "subsegments", "trace_id", "attributes", "x", "inferred", "in_progress")
DOCUMENTS: Final[dict[str, Any]] = {
    "X-Ray": xray_documents.chain(),
    "BatchGetTraces": {
        "Traces": [{"Segments": [{"Document": json.dumps(one)} for one in xray_documents.chain()]}],
        "UnprocessedTraceIds": ["x"],
    },
    "Datadog": datadog_spans.chain(),
    "Datadog API": {
        "data": [
            {
                "attributes": {
                    "span_id": "7",
                    "trace_id": "9",
                    "start_timestamp": "2026-11-18T10:00:00.250Z",
                    "end_timestamp": "2026-11-18T10:00:00.750Z",
                    "custom": {"http": {"method": "GET"}, "duration": 5},
                    "tags": ["env:prod"],
                }
            }
        ]
    },
    "Jaeger v3": {"result": json_request(json_span(), json_span(spanId="2" * 16))},
    "Tempo": {"batches": json_request(json_span())["resourceSpans"]},
}


def places(document: Any) -> list[tuple[Any, Any]]:
    """Return each container in a document with each of its keys or positions."""
    found: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        one = waiting.pop()
        below = list(one.items()) if isinstance(one, dict) else list(enumerate(one))
        found += [(one, key) for key, _ in below]
        waiting += [value for _, value in below if isinstance(value, (dict, list))]
    return found


def change(document: Any, chance: random.Random) -> None:
    """Change a document in one to three places."""
    for _ in range(chance.randrange(1, 4)):
        found = places(document)
        if not found:
            return
        container, key = chance.choice(found)
        match chance.randrange(4):
            case 0:
                del container[key]
            case 1 if isinstance(container, dict):
                container[chance.choice(KEYS)] = copy.deepcopy(chance.choice(VALUES))
            case 2:
                container[key] = copy.deepcopy(chance.choice(found)[0])
            case _:
                container[key] = copy.deepcopy(chance.choice(VALUES))


OTHER: Final = (
    xray_documents.segment("other", trace_id="1-58406520-eeeeeeeeeeeeeeeeeeeeeeee"),
    datadog_spans.span(77, trace_id=77, resource="other"),
    json_request(json_span(spanId="7" * 16, name="other")),
)
"""One document of each kind, which no change touches."""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_changed_document_is_read_or_counted_and_costs_no_other(name: str) -> None:
    builder, requests, rounds = BatchBuilder(KeyFinder()), list[bytes](), 150
    for seed in range(rounds):
        document = copy.deepcopy(DOCUMENTS[name])
        change(document, random.Random(seed))  # noqa: S311 - a test
        lines = [json.dumps(one).encode() for one in (document, *OTHER)]
        for content in contents(Chunk(Kind.LINES, lines), Problems()):
            if isinstance(content, SentSpan):
                builder.add(content)
            else:
                requests.append(content.body)
    batch = builder.to_batch()
    for table in (batch.spans, batch.events, batch.links, batch.resources, batch.correlations):
        table.validate(full=True)
    decoded = OtlpDecoder(KeyFinder()).decode(requests)
    assert all(isinstance(outcome, AcceptedRequest) for outcome in decoded.outcomes)
    names = batch.spans["name"].to_pylist() + decoded.batch.spans["name"].to_pylist()
    assert names.count("other") >= rounds * len(OTHER)
