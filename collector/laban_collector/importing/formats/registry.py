"""The formats of trace files, in the order in which they are tried, and documents that have no spans."""

from typing import Any, Final

from laban_collector.importing.formats import console, datadog, jaeger, otlp, xray, zipkin
from laban_collector.importing.formats.format import Format

FORMATS: Final[tuple[Format, ...]] = (
    otlp.FORMAT,
    xray.FORMAT,
    datadog.FORMAT,
    jaeger.FORMAT,
    zipkin.FORMAT,
    console.FORMAT,
)

_UNKNOWN: Final = "neither OTLP nor Jaeger nor Zipkin v2 nor X-Ray nor Datadog"
_SHOWN: Final = 200
"""Characters of an error's message."""


def format_of(document: object) -> Format | None:
    """Return the format of a document; None if no format recognizes it."""
    return next((known for known in FORMATS if known.recognizes(document)), None)


def why_unknown(document: Any) -> str:
    """Return why a document without a format is not read."""
    match document:
        case {"SpanContext": _, "SpanKind": _}:
            return f"the output of Go's stdouttrace. {INSTEAD}"
        case {"TraceSummaries": _}:
            return (
                "summaries of X-Ray have no segments. Export the traces: "
                "aws xray batch-get-traces --trace-ids ID …"
            )
        case {"traces": [{"traceID": _, "rootTraceName": _}, *_]} | {"traces": [{"rootServiceName": _}, *_]}:
            return "search results of Tempo have no spans. Export each trace: /api/traces/ID"
        case {"resourceMetrics": _} | {"resourceLogs": _} | {"resourceProfiles": _}:
            return "OTLP metrics, logs or profiles; only spans are imported"
        case {"errors": [{"msg": str(message)}, *_]} | {"error": {"message": str(message)}}:
            return f"an error instead of a trace: {message[:_SHOWN]}"
        case _:
            return _UNKNOWN


INSTEAD: Final = "Export OTLP to laban serve, or to a file with the OpenTelemetry Collector"
"""What to do with a format that cannot be read."""
