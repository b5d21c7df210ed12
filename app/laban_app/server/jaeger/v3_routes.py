"""Jaeger's API v3, which the Jaeger UI uses to search, and programs that want OTLP."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from laban_app.server.jaeger import parameters as read
from laban_app.server.jaeger.parameters import BadParameter, NoTraces, Parameters, Question
from laban_app.server.jaeger.queries import JaegerQueries
from laban_app.server.jaeger.v3_shapes import Json, summary_json, traces_json

_DEFAULT_LIMIT: Final = 100


class V3Routes:
    """The answers of API v3. Parameters have the names of protobuf's JSON, or the older ones of fields."""

    def __init__(self, queries: JaegerQueries) -> None:
        self._queries = queries

    def services(self, _: Parameters) -> Json:
        """Return the names of all services."""
        return {"services": self._queries.services()}

    def operations(self, given: Parameters) -> Json:
        """Return the operations of a service, with the kinds of their spans."""
        kind = given.read(read.kind_number, "spanKind", "span_kind")
        found = self._queries.operations(given.text("service") or "", kind)
        return {"operations": [{"name": one.name, "spanKind": read.KINDS[one.kind or 1]} for one in found]}

    def traces(self, given: Parameters) -> Json:
        """Return the traces that a search finds; none is an error, as in Jaeger."""
        raw = given.read(read.is_true, "query.rawTraces", "query.raw_traces") or False
        found = self._queries.traces(_question(given), raw=raw)
        if not found.traces:
            raise NoTraces("No traces found")
        return traces_json(found.traces, found.warnings) | _told(found.notes)

    def trace(self, given: Parameters) -> Json:
        """Return one trace. The times are hints for stores that cannot find a trace by its ID."""
        raw = given.read(read.is_true, "rawTraces", "raw_traces") or False
        found = self._queries.whole.one(read.trace_id(given.path("trace_id")), raw=raw)
        return traces_json(found.traces, found.warnings) | _told(found.notes)

    def summaries(self, given: Parameters) -> Json:
        """Return what the traces are in short that a search finds."""
        found, notes = self._queries.summaries(_question(given))
        return {"summaries": [summary_json(summary) for summary in found], **_told(notes)}

    def dependencies(self, given: Parameters) -> Json:
        """Return which service calls which."""
        end = given.read(read.rfc_3339, "endTime", "end_time")
        start = given.read(read.rfc_3339, "startTime", "start_time")
        if start is None or end is None:
            raise BadParameter("startTime and endTime are required")
        found, notes = self._queries.dependencies(end, end - start)
        links = [{"parent": one.parent, "child": one.child, "callCount": str(one.calls)} for one in found]
        return {"dependencies": links, **_told(notes)}


def v3_error(status: HTTPStatus, text: str, _: str | None) -> Json:
    """Return the body of an error, as Jaeger's gateway."""
    return {"error": {"httpCode": status.value, "message": text}}


def _told(notes: Sequence[str]) -> Json:
    """Return the field of laban's own that says what an answer left out."""
    return {"notes": list(notes)} if notes else {}


def _question(given: Parameters) -> Question:
    if given.text("query.filter"):
        raise BadParameter("query.filter is not supported: use query.attributes and the other parameters")
    since = given.read(read.rfc_3339, "query.startTimeMin", "query.start_time_min")
    until = given.read(read.rfc_3339, "query.startTimeMax", "query.start_time_max")
    limit = given.read(read.count, "query.searchDepth", "query.search_depth", "query.num_traces")
    return Question(
        service=given.text("query.serviceName", "query.service_name"),
        operation=given.text("query.operationName", "query.operation_name"),
        tags=given.read(read.tags, "query.attributes") or (),
        shortest=given.read(read.duration, "query.durationMin", "query.duration_min") or 0,
        longest=given.read(read.duration, "query.durationMax", "query.duration_max"),
        since=since,
        until=until,
        limit=_DEFAULT_LIMIT if limit is None else limit,
    )
