"""API v1 against the code with which Jaeger converts OTLP to its own model."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from ....mapper.shop_spans import TRACE
from .conftest import FAILED, LINKED, SHORT, SKEWED, WHOLE, Get

CONVERTER: Final = Path(__file__).parent / "reference" / ".built" / "converter"
BUILD: Final = "(cd tests/app/server/jaeger/reference && go build -o .built/converter .)"
SAFE: Final = 2**53 - 1


def by_key(tags: list[dict[str, Any]]) -> dict[str, Any]:
    """Types and values by key; Jaeger's JSON has integers that JavaScript would round as text."""
    assert len({tag["key"] for tag in tags}) == len(tags)
    return {
        tag["key"]: (tag["type"], str(tag["value"]))
        if tag["type"] == "int64" and abs(int(tag["value"])) > SAFE
        else (tag["type"], tag["value"])
        for tag in tags
    }


def comparable(span: dict[str, Any], process: dict[str, Any]) -> dict[str, Any]:
    """What Jaeger's model has of a span; tags have no order."""
    fields = ("traceID", "spanID", "operationName", "references", "startTime", "duration")
    return {
        **{name: span[name] for name in fields},
        "tags": by_key(span["tags"]),
        "logs": [(log["timestamp"], by_key(log["fields"])) for log in span["logs"]],
        "process": (process["serviceName"], by_key(process["tags"])),
    }


@pytest.mark.skipif(not CONVERTER.exists(), reason=f"Jaeger's converter is not built: {BUILD}")
def test_api_v1_is_what_jaeger_makes_of_the_otlp_of_api_v3(jaeger: Get) -> None:
    for trace_id in (TRACE, FAILED, LINKED, SKEWED, SHORT, WHOLE):
        [trace] = jaeger(f"/api/traces/{trace_id}?raw=true").body["data"]
        otlp = json.dumps(jaeger(f"/api/v3/traces/{trace_id}?rawTraces=true").body["result"])
        converted = subprocess.run(
            [CONVERTER], input=otlp, capture_output=True, text=True, check=True, timeout=60
        )
        expected = [comparable(span, span["process"]) for span in json.loads(converted.stdout)]
        found = [comparable(span, trace["processes"][span["processID"]]) for span in trace["spans"]]
        assert by_id(found) == by_id(expected)


def by_id(spans: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The spans by their IDs."""
    assert len({span["spanID"] for span in spans}) == len(spans)
    return {span["spanID"]: span for span in spans}
