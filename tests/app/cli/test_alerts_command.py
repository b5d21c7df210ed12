"""`laban alerts`, run as a user runs it: over a file, and over a collector with a laban.toml."""

import json
import time
from dataclasses import replace
from pathlib import Path

import httpx
import yaml

from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.rows import Lag, Span
from laban_mapper.spans import NS_PER_S

from ...mapper.shop_spans import http_server
from ...otlp import to_otlp
from ...promtool import until
from ...serving import laban, serving

_TOML = """
[alerts]
interval = 1
dashboard = "https://laban.example"
[objectives.errors]
"order POST /orders" = 0.1
"""


def orders(number: int) -> list[Span]:
    """Return orders of now, half of which failed."""
    span = http_server("order", "POST /orders", 0, 5)
    return [
        replace(
            span,
            trace_id=f"{one + 1:032x}",
            start=time.time_ns(),
            status=2 * (one % 2),
            attributes={"order.id": str(1000 + one)},
        )
        for one in range(number)
    ]


def test_a_file_shows_what_fires_and_the_chosen_severity_gives_the_exit_code(tmp_path: Path) -> None:
    path = tmp_path / "spans.duckdb"
    with DuckDBStore.open(path) as store:
        store.writer().write_lag([Lag(time.time_ns(), "", "mail", "orders", 0, 1, 41, 0, 40, 90.0, "WARN")])
    shown = laban("alerts", "--db", str(path), "--fail-on", "warning", cwd=tmp_path)
    assert shown.returncode == 1, shown.stderr
    lines = [line.strip() for line in shown.stdout.splitlines()]
    assert lines[0] == "1 alert now"
    assert lines[1].endswith("new findings are unknown")
    assert lines[2] == "no span is stored"
    assert lines[3].startswith("no operation has an objective")
    assert lines[5:7] == [
        "warning LabanGroupBehind  group mail, topic orders",
        "mail falls behind; 40 messages of orders wait, the oldest for 1 min 30 s",
    ]
    answer = json.loads(
        laban("alerts", "--db", str(path), "--json", "--fail-on", "error", cwd=tmp_path).stdout
    )
    [alert] = answer["alerts"]
    assert not answer["judged"]
    assert alert["numbers"] == {"messages": 40, "seconds": 90}
    assert alert["link"] == "http://127.0.0.1:8501/lag?group=mail"
    hidden = laban("alerts", "--db", str(path), "--severity", "error", "--fail-on", "warning", cwd=tmp_path)
    assert hidden.returncode == 0
    assert hidden.stdout.startswith("nothing fires")
    (tmp_path / "laban.toml").write_text('[objectives.errors]\n"order POST /orders" = 0.01\n')
    assert "no operation" not in laban("alerts", "--db", str(path), cwd=tmp_path).stdout


def test_an_old_recording_says_that_nothing_is_of_now(tmp_path: Path) -> None:
    path = tmp_path / "spans.duckdb"
    old = [replace(one, start=one.start - 400 * 86400 * NS_PER_S) for one in orders(2)]
    with DuckDBStore.open(path) as store:
        store.writer().write(decode([to_otlp(old)], KeyFinder()).batch)
    shown = laban("alerts", "--db", str(path), cwd=tmp_path)
    assert shown.stdout.startswith("nothing fires")
    assert " UTC, 400 days ago; laban findings shows what was wrong then" in " ".join(shown.stdout.split())
    assert json.loads(laban("alerts", "--db", str(path), "--json", cwd=tmp_path).stdout)["newest"]


def test_a_collector_keeps_watch_and_knows_since_when_and_an_order_as_proof(tmp_path: Path) -> None:
    (tmp_path / "laban.toml").write_text(_TOML)
    with serving(tmp_path / "spans.duckdb", cwd=tmp_path) as collector:
        collector.send(orders(30))
        address = f"{collector.url}/api/v1/alerts"
        until(lambda: httpx.get(address, timeout=10).json()["alerts"], 30)
        shown = laban("alerts", "--url", collector.url)
        text = httpx.get(f"{collector.url}/metrics").text
    assert "15 of 30 requests of order POST /orders failed (50 %); promised are at most 10 %" in shown.stdout
    assert "laban order 10" in shown.stdout
    assert "https://laban.example/order?order=order.id%3D10" in shown.stdout
    assert "LabanErrorObjective  order POST /orders  for " in shown.stdout
    assert 'laban_alerts_firing{alertname="LabanErrorObjective",severity="error"} 1' in text


def test_the_rules_for_prometheus_have_the_limits_of_laban_toml(tmp_path: Path) -> None:
    (tmp_path / "laban.toml").write_text(_TOML)
    written = laban("alerts", "rules", "-o", "laban.rules.yml", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    [group] = yaml.safe_load((tmp_path / "laban.rules.yml").read_text())["groups"]
    rules = {rule["alert"]: rule for rule in group["rules"]}
    assert "> 0.1 and" in rules["LabanErrorObjective"]["expr"]
    assert "LabanLatencyObjective" not in rules
    assert rules["LabanGroupStopped"]["annotations"]["link"] == "https://laban.example"
