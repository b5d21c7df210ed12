"""The metrics of edges, named and labelled as Tempo's metrics-generator does, so that its dashboards work."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from laban_app.server.metrics.text import Family, Form, label_pairs
from laban_collector.store.edge_totals import (
    BOUNDS,
    EdgeTotal,
    EdgeTotals,
    Exemplar,
    SeriesKey,
    Times,
    TimesName,
)

_REQUESTS: Final = Family(
    "traces_service_graph_request", "counter", "Calls and consumed messages between two services."
)
_FAILED: Final = Family("traces_service_graph_request_failed", "counter", "Those of them that failed.")
_PUBLISHED: Final = Family("laban_messages_published", "counter", "Messages that a service sent to a topic.")
_CONSUMED: Final = Family(
    "laban_messages_consumed", "counter", "Messages of a topic that a consumer group processed."
)
_EDGES: Final = Family("laban_service_graph_edges", "gauge", "Edges with counters of their own.")
_LEFT_OUT: Final = Family(
    "laban_service_graph_left_out_edges", "gauge", "Edges since the start that count as other: metrics_edges."
)
_ENDS: Final[Mapping[str, tuple[str, str]]] = {
    "graph": ("client", "server"),
    "published": ("service", "topic"),
    "consumed": ("topic", "consumergroup"),
}


class _Histogram(NamedTuple):
    family: Family
    times: TimesName
    bounds: Sequence[int]
    """Indexes of the bounds that it shows."""


_UP_TO_10_S: Final = range(BOUNDS.index(10.0) + 1)
_HISTOGRAMS: Final = (
    _Histogram(
        Family("traces_service_graph_request_server_seconds", "histogram", "Time that the callee took."),
        "served",
        _UP_TO_10_S,
    ),
    _Histogram(
        Family("traces_service_graph_request_client_seconds", "histogram", "Time that the caller waited."),
        "called",
        _UP_TO_10_S,
    ),
    _Histogram(
        Family(
            "traces_service_graph_request_messaging_system_seconds",
            "histogram",
            "Time from the sending of a message to its processing.",
        ),
        "queued",
        [BOUNDS.index(bound) for bound in (0.01, 0.05, 0.25, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600)],
    ),
)

Examples = Mapping[tuple[SeriesKey, TimesName], Mapping[int, Exemplar]]


class EdgeMetrics:
    """Renders the totals. Only one thread may use it.

    The lines of an edge differ only in their numbers from one scrape to the next, so they are kept as a
    template: thousands of edges are rendered in milliseconds.
    """

    def __init__(self) -> None:
        self._templates: dict[tuple[str, SeriesKey], str] = {}
        self._whole: tuple[int, str] | None = None

    def render(self, totals: EdgeTotals, form: Form, exemplars: Sequence[Exemplar] = ()) -> str:
        """The families of all edges; with exemplars, which only OpenMetrics has."""
        if form is Form.OPENMETRICS:
            return self._rendered(totals, form, _by_histogram(exemplars))
        if self._whole is None or self._whole[0] != totals.version:
            self._whole = totals.version, self._rendered(totals, form, {})
        return self._whole[1]

    def _rendered(self, totals: EdgeTotals, form: Form, examples: Examples) -> str:
        if len(self._templates) > 10 * len(totals.edges) + 1000:
            self._templates.clear()
        graph = [total for total in totals.edges if total.key.kind == "graph"]
        parts = [
            *self._counters(_REQUESTS, form, ((total.key, total.calls) for total in graph)),
            *self._counters(_FAILED, form, ((total.key, total.errors) for total in graph)),
        ]
        for one in _HISTOGRAMS:
            lines = [self._histogram(one, total, examples) for total in graph]
            if any(lines):
                parts += [one.family.head(form), *lines]
        for family, kind in ((_PUBLISHED, "published"), (_CONSUMED, "consumed")):
            of_kind = ((total.key, total.calls) for total in totals.edges if total.key.kind == kind)
            parts += self._counters(family, form, of_kind)
        parts.append(_EDGES.samples(form, [({}, len(totals.edges))]))
        parts.append(_LEFT_OUT.samples(form, [({}, totals.left_out)]))
        return "".join(parts)

    def _counters(self, family: Family, form: Form, values: Iterable[tuple[SeriesKey, int]]) -> list[str]:
        lines = [self._template(family, key) % value for key, value in values]
        return [family.head(form), *lines] if lines else []

    def _template(self, family: Family, key: SeriesKey) -> str:
        known = self._templates.get((family.name, key))
        if known is None:
            known = f"{family.sample}{{{_escaped_labels(key)}}} %d\n"
            self._templates[family.name, key] = known
        return known

    def _histogram(self, which: _Histogram, total: EdgeTotal, examples: Examples) -> str:
        times: Times = getattr(total, which.times)
        up_to = list(accumulate(times.counts))
        if not up_to[-1]:
            return ""
        name = which.family.name
        template = self._templates.get((name, total.key))
        if template is None:
            template = self._templates[name, total.key] = _histogram_template(which, total.key)
        found = examples.get((total.key, which.times), {})
        values: list[object] = []
        below = 0
        for bound in (*which.bounds, len(BOUNDS)):
            values += (up_to[bound], _example(found, below, bound) if found else "")
            below = bound + 1
        return template % (*values, up_to[-1], times.elapsed / 1e9)


def _histogram_template(which: _Histogram, key: SeriesKey) -> str:
    name, pairs = which.family.name, _escaped_labels(key)
    bounds = [*(repr(BOUNDS[bound]) for bound in which.bounds), "+Inf"]
    lines = [f'{name}_bucket{{{pairs},le="{bound}"}} %d%s\n' for bound in bounds]
    return "".join((*lines, f"{name}_count{{{pairs}}} %d\n{name}_sum{{{pairs}}} %r\n"))


def _escaped_labels(key: SeriesKey) -> str:
    """The labels of an edge, for a template."""
    client, server = _ENDS[key.kind]
    pairs = {client: key.client, server: key.server}
    labels = label_pairs({**pairs, "connection_type": key.connection} if key.kind == "graph" else pairs)
    return labels.replace("%", "%%")


def _example(found: Mapping[int, Exemplar], first: int, last: int) -> str:
    """The newest exemplar between two bounds, as OpenMetrics writes it behind a sample; or nothing."""
    fitting = [found[bound] for bound in range(first, last + 1) if bound in found]
    if not fitting:
        return ""
    newest = max(fitting, key=lambda one: one.time)
    return f' # {{trace_id="{newest.trace_id}"}} {newest.elapsed / 1e9!r} {newest.time / 1e9:.3f}'


def _by_histogram(exemplars: Sequence[Exemplar]) -> Examples:
    found: dict[tuple[SeriesKey, TimesName], dict[int, Exemplar]] = {}
    for one in exemplars:
        found.setdefault((one.key, one.times), {})[one.bound] = one
    return found
