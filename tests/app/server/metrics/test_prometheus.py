"""A real Prometheus that scrapes a real collector for more than a minute."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from laban_collector.store.rows import Span

from ....promtool import free_port, needs_prometheus, promtool, server, until
from ....serving import Serving, laban, serving

_SECONDS: Final = 15
"""For which calls are made; an edge needs 20 s to be counted, before and after."""
_PER_S: Final = 4
_MS: Final = 10**6
_CONFIG: Final = """
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: laban
  static_configs: [{{targets: ["{api}"]}}]
"""
_REQUESTS: Final = "traces_service_graph_request_total"


def order(number: int) -> list[Span]:
    """Return the spans of an order: a call, and a message that is read 30 ms later."""
    trace, at = f"{number + 1:032x}", time.time_ns()
    root = Span(
        trace, f"{1:016x}", None, "order", "POST /orders", 2, at, 60 * _MS, 0, http_method="POST",
        attributes={"order.id": str(number)},
    )  # fmt: skip
    call = Span(trace, f"{2:016x}", root.span_id, "order", "GET", 3, at, 40 * _MS, 0, http_method="GET")
    served = Span(
        trace, f"{3:016x}", call.span_id, "pricing", "GET /price", 2, at, 20 * _MS, 2 * (number % 4 == 0),
        http_method="GET",
    )  # fmt: skip
    sent = Span(
        trace, f"{4:016x}", root.span_id, "order", "send", 4, at, _MS, 0, messaging_operation="send",
        messaging_system="kafka", topic="orders",
    )  # fmt: skip
    read = replace(
        sent, span_id=f"{5:016x}", parent_id=sent.span_id, service="mail", kind=5, start=at + 30 * _MS,
        group="mail", messaging_operation="process",
    )  # fmt: skip
    return [root, call, served, sent, read]


class Prometheus:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def query(self, expression: str) -> dict[str, float]:
        """Return the values by client and server."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": expression}).json()
        assert answer["status"] == "success", answer
        return {
            "{client} {server}".format_map({"client": "", "server": "", **one["metric"]}): float(
                one["value"][1]
            )
            for one in answer["data"]["result"]
        }


def calls_on_the_map(collector: Serving) -> dict[str, Any]:
    shown = laban("map", "--url", collector.url, "--json")
    assert shown.returncode == 0, shown.stderr
    return {f"{edge['from']} {edge['to']}": edge for edge in json.loads(shown.stdout)["edges"]}


@needs_prometheus
@pytest.mark.timeout(240)
def test_rates_of_a_real_prometheus_equal_those_of_the_map(tmp_path: Path) -> None:
    port = free_port()
    prometheus = Prometheus(port)
    with serving(tmp_path / "spans.duckdb") as collector:
        (tmp_path / "prometheus.yml").write_text(_CONFIG.format(api=collector.api))
        command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
        with server(command, f"{prometheus.url}/-/ready", tmp_path):
            first = 8
            for number in range(first):
                collector.send(order(number))
            until(lambda: prometheus.query(_REQUESTS).get("order pricing") == first, 60, pause=1)
            before = prometheus.query(_REQUESTS)
            assert before == {"order pricing": first, "order mail": first, "user order": first}
            sent = _SECONDS * _PER_S
            for number in range(first, first + sent):
                collector.send(order(number))
                time.sleep(1 / _PER_S)
            until(lambda: prometheus.query(_REQUESTS).get("order mail") == first + sent, 60, pause=1)
            # Since the first scrape that saw the edges, Prometheus has seen what the map has since then.
            rates = prometheus.query(f"rate({_REQUESTS}[{2 * _SECONDS + 30}s]) * {2 * _SECONDS + 30}")
            on_map = calls_on_the_map(collector)
            for edge, calls in (
                ("order pricing", on_map["service:order service:pricing"]["calls"]),
                ("order mail", on_map["group:mail service:mail"]["calls"]),
                ("user order", on_map["entry:clients service:order"]["calls"]),
            ):
                assert prometheus.query(_REQUESTS)[edge] == calls == first + sent, edge
                assert rates[edge] == pytest.approx(calls - first, rel=0.1), edge
            failed = prometheus.query("traces_service_graph_request_failed_total")
            assert failed["order pricing"] == on_map["service:order service:pricing"]["errors"]
            assert prometheus.query("traces_service_graph_request_messaging_system_seconds_sum") == {
                "order mail": pytest.approx(0.03 * (first + sent))
            }
        counted = 'laban_orders_total{outcome="ok",entry="order POST /orders"}'
        until(lambda: counted in httpx.get(f"{collector.url}/metrics").text, 60, pause=2)
        text = httpx.get(f"{collector.url}/metrics").text
        assert promtool("check", "metrics", given=text.encode()) == ""
        assert 'laban_findings{code="L001",severity="warning"} 0' in text
        check_openmetrics(collector)


def check_openmetrics(collector: Serving) -> None:
    headers = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
    answer = httpx.get(f"{collector.url}/metrics", headers=headers)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    exemplars = [
        one.exemplar
        for family in parse_openmetrics(answer.text)  # type: ignore[no-untyped-call]
        for one in family.samples
        if one.exemplar is not None
    ]
    assert exemplars, "Prometheus has asked for OpenMetrics before"
    trace = exemplars[0].labels["trace_id"]
    assert httpx.get(f"{collector.url}/api/v1/traces/{trace}").json()["spans"]
