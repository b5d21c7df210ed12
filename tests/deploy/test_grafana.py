"""The files for Grafana, against what laban exposes and which pages it has."""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

import laban_dashboard
from laban_app.server.metrics.edges import EdgeMetrics
from laban_app.server.metrics.lag import render_lag
from laban_app.server.metrics.observer import FoundFindings
from laban_app.server.metrics.orders import SETTLE_S
from laban_app.server.metrics.page import render_findings
from laban_app.server.metrics.text import Form
from laban_collector.store.duckdb.connection.database import Database
from laban_mapper.lag import report

from ..app.server.metrics.test_edges import TOTALS
from ..app.server.metrics.test_lag import ROWS
from ..app.server.metrics.test_orders import Counting, order

ROOT: Final = Path(__file__).parents[2]
GRAFANA: Final = ROOT / "deploy" / "grafana"
BOARD: Final[dict[str, Any]] = json.loads((GRAFANA / "dashboards" / "laban.json").read_text(encoding="utf-8"))
PANELS: Final[list[dict[str, Any]]] = BOARD["panels"]


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The samples that laban exposes, with their labels."""
    folder = tmp_path_factory.mktemp("exposed")
    with Database.open(folder / "spans.duckdb") as database:
        counting = Counting(database, folder)
        counting.count(2, [order(1, 1)])
        counting.count(SETTLE_S + 3)
        text = "".join(
            [
                EdgeMetrics().render(TOTALS, Form.TEXT),
                render_lag(report(ROWS), [], Form.TEXT),
                counting.tally.render(Form.TEXT),
                render_findings(FoundFindings(Counter(), 0.0), Form.TEXT),
            ]
        )
    found: defaultdict[str, set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] |= sample.labels.keys()
    return dict(found)


def data_sources() -> dict[str, dict[str, Any]]:
    """The provisioned data sources, by uid."""
    text = (GRAFANA / "provisioning" / "datasources" / "laban.yaml").read_text(encoding="utf-8")
    return {one["uid"]: one for one in yaml.safe_load(text)["datasources"]}


def texts(value: object) -> list[str]:
    """All texts in a JSON value."""
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts(inner)]
    return [value] if isinstance(value, str) else []


def queries() -> list[str]:
    """All questions to Prometheus: of panels, of variables, of the links from a trace."""
    found = [target["expr"] for panel in PANELS for target in panel["targets"] if "expr" in target]
    found += [one["definition"] for one in BOARD["templating"]["list"] if one["type"] == "query"]
    return found + [
        one["query"] for one in data_sources()["laban-jaeger"]["jsonData"]["tracesToMetrics"]["queries"]
    ]


@pytest.mark.parametrize("query", queries())
def test_a_query_names_metrics_and_labels_that_laban_exposes(
    query: str, exposed: dict[str, set[str]]
) -> None:
    metrics = re.findall(r"\b((?:traces|kafka|laban)_\w+)", query)
    assert metrics
    assert [metric for metric in metrics if metric not in exposed] == []
    known = set.intersection(*(exposed[metric] for metric in metrics))
    labels = {name.strip() for inner in re.findall(r"by \(([^)]*)\)", query) for name in inner.split(",")}
    labels |= set(re.findall(r"(\w+)=~", query)) | set(re.findall(r"label_values\(\w+, (\w+)\)", query))
    assert labels <= known


def test_edges_lag_and_findings_are_on_the_board() -> None:
    used = " ".join(queries())
    for metric in ("request_total", "failed_total", "server_seconds", "messaging_system_seconds"):
        assert f"traces_service_graph_{'request_' if metric != 'request_total' else ''}{metric}" in used
    for metric in ("kafka_consumergroup_lag_sum", "kafka_consumergroup_lag_seconds", "laban_findings"):
        assert metric in used


def test_every_data_source_is_provisioned() -> None:
    used = {target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]}
    used |= set(re.findall(r'"datasourceUid": "([^"]+)"', json.dumps(BOARD)))
    found = data_sources()
    assert used == found.keys()
    kinds = {
        (target["datasource"]["type"], target["datasource"]["uid"]) for p in PANELS for target in p["targets"]
    }
    assert kinds == {(one["type"], uid) for uid, one in found.items()}
    jaeger, prometheus = found["laban-jaeger"], found["laban-prometheus"]
    assert jaeger["secureJsonData"] == {"httpHeaderValue1": "Bearer $LABAN_TOKEN"}
    assert jaeger["jsonData"]["tracesToMetrics"]["datasourceUid"] == prometheus["uid"]
    assert prometheus["jsonData"]["exemplarTraceIdDestinations"][0]["datasourceUid"] == jaeger["uid"]


def test_jaeger_panels_ask_what_laban_answers() -> None:
    asked = [target for panel in PANELS for target in panel["targets"] if "expr" not in target]
    kinds = {target["queryType"]: target for target in asked}
    assert kinds.keys() == {"dependencyGraph", "search"}
    assert kinds["search"]["service"]  # Grafana refuses a search without a service
    assert kinds["search"]["tags"] == "order.id=$order"


def test_links_lead_to_pages_of_the_dashboard_and_variables_exist() -> None:
    app = Path(laban_dashboard.__file__).with_name("app.py").read_text(encoding="utf-8")
    pages = set(re.findall(r'url_path="(\w+)"', app))
    links = [text for text in texts(BOARD) if text.startswith("${laban}/")]
    assert {re.split(r"[/?]", link)[1] for link in links} <= pages
    assert {unquote(link.partition("?")[2]).split("$")[0] for link in links if "?" in link} == {
        *("order=", "order=trace="),
    }
    known = {one["name"] for one in BOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(?!__)(\w+)", " ".join(texts(PANELS) + texts(BOARD["links"]))))
    assert used == known


def test_panels_have_unique_ids_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    cells: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & own
        cells |= own
    assert max(x for x, _ in cells) == 23


def test_the_folder_of_dashboards_is_where_the_guide_mounts_it() -> None:
    text = (GRAFANA / "provisioning" / "dashboards" / "laban.yaml").read_text(encoding="utf-8")
    [provider] = yaml.safe_load(text)["providers"]
    guide = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
    assert f"deploy/grafana/dashboards:{provider['options']['path']}" in guide
    variables = set(re.findall(r"\$([A-Z][A-Z_]+)", json.dumps(data_sources())))
    assert [name for name in variables if f"-e {name}=" not in guide] == []
