"""`laban import`, run as a user runs it."""

import json
from pathlib import Path

import httpx

from laban_app.answers.served_by import served_by
from laban_collector.ingest.ledger import check_ledger
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.store import DuckDBStore

from ...collector.json_requests import json_request, json_span
from ...serving import laban, serving

NOTHING_ODD: dict[str, object] = {
    "notes": [],
    "unknown_fields": [],
    "without_service_name": 0,
    "odd_times": [],
    "warnings": [],
}


def export(path: Path, *spans: dict[str, object]) -> str:
    """A file of JSON lines, one span per line."""
    path.write_text("".join(json.dumps(json_request(span)) + "\n" for span in spans))
    return str(path)


def order(number: int) -> dict[str, object]:
    value = {"stringValue": f"o-{number}"}
    return json_span(spanId=f"{number + 1:016x}", attributes=[{"key": "order.id", "value": value}])


def test_imported_spans_can_be_queried(tmp_path: Path) -> None:
    db = str(tmp_path / "spans.duckdb")
    done = laban("import", export(tmp_path / "a.jsonl", order(1), order(2)), "--db", db)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"2 spans in 1 file: 2 stored in {db}\n"
    assert done.stderr == ""
    story = laban("order", "o-2", "--json", "--db", db)
    assert json.loads(story.stdout)["spans"] == 2


def test_json_has_the_documented_shape(tmp_path: Path) -> None:
    db = str(tmp_path / "spans.duckdb")
    bad = json_span(traceId="")
    files = [export(tmp_path / "a.jsonl", order(1), bad), export(tmp_path / "b.jsonl", order(1), bad)]
    done = laban("import", *files, "--json", "--db", db)
    assert json.loads(done.stdout) == {
        "files": 2,
        "spans": 2,
        "stored": 1,
        "duplicates": 1,
        "refused": [
            {"reason": "span(s) rejected: trace id of 0 hex digits, not 32", "count": 2, "files": files}
        ],
        **NOTHING_ODD,
    }


def test_the_output_names_skipped_spans_and_the_reason(tmp_path: Path) -> None:
    mixed = export(tmp_path / "a.jsonl", order(1), order(1), json_span(name=1))
    lines = laban("import", mixed, "--db", str(tmp_path / "spans.duckdb")).stdout.splitlines()
    assert lines[0].startswith("2 spans in 1 file: 1 stored")
    assert lines[0].endswith("1 duplicate")
    assert lines[1:] == ["  1 span(s) rejected: name is not a string"]


def test_of_several_files_those_with_skipped_data_are_named(tmp_path: Path) -> None:
    good = export(tmp_path / "good.jsonl", order(1))
    empty, *bad = (tmp_path / name for name in ("empty.jsonl", "1.txt", "2.txt", "3.txt", "4.txt"))
    empty.touch()
    for notes in bad:
        notes.write_text("not spans\n")
    files = [good, str(empty), *map(str, bad)]
    told = laban("import", *files, "--db", str(tmp_path / "spans.duckdb")).stdout.replace("\n", " ")
    named = ", ".join(map(str, bad[:3]))
    assert f"4 file(s) skipped: neither JSON nor OTLP protobuf ({named}, …)" in told.replace("  ", " ")
    assert f"1 file(s) skipped: empty ({empty})" in told


def test_an_import_without_a_readable_span_exits_1(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not spans\n")
    done = laban("import", str(tmp_path / "notes.txt"), "--db", str(tmp_path / "spans.duckdb"))
    assert done.returncode == 1
    assert "neither JSON nor OTLP protobuf" in done.stdout


def test_an_import_of_nothing_exits_1(tmp_path: Path) -> None:
    (tmp_path / "nothing.json").write_text("[]")
    done = laban("import", str(tmp_path / "nothing.json"), "--db", str(tmp_path / "spans.duckdb"))
    assert done.returncode == 1
    assert done.stdout == "0 spans in 1 file: nothing was imported\n  1 file(s) without spans\n"


def test_impossible_dates_and_missing_service_names_are_reported(tmp_path: Path) -> None:
    early = json_span(startTimeUnixNano="1795000000000", endTimeUnixNano="1795000000001")
    nameless = json_request(json_span(spanId="2" * 16))
    nameless["resourceSpans"][0]["resource"] = {}  # type: ignore[index]
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps(sent) + "\n" for sent in (json_request(early), nameless)))
    db = str(tmp_path / "spans.duckdb")
    lines = laban("import", str(file), "--db", db).stdout.splitlines()
    assert lines[1] == "  1 span is dated 1970: milliseconds sent as nanoseconds?"
    assert lines[2].startswith("  1 span has no service.name and is shown as unknown_service")
    again = json.loads(laban("import", str(file), "--json", "--db", db).stdout)
    status = json.loads(laban("status", "--json", "--db", db).stdout)
    for answer in (again, status):
        assert answer["without_service_name"] == 1
        assert [(odd["spans"], odd["ahead"], odd["first"][:4]) for odd in answer["odd_times"]] == [
            (1, False, "1970")
        ]
        assert answer["warnings"] == [line.strip() for line in lines[1:]]
    shown = laban("status", "--db", db).stdout
    assert all(line.strip() in shown for line in lines[1:])


