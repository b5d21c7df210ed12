import itertools

import duckdb
import pytest

from laban_collector.store.duckdb.durability.log_entries import intact_length

_COMMITS = 4


@pytest.fixture(scope="module")
def lengths(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The content of a log after each commit."""
    path = tmp_path_factory.mktemp("log") / "a.duckdb"
    found: list[bytes] = []
    with duckdb.connect(path, config={"storage_compatibility_version": "latest"}) as connection:
        connection.execute("CREATE TABLE t (a BIGINT, b VARCHAR)")
        connection.execute("CHECKPOINT")
        for number in range(_COMMITS):
            connection.execute("INSERT INTO t SELECT i, 'x' || i FROM range($1) r(i)", [number * 7 + 1])
            found.append(path.with_name("a.duckdb.wal").read_bytes())
    return found


def test_a_whole_log_is_intact(lengths: list[bytes]) -> None:
    assert [intact_length(content) for content in lengths] == [len(content) for content in lengths]


def test_a_log_is_intact_up_to_the_commit_before_a_wrong_byte(lengths: list[bytes]) -> None:
    content = lengths[-1]
    for before, after in itertools.pairwise(lengths):
        at = (len(before) + len(after)) // 2
        wrong = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        assert intact_length(wrong) == len(before)


def test_a_log_that_is_cut_off_ends_with_its_last_whole_commit(lengths: list[bytes]) -> None:
    assert intact_length(lengths[-1][:-1]) == len(lengths[-2])
    assert intact_length(b"") == 0
    assert intact_length(bytes(5000)) == 0
