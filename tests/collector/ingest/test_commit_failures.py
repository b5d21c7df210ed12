import pytest

from laban_collector.errors import StoreError, StoreUnwritable
from laban_collector.ingest.commit_failures import CommitFailures

FULL = StoreUnwritable("/data/laban.duckdb: No space left on device")


def test_a_full_disk_is_told_in_one_line_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    failures = CommitFailures(lambda: now)
    for seconds in (0, 1, 5, 10, 11):
        now = 100.0 + seconds
        failures.tell(FULL, 2)
    first, second = caplog.records
    assert "2 request(s) were put off" in first.getMessage()
    assert "/data/laban.duckdb: No space left on device" in first.getMessage()
    assert "6 request(s) were put off" in second.getMessage()
    assert first.exc_info is second.exc_info is None


def test_anything_else_is_told_each_time_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    failures = CommitFailures()
    for error in (StoreError("Constraint Error"), ZeroDivisionError()):
        failures.tell(error, 1)
    told = [record.getMessage() for record in caplog.records]
    assert told == ["A commit failed; 1 request(s) were not stored."] * 2
    assert all(record.exc_info for record in caplog.records)
