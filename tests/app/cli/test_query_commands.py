"""The query commands, run as a user runs them against a running collector."""

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import typer

from laban_app.cli.story_output import chosen_form
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ...mapper.shop_spans import MS, T0, TRACE, hybrid_order, lag, monolith_timeout
from ...serving import Serving, laban, serving
from ..answers.test_local import named


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("served") / "spans.duckdb") as running:
        running.send(named(hybrid_order(), "123"))
        yield running


def test_order_prints_the_verdict_first(served: Serving) -> None:
    done = laban("order", "123", "--url", served.url)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "Order 123 was created in 84 ms" in lines[0]
    assert any("order  POST /orders" in line for line in lines)
    assert any("30 ms in orders until payment" in line for line in lines)


def test_piped_output_is_plain_and_complete(served: Serving) -> None:
    done = laban("order", "123", "--url", served.url)
    assert "\x1b" not in done.stdout
    assert "…" not in done.stdout


def test_order_json_has_the_documented_shape(served: Serving) -> None:
    story = json.loads(laban("order", "123", "--json", "--url", served.url).stdout)
    documented = {"key", "value", "verdict", "outcome", "root_cause", "traces", "spans", "steps", "messages"}
    assert documented <= set(story)
    step = {
        *("time", "service", "operation", "kind", "duration_ms", "wait_ms", "status", "error", "topic"),
        *("group", "partition", "offset", "trace_id", "span_id", "critical"),
    }
    assert step <= set(story["steps"][0])
    assert {(m["topic"], g["group"], g["state"]) for m in story["messages"] for g in m["groups"]} == {
        ("orders", "email", "processed"),
        ("orders", "payment", "processed"),
        ("payments", "order", "processed"),
    }


def test_a_story_is_written_to_a_file_in_the_form_that_the_api_gives(served: Serving, tmp_path: Path) -> None:
    file = tmp_path / "order.html"
    done = laban("order", "123", "--format", "html", "-o", str(file), "--url", served.url)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    answer = httpx.get(f"{served.url}/api/v1/order/123?format=html")
    assert answer.text == file.read_text(encoding="utf-8")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("options", [("pdf", False), ("html", True)])
def test_an_unknown_form_or_two_forms_are_refused(options: tuple[str, bool]) -> None:
    form, json = options
    with pytest.raises(typer.BadParameter, match=form):
        chosen_form(form, json=json)


@pytest.mark.parametrize("form", [TRACE, TRACE.upper(), f"00-{TRACE}-{'b' * 16}-01"])
def test_trace_prints_the_tree_of_its_spans(served: Serving, form: str) -> None:
    done = laban("trace", form, "--url", served.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("8 spans · ")
    assert any(
        line.rstrip().endswith("ms") and "order  POST /orders  server" in line
        for line in done.stdout.splitlines()
    )


def test_trace_json_is_the_answer_of_the_api(served: Serving) -> None:
    done = laban("trace", TRACE, "--json", "--url", served.url)
    assert json.loads(done.stdout) == httpx.get(f"{served.url}/api/v1/traces/{TRACE}").json()


@pytest.mark.parametrize(("trace_id", "code", "text"), [("f" * 32, 1, "is stored"), ("xyz", 2, "hex digits")])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_trace_that_is_unknown_or_no_id_is_told(
    served: Serving, trace_id: str, code: int, text: str, form: list[str]
) -> None:
    done = laban("trace", trace_id, *form, "--url", served.url)
    assert (done.returncode, done.stdout) == (code, "")
    assert text in done.stderr


def test_an_unknown_order_exits_1_and_names_the_nearest_known(served: Serving) -> None:
    done = laban("order", "124", "--url", served.url)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "laban: No trace carries order 124. The nearest known: 123.\n"


def test_an_order_outside_the_time_range_exits_1_and_says_when_it_was_seen(served: Serving) -> None:
    done = laban("order", "123", "--until", "2000-01-01T00:00:00Z", "--url", served.url)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "laban: No span of order 123 lies in this time range: it was seen between 20"
    )


def test_orders_lists_what_became_of_each_order(served: Serving) -> None:
    done = laban("orders", "--url", served.url)
    assert done.returncode == 0, done.stderr
    head, line, _, footer = done.stdout.splitlines()
    assert head.split() == ["last", "seen", "order", "outcome", "took", "cause", "services"]
    assert line.split()[1:] == ["123", "ok", "225", "ms", "order,", "pricing,", "payment,", "email"]
    assert footer.startswith("1 order, last seen 20")
    assert json.loads(laban("orders", "--json", "--url", served.url).stdout)["orders"][0]["outcome"] == "ok"


def test_orders_says_if_none_fits(served: Serving) -> None:
    done = laban("orders", "--failed", "--url", served.url)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "None of the newest 1 order is like that.\n"
    unknown = laban("orders", "--service", "paymnt", "--url", served.url)
    assert unknown.stderr == "None of the newest 1 order is like that. Did you mean 'payment'?\n"
    assert laban("orders", "--cause", "magic", "--url", served.url).returncode == 2


def test_a_list_without_orders_says_whether_the_key_or_the_time_range_has_none(served: Serving) -> None:
    unknown = laban("orders", "--key", "basket", "--url", served.url)
    assert "No span carries a business key basket" in unknown.stderr
    early = laban("orders", "--until", "2001-01-01", "--url", served.url)
    assert "No order in this time range" in early.stderr