def test_a_missing_file_exits_2_and_nothing_is_imported(tmp_path: Path) -> None:
    there = export(tmp_path / "a.jsonl", order(1))
    db = tmp_path / "spans.duckdb"
    done = laban("import", there, str(tmp_path / "none.json"), "--db", str(db))
    assert done.returncode == 2
    assert done.stderr == f"laban: {tmp_path / 'none.json'}: no such file. Nothing was imported.\n"
    assert not db.exists()
    assert laban("import", str(tmp_path), "--db", str(db)).returncode == 2
    assert laban("import").returncode == 2


def test_a_dash_reads_stdin(tmp_path: Path) -> None:
    db = str(tmp_path / "spans.duckdb")
    done = laban("import", "-", "--db", db, stdin=Path(export(tmp_path / "a.jsonl", order(1))).read_bytes())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 span in 1 file: 1 stored")


def test_a_collector_that_has_the_database_open_stores_the_imported_spans(tmp_path: Path) -> None:
    file = export(tmp_path / "a.jsonl", order(1), order(2), order(1), json_span(traceId=""))
    reason = "span(s) rejected: trace id of 0 hex digits, not 32"
    rejected = [{"reason": reason, "count": 1, "files": [file]}]
    with serving(tmp_path / "spans.duckdb", "--keys", "basket.id=attribute:order.id") as running:
        first = laban("import", file, "--json", "--db", str(running.db))
        again = laban("import", file, "--json", "--url", running.url)
        story = laban("story", "basket.id=o-2", "--json", "--url", running.url)
        status = httpx.get(f"{running.url}/api/v1/status").json()["collector"]
    counts = {"files": 1, "spans": 3, "refused": rejected} | NOTHING_ODD
    assert json.loads(first.stdout) == counts | {"stored": 2, "duplicates": 1}
    assert json.loads(again.stdout) == counts | {"stored": 0, "duplicates": 3}
    assert json.loads(story.stdout)["spans"] == 2  # both in one trace
    assert (status["received"], status["stored"], status["duplicates"]) == (6, 2, 4)
    assert check_ledger_agrees(tmp_path / "spans.duckdb")


def check_ledger_agrees(db: Path) -> bool:
    with DuckDBStore.open(db) as store:
        ring, report = check_ledger(store)
        ring.close()
    return report.agrees


def test_an_import_obeys_the_limits_and_the_token_of_the_collector(tmp_path: Path) -> None:
    """Batches over the limit are halved until they fit, and the redaction of the collector applies."""
    file = export(tmp_path / "a.jsonl", *map(order, range(40)))
    environment = {
        "LABAN_TOKEN": "a-long-token",
        "LABAN_MAX_REQUEST_BYTES": "8000",
        "LABAN_REDACT": "order.*",
    }
    with serving(tmp_path / "spans.duckdb", environment=environment) as running:
        stranger = laban("import", file, "--url", running.url)
        done = laban("import", file, "--url", running.url, "--token", "a-long-token")
    assert (stranger.returncode, done.returncode) == (2, 0), done.stderr
    assert "token" in stranger.stderr
    assert done.stdout == f"40 spans in 1 file: 40 stored in the collector at {running.url}\n"
    with Database.open(running.db, read_only=True) as database, database.reading() as cursor:
        assert cursor.execute("SELECT DISTINCT attributes FROM spans").fetchall() == [
            ('{"order.id":"[redacted]"}',)
        ]
        assert cursor.execute("SELECT count(*) FROM ledger").fetchall() > [(1,)]


def test_a_database_that_is_open_in_another_process_is_refused(tmp_path: Path) -> None:
    file = export(tmp_path / "a.jsonl", order(1))
    with serving(tmp_path / "spans.duckdb") as running:
        served_by(running.db).unlink()
        done = laban("import", file, "--db", str(running.db))
    assert done.returncode == 2
    assert "stop that process first" in done.stderr


def test_secrets_are_redacted_before_they_are_stored(tmp_path: Path) -> None:
    attribute = {"key": "http.request.header.authorization", "value": {"stringValue": "Bearer abc"}}
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "GET",
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": "1544712661000000000",
        "attributes": [attribute],
    }
    file = tmp_path / "spans.json"
    file.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))
    db = tmp_path / "spans.duckdb"
    assert laban("import", str(file), "--db", str(db)).returncode == 0
    with Database.open(db, read_only=True) as database, database.reading() as cursor:
        [(attributes,)] = cursor.execute("SELECT attributes FROM spans").fetchall()
    assert "abc" not in attributes
    assert "authorization" in attributes
