import pytest

from laban_collector.errors import StoreError, StoreUnwritable
from laban_collector.ingest.pipeline import CommitFailureLog

FULL = StoreUnwritable("/data/laban.duckdb: No space left on device")


def test_a_full_disk_is_logged_in_one_line_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    failures = CommitFailureLog(lambda: now)
    for seconds in (0, 1, 5, 10, 11):
        now = 100.0 + seconds
        failures.log(FULL, 2)
    first, second = caplog.records
    assert "the senders of 2 request(s) were told to retry" in first.getMessage()
    assert "/data/laban.duckdb: No space left on device" in first.getMessage()
    assert "the senders of 6 request(s) were told to retry" in second.getMessage()
    assert first.exc_info is second.exc_info is None


def test_every_other_failure_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    failures = CommitFailureLog()
    for error in (StoreError("Constraint Error"), ZeroDivisionError()):
        failures.log(error, 1)
    logged = [record.getMessage() for record in caplog.records]
    assert logged == ["A commit failed; 1 request(s) were not stored."] * 2
    assert all(record.exc_info for record in caplog.records)
