from collections.abc import Generator
from pathlib import Path

import pytest

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.ingest.journal import Journal, Journaled
from laban_collector.store.sidecar_files import journal_paths

from ..batches import rows_of
from ..requests import span
from ..store.duckdb.connection.test_session import full_disk
from ..store.duckdb.write.test_writer import batch, with_all


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.duckdb"


@pytest.fixture
def journal(path: Path) -> Generator[Journal, None, None]:
    journal = Journal(path)
    yield journal
    journal.close()


def batches(*sequences: int) -> list[Journaled]:
    return [Journaled(sequence, batch(with_all(sequence), span(100 + sequence))) for sequence in sequences]


def append(journal: Journal, *sequences: int) -> None:
    for journaled in batches(*sequences):
        journal.append(journaled)


def sequences_in(path: Path) -> list[int]:
    return [one.sequence for one in Journal(path).unloaded()]


def test_appended_batches_are_read_back_unchanged(journal: Journal, path: Path) -> None:
    append(journal, 5, 6)
    read = Journal(path).unloaded()
    assert [one.sequence for one in read] == [5, 6]

    def content(batch: SpanBatch) -> object:
        return rows_of(batch)

    assert [content(one.batch) for one in read] == [content(one.batch) for one in batches(5, 6)]


def test_files_are_read_in_the_order_of_their_batches(journal: Journal, path: Path) -> None:
    append(journal, 1, 2)
    journal.turn()
    append(journal, 3)
    assert sequences_in(path) == [1, 2, 3]


def test_dropped_batches_are_not_read_again_and_their_file_is_reused(journal: Journal, path: Path) -> None:
    append(journal, 1, 2, 3)
    journal.turn()
    append(journal, 4)
    journal.drop()
    assert sequences_in(path) == [4]
    journal.turn()
    append(journal, 5)  # overwrites the first record of the earlier turn; the others remain behind it
    assert sequences_in(path) == [4, 5]


@pytest.mark.parametrize("cut", [1, 40, 2000])
def test_a_truncated_record_is_ignored(journal: Journal, path: Path, cut: int) -> None:
    append(journal, 1, 2)
    file = journal_paths(path)[0]
    file.write_bytes(file.read_bytes()[:-cut])
    assert sequences_in(path) == [1]


@pytest.mark.parametrize("at", [3, 9, 20, 500])
def test_a_corrupt_record_is_ignored(journal: Journal, path: Path, at: int) -> None:
    append(journal, 1)
    file = journal_paths(path)[0]
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    assert sequences_in(path) == []


def test_a_batch_can_be_appended_after_one_that_did_not_fit_on_the_disk(journal: Journal, path: Path) -> None:
    append(journal, 1)
    with full_disk(), pytest.raises(OSError, match="File too large"):
        append(journal, 2)
    append(journal, 2)
    assert sequences_in(path) == [1, 2]


def test_empty_files_are_deleted_at_close(journal: Journal, path: Path) -> None:
    assert list(path.parent.iterdir()) == []
    append(journal, 1)
    journal.turn()
    append(journal, 2)
    journal.drop()
    journal.close()
    assert list(path.parent.iterdir()) == [journal_paths(path)[1]]


def test_a_sealed_file_can_be_read_while_batches_are_appended(journal: Journal) -> None:
    append(journal, 1, 2, 3)
    journal.turn()
    append(journal, 4)
    journal.drop()
    journal.turn()
    append(journal, 5)  # overwrites the first record; the records behind it are from an earlier turn
    assert [one.sequence for one in journal.sealed()] == [4]
    journal.drop()
    journal.turn()
    assert [one.sequence for one in journal.sealed()] == [5]


def test_a_sealed_file_is_read_up_to_the_first_damaged_record(journal: Journal, path: Path) -> None:
    append(journal, 1, 2, 3)
    journal.turn()
    damaged = bytearray(journal_paths(path)[0].read_bytes())
    damaged[-1] ^= 1
    journal_paths(path)[0].write_bytes(damaged)
    assert [one.sequence for one in journal.sealed()] == [1, 2]


def test_zeros_at_the_beginning_of_a_sealed_file_cost_one_batch(journal: Journal, path: Path) -> None:
    append(journal, 1, 2, 3)
    journal.turn()
    file = journal_paths(path)[0]
    file.write_bytes(bytes(512) + file.read_bytes()[512:])
    assert [one.sequence for one in journal.sealed()] == [2, 3]


def test_more_than_two_files_are_used_if_no_file_is_dropped(journal: Journal, path: Path) -> None:
    number = 0
    while journal.can_turn:
        number += 1
        append(journal, number)
        journal.turn()
    assert sequences_in(path) == list(range(1, number + 1))
    for expected in range(1, number + 1):
        assert [one.sequence for one in journal.sealed()] == [expected]
        journal.drop()
    assert sequences_in(path) == []
