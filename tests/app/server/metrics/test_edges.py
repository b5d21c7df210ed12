import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from laban_app.server.metrics.edges import EdgeMetrics
from laban_app.server.metrics.text import Form
from laban_collector.store.edge_totals import BOUNDS, EdgeTotal, EdgeTotals, Exemplar, SeriesKey, Times

from ....promtool import needs_prometheus, promtool

CALL = SeriesKey("graph", "order", "pricing")
MESSAGE = SeriesKey("graph", "order", "mail", "messaging_system")
HOSTILE = SeriesKey("graph", 'a"}\n# EOF\nx{y="', "\\" * 3 + "é" * 500, "virtual_node")


def times(*indexes: int) -> Times:
    return Times(
        sum(round(BOUNDS[one] * 1e9) for one in indexes), tuple(map(indexes.count, range(len(BOUNDS) + 1)))
    )


TOTALS = EdgeTotals(
    [
        EdgeTotal(CALL, 3, 1, served=times(0, 2, 2), called=times(2, 2, 11)),
        EdgeTotal(MESSAGE, 2, 0, queued=times(10, 13)),
        EdgeTotal(SeriesKey("published", "order", "orders"), 2, 0),
        EdgeTotal(SeriesKey("consumed", "orders", "mail"), 2, 0),
        EdgeTotal(HOSTILE, 1, 0, called=times(0)),
    ],
    left_out=4,
    version=1,
)
EXEMPLARS = [
    Exemplar(CALL, "served", 2, "ab" * 16, 20_000_000, 1_790_000_000_500_000_000),
    Exemplar(CALL, "called", 11, "cd" * 16, 20_000_000_000, 1_790_000_000_000_000_000),
]


def samples(text: str) -> dict[tuple[str, str, str], float]:
    """Return the values by name, client or topic, and bound."""
    return {
        (one.name, one.labels.get("client", one.labels.get("topic", "")), one.labels.get("le", "")): one.value
        for family in parse_text(text)
        for one in family.samples
    }


def test_an_edge_has_counters_and_the_histograms_that_are_known() -> None:
    found = samples(EdgeMetrics().render(TOTALS, Form.TEXT))
    assert found["traces_service_graph_request_total", "order", ""] == 2, "the last of order's edges"
    server = "traces_service_graph_request_server_seconds"
    assert [found[f"{server}_bucket", "order", le] for le in ("0.005", "0.01", "0.025", "10.0", "+Inf")] == [
        1, 1, 3, 3, 3,
    ]  # fmt: skip
    assert found[f"{server}_sum", "order", ""] == pytest.approx(0.055)
    client = "traces_service_graph_request_client_seconds"
    assert [found[f"{client}_bucket", "order", le] for le in ("10.0", "+Inf")] == [2, 3]
    queued = "traces_service_graph_request_messaging_system_seconds"
    assert [found[f"{queued}_bucket", "order", le] for le in ("5.0", "10.0", "300.0", "+Inf")] == [0, 1, 2, 2]
    assert found["laban_messages_published_total", "orders", ""] == 2
    assert found["laban_messages_consumed_total", "orders", ""] == 2
    assert found["laban_service_graph_left_out_edges", "", ""] == 4


def test_openmetrics_has_exemplars_with_trace_ids() -> None:
    text = EdgeMetrics().render(TOTALS, Form.OPENMETRICS, EXEMPLARS) + "# EOF\n"
    found = {
        (one.name, one.labels["le"]): one.exemplar
        for family in parse_openmetrics(text)  # type: ignore[no-untyped-call]
        for one in family.samples
        if one.exemplar is not None
    }
    served = found["traces_service_graph_request_server_seconds_bucket", "0.025"]
    assert (served.labels, served.value) == ({"trace_id": "ab" * 16}, 0.02)
    assert found["traces_service_graph_request_client_seconds_bucket", "+Inf"].labels["trace_id"] == "cd" * 16
    assert len(found) == 2


@needs_prometheus
def test_promtool_finds_nothing_to_complain_about_also_in_hostile_names() -> None:
    text = EdgeMetrics().render(TOTALS, Form.TEXT)
    assert promtool("check", "metrics", given=text.encode()) == ""
    names = {one.labels.get("client") for family in parse_text(text) for one in family.samples}
    assert HOSTILE.client in names, "one label, not a line of its own"


def test_totals_that_have_grown_are_rendered_again_and_others_are_not() -> None:
    metrics = EdgeMetrics()
    first = metrics.render(TOTALS, Form.TEXT)
    assert metrics.render(TOTALS._replace(edges=[]), Form.TEXT) is first, "the same version"
    grown = [TOTALS.edges[0]._replace(calls=9), *TOTALS.edges[1:]]
    again = metrics.render(TOTALS._replace(edges=grown, version=2), Form.TEXT)
    assert again == first.replace('server="pricing"} 3', 'server="pricing"} 9', 1)