def test_order_explains_a_trace_without_a_business_key(served: Serving) -> None:
    done = laban("order", "--trace", TRACE, "--url", served.url)
    assert done.returncode == 0, done.stderr
    assert f"Trace {TRACE[:8]}…: order did POST /orders in 84 ms" in done.stdout.splitlines()[0]
    codes = [laban("order", *how, "--url", served.url).returncode for how in (["--trace", "f" * 32], [])]
    assert codes == [1, 2]


def test_story_accepts_any_business_key(served: Serving) -> None:
    assert laban("story", "order.id=123", "--url", served.url).returncode == 0
    wrong = laban("story", "123", "--url", served.url)
    assert wrong.returncode == 2
    assert "KEY=VALUE" in wrong.stderr


def test_the_collector_that_has_the_database_open_answers(served: Serving) -> None:
    done = laban("status", "--json", "--db", str(served.db))
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert (status["spans"], status["services"]) == (8, ["email", "order", "payment", "pricing"])


def test_map_shows_callers_before_callees(served: Serving) -> None:
    lines = laban("map", "--url", served.url).stdout.splitlines()
    first = [line.split()[0] for line in lines if line and not line.startswith((" ", "caller", "─"))]
    assert first.index("clients") < first.index("order") < first.index("orders") < first.index("payment")


def test_map_json_has_the_documented_shape(served: Serving) -> None:
    answer = json.loads(laban("map", "--json", "--url", served.url).stdout)
    assert {"nodes", "edges"} <= set(answer)
    assert {"id", "kind", "name"} <= set(answer["nodes"][0])
    documented = {
        "from",
        "to",
        "kind",
        "protocol",
        "calls",
        "errors",
        "p50_ms",
        "p95_ms",
        "p99_ms",
        "evidence",
    }
    assert documented <= set(answer["edges"][0])


def test_lag_without_polls_names_the_kafka_option(served: Serving) -> None:
    done = laban("lag", "--url", served.url)
    assert done.returncode == 0
    assert "--kafka" in done.stderr


def test_waiting_orders_are_named_by_the_command_and_by_the_collector(tmp_path: Path) -> None:
    db = tmp_path / "spans.duckdb"
    with serving(db) as running:
        running.send(named(hybrid_order(), "123"))
    behind = replace(lag("billing", "orders", 7, 9), status="STOP", time=T0 + 10_000 * MS)
    with Database.open(db) as database:
        DuckDBWriter(database).write_lag([behind])
    text = laban("lag", "--waiting", "--db", str(db))
    assert text.returncode == 0, text.stderr
    assert "orders: 2 messages waiting, 1 of 2 known by name" in text.stdout
    assert "order.id=123" in text.stdout
    with serving(db) as running:
        answer = json.loads(laban("lag", "--waiting", "--json", "--url", running.url).stdout)
        without = json.loads(laban("lag", "--json", "--url", running.url).stdout)
    (group,) = answer["groups"]
    (topic,) = group["waiting"]
    assert [one["keys"] for one in topic["oldest"]] == [[{"key": "order.id", "value": "123"}]]
    assert answer["topics_without_groups"] == []
    assert without["groups"][0]["waiting"] is None
    assert without["groups"][0]["topics"] == group["topics"]


def test_an_invalid_time_exits_2(served: Serving) -> None:
    done = laban("map", "--since", "yesterday", "--url", served.url)
    assert done.returncode == 2
    assert "15m" in done.stderr


def test_a_missing_source_is_reported_with_what_to_do(tmp_path: Path) -> None:
    done = laban("map", "--db", str(tmp_path / "none.duckdb"))
    assert done.returncode == 2
    assert "none.duckdb" in done.stderr
    gone = laban("map", "--url", "http://127.0.0.1:9")
    assert gone.returncode == 2
    assert "http://127.0.0.1:9" in gone.stderr
    assert "laban serve" in gone.stderr


def test_the_file_of_a_stopped_collector_can_be_queried(tmp_path: Path) -> None:
    db = tmp_path / "spans.duckdb"
    with serving(db) as running:
        running.send(named(monolith_timeout(), "7"))
    assert running.process.returncode == 0
    kept = [db.with_name(f"spans.duckdb.{part}") for part in ("ledger", "metadata")]
    assert sorted(tmp_path.iterdir()) == [db, *kept]
    story = json.loads(laban("order", "7", "--json", "--db", str(db)).stdout)
    assert story["root_cause"]["service"] == "user"


def test_two_collectors_cannot_open_one_file(served: Serving) -> None:
    done = laban(
        *("serve", "--db", str(served.db), "--otlp-grpc", "127.0.0.1:0"),
        *("--otlp-http", "127.0.0.1:0", "--api", "127.0.0.1:0"),
    )
    assert done.returncode == 2
    assert "open in another process" in done.stderr


def test_a_port_in_use_is_reported_with_the_option_to_change(served: Serving, tmp_path: Path) -> None:
    done = laban(
        *("serve", "--db", str(tmp_path / "other.duckdb"), "--otlp-grpc", "127.0.0.1:0"),
        *("--otlp-http", "127.0.0.1:0", "--api", served.api),
    )
    assert done.returncode == 2
    assert served.api in done.stderr
    assert "--api" in done.stderr


def test_an_interrupted_collector_stops_cleanly(tmp_path: Path) -> None:
    with serving(tmp_path / "spans.duckdb") as running:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(20) == 0
