"""The trips in docs/how-it-works.md list the files that really run, in the order of their first call."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")

HELPERS = {
    "body": {
        "collector/laban_collector/store/duckdb/profiles/schedule.py",
        "collector/laban_collector/batch/attributes.py",
        "collector/laban_collector/batch/span_batch.py",
        "collector/laban_collector/decode/batch_builder.py",
        "collector/laban_collector/decode/business_keys.py",
        "collector/laban_collector/decode/columnar/candidates.py",
        "collector/laban_collector/decode/columnar/choice.py",
        "collector/laban_collector/decode/columnar/completion.py",
        "collector/laban_collector/decode/dialects/hosts.py",
        "collector/laban_collector/decode/dialects/systems.py",
        "collector/laban_collector/ingest/memory.py",
        "collector/laban_collector/ingest/unloaded.py",
        "collector/laban_collector/metrics.py",
        "collector/laban_collector/protect/limits.py",
        "collector/laban_collector/protect/redaction.py",
        "collector/laban_collector/protect/cards.py",
        "collector/laban_collector/protect/secret_keys.py",
        "collector/laban_collector/protect/secret_places.py",
        "collector/laban_collector/protect/suspects.py",
        "collector/laban_collector/receive/otlp_responses.py",
        "collector/laban_collector/store/duckdb/connection/database.py",
        "collector/laban_collector/store/duckdb/connection/session.py",
        "collector/laban_collector/store/duckdb/connection/sql.py",
        "collector/laban_collector/store/duckdb/edges/counting_thread.py",
        "collector/laban_collector/store/duckdb/housekeeping/background.py",
        "collector/laban_collector/store/duckdb/index/bloom.py",
        "collector/laban_collector/store/duckdb/index/newest_keys.py",
        "collector/laban_collector/store/duckdb/write/id_table.py",
        "collector/laban_collector/store/rows.py",
        "instrumentation/laban/business_keys/keys.py",
    },
    "order": {
        "app/laban_app/answers/peers.py",
        "app/laban_app/answers/closure.py",
        "app/laban_app/answers/baseline.py",
        "app/laban_app/answers/usual.py",
        "mapper/laban_mapper/profiles/followers.py",
        "mapper/laban_mapper/profiles/profile.py",
        "mapper/laban_mapper/profiles/sketch.py",
        "mapper/laban_mapper/profiles/usual.py",
        "mapper/laban_mapper/story/usual_times.py",
        "app/laban_app/answers/affected.py",
        "app/laban_app/answers/cut.py",
        "app/laban_app/answers/keys.py",
        "collector/laban_collector/store/duckdb/edges/query.py",
        "collector/laban_collector/store/duckdb/read/last_spans.py",
        "app/laban_app/cli/console.py",
        "app/laban_app/cli/fixed_columns.py",
        "app/laban_app/cli/story_output.py",
        "app/laban_app/cli/text_output.py",
        "app/laban_app/cli/story_text.py",
        "app/laban_app/cli/terminal.py",
        "app/laban_app/cli/timeline_text.py",
        "collector/laban_collector/address.py",
        "collector/laban_collector/kafka_settings.py",
        "collector/laban_collector/settings.py",
        "collector/laban_collector/store/rows.py",
        "collector/laban_collector/store/duckdb/connection/open_errors.py",
        "collector/laban_collector/store/duckdb/connection/schema.py",
        "collector/laban_collector/store/duckdb/connection/session.py",
        "collector/laban_collector/store/duckdb/connection/sql.py",
        "collector/laban_collector/store/duckdb/index/bloom.py",
        "collector/laban_collector/store/duckdb/index/keys.py",
        "collector/laban_collector/store/duckdb/index/newest_keys.py",
        "collector/laban_collector/store/duckdb/read/caches.py",
        "collector/laban_collector/store/duckdb/read/trace.py",
        "instrumentation/laban/business_keys/keys.py",
        "instrumentation/laban/commands.py",
        "mapper/laban_mapper/printable.py",
        "mapper/laban_mapper/names.py",
        "mapper/laban_mapper/resilience_notes.py",
        "mapper/laban_mapper/spans.py",
        "mapper/laban_mapper/story/causes/counted.py",
        "mapper/laban_mapper/story/causes/error.py",
        "mapper/laban_mapper/story/causes/excesses.py",
        "mapper/laban_mapper/story/causes/facts.py",
        "mapper/laban_mapper/story/causes/failures.py",
        "mapper/laban_mapper/story/causes/missing.py",
        "mapper/laban_mapper/story/causes/out_of_order.py",
        "mapper/laban_mapper/story/causes/published_twice.py",
        "mapper/laban_mapper/story/causes/ranking.py",
        "mapper/laban_mapper/story/causes/slow.py",
        "mapper/laban_mapper/story/causes/stuck.py",
        "mapper/laban_mapper/story/causes/timed_out.py",
        "mapper/laban_mapper/story/causes/unreachable.py",
        "mapper/laban_mapper/story/outcome.py",
        "mapper/laban_mapper/story/scope.py",
        "mapper/laban_mapper/story/causes/callees.py",
        "mapper/laban_mapper/story/causes/own_times.py",
        "mapper/laban_mapper/story/causes/poison.py",
        "mapper/laban_mapper/story/causes/retried.py",
        "mapper/laban_mapper/story/inner_errors.py",
        "mapper/laban_mapper/story/message_clauses.py",
        "mapper/laban_mapper/story/poison_messages.py",
        "mapper/laban_mapper/profiles/steps.py",
        "mapper/laban_mapper/story/clocks.py",
        "mapper/laban_mapper/story/connection_chatter.py",
        "mapper/laban_mapper/story/critical_path.py",
        "mapper/laban_mapper/story/deliveries.py",
        "mapper/laban_mapper/story/evidence.py",
        "mapper/laban_mapper/story/forms/phrases.py",
        "mapper/laban_mapper/story/forms/rows.py",
        "mapper/laban_mapper/story/notes.py",
        "mapper/laban_mapper/story/timeline.py",
        "mapper/laban_mapper/times.py",
    },
}
"""Files that a station of the trip calls and that hand nothing on."""


def stations(trip: str) -> list[str]:
    """The numbered files of a trip in the document."""
    [text] = re.findall(rf"<!-- trip: {trip} -->\n(.*?)<!-- end -->", DOCUMENT, re.DOTALL)
    return re.findall(r"^\d+\. `([^`]+)`", text, re.MULTILINE)


@pytest.mark.parametrize(("trip", "most"), [("body", 20), ("order", 15)])
def test_a_trip_runs_through_its_stations_in_order_and_through_no_other_files(
    trip: str, most: int, tmp_path: Path
) -> None:
    result = tmp_path / "files.json"
    command = [sys.executable, "-m", "tests.trips", trip, str(result)]
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=100, check=True)
    entered: list[str] = json.loads(result.read_text(encoding="utf-8"))
    listed = stations(trip)
    assert [file for file in entered if file not in HELPERS[trip]] == listed
    assert set(entered) >= HELPERS[trip], "a helper that does not run"
    assert len(listed) <= most
