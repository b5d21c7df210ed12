"""Jaeger's API v1, which Grafana uses, and the Jaeger UI for traces and dependencies."""

from http import HTTPStatus
from typing import Final

from laban_app.server.jaeger import parameters as read
from laban_app.server.jaeger.parameters import Parameters, Question
from laban_app.server.jaeger.queries import MOST_TRACES, JaegerQueries
from laban_app.server.jaeger.v1_shapes import Json, envelope, short_id, trace_json
from laban_app.server.jaeger.whole_traces import FoundSpans
from laban_collector.store.searches import Tag
from laban_mapper.spans import NS_PER_S

_DEFAULT_LIMIT: Final = 100
_A_DAY: Final = 24 * 3600 * NS_PER_S


class V1Routes:
    """The answers of API v1."""

    def __init__(self, queries: JaegerQueries) -> None:
        self._queries = queries

    def services(self, _: Parameters) -> Json:
        """Return the names of all services."""
        found = self._queries.services()
        return envelope(found, len(found))

    def operation_names(self, given: Parameters) -> Json:
        """Return the names of a service's operations."""
        found = self._queries.operations(given.path("service"))
        names = list(dict.fromkeys(one.name for one in found))
        return envelope(names, len(names))

    def operations(self, given: Parameters) -> Json:
        """Return the operations of a service, with the kinds of their spans."""
        kind = given.read(read.kind_number, "spanKind")
        found = self._queries.operations(given.text("service") or "", kind)
        return envelope([{"name": one.name, "spanKind": read.KINDS[one.kind]} for one in found], len(found))

    def traces(self, given: Parameters) -> Json:
        """Return the traces with some IDs, or those that a search finds."""
        raw = given.read(read.is_true, "raw") or False
        ids = [read.trace_id(text) for text in given.all("traceID")]
        if ids:
            found, unknown = self._queries.whole.some(ids, raw=raw)
            missing = [{"msg": "trace not found", "traceID": short_id(trace_id)} for trace_id in unknown]
            return _traces(found, 0, missing)
        question = _question(given)
        return _traces(self._queries.traces(question, raw=raw), min(question.limit, MOST_TRACES))

    def trace(self, given: Parameters) -> Json:
        """Return one trace. `start` and `end` are hints for stores that cannot find a trace by its ID."""
        raw = given.read(read.is_true, "raw") or False
        found = self._queries.whole.one(read.trace_id(given.path("trace_id")), raw=raw)
        [trace] = found.traces
        return envelope([trace_json(trace, found.warnings, found.notes)], 1)

    def dependencies(self, given: Parameters) -> Json:
        """Return which service calls which; only those of a service, if it is given."""
        lookback = given.read(read.milliseconds, "lookback")
        found, notes = self._queries.dependencies(
            given.read(read.milliseconds, "endTs"), _A_DAY if lookback is None else lookback
        )
        service = given.text("service")
        shown = [one for one in found if service is None or service in (one.parent, one.child)]
        links = [{"parent": one.parent, "child": one.child, "callCount": one.calls} for one in shown]
        return envelope(links, len(links), notes=notes)


def v1_error(status: HTTPStatus, text: str, trace_id: str | None) -> Json:
    """Return the body of an error."""
    named = {} if trace_id is None else {"traceID": short_id(trace_id)}
    return {**envelope(None), "errors": [{"code": status.value, "msg": text, **named}]}


def _traces(found: FoundSpans, limit: int, missing: list[Json] | None = None) -> Json:
    data = [trace_json(trace, found.warnings) for trace in found.traces]
    return envelope(data, len(data), limit, missing or [], found.notes)


def _question(given: Parameters) -> Question:
    tags: tuple[Tag, ...] = given.read(read.tags, "tags") or ()
    limit = given.read(read.count, "limit")
    return Question(
        service=given.text("service"),
        operation=given.text("operation"),
        tags=tags + tuple(read.tag(text) for text in given.all("tag")),
        shortest=given.read(read.duration, "minDuration") or 0,
        longest=given.read(read.duration, "maxDuration"),
        since=given.read(read.microseconds, "start"),
        until=given.read(read.microseconds, "end"),
        limit=_DEFAULT_LIMIT if limit is None else limit,
    )
