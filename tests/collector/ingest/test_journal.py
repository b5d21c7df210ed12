from collections.abc import Generator
from pathlib import Path

import pytest

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.ingest.journal import Journal, Journaled
from laban_collector.store.sidecar_files import journal_paths

from ..batches import rows_of
from ..requests import span
from ..store.duckdb.connection.test_session import no_room
from ..store.duckdb.write.test_writer import batch, with_all


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.duckdb"


@pytest.fixture
def journal(path: Path) -> Generator[Journal, None, None]:
    journal = Journal(path)
    yield journal
    journal.close()


def numbered(*sequences: int) -> list[Journaled]:
    return [Journaled(sequence, batch(with_all(sequence), span(100 + sequence))) for sequence in sequences]


def filled(journal: Journal, *sequences: int) -> None:
    for one in numbered(*sequences):
        journal.append(one)


def found(path: Path) -> list[int]:
    return [one.sequence for one in Journal(path).unloaded()]


def test_what_is_read_back_is_what_was_appended(journal: Journal, path: Path) -> None:
    filled(journal, 5, 6)
    left = Journal(path).unloaded()
    assert [one.sequence for one in left] == [5, 6]

    def content(batch: SpanBatch) -> object:
        return rows_of(batch)

    assert [content(one.batch) for one in left] == [content(one.batch) for one in numbered(5, 6)]


def test_both_files_are_read_in_the_order_of_their_batches(journal: Journal, path: Path) -> None:
    filled(journal, 1, 2)
    journal.turn()
    filled(journal, 3)
    assert found(path) == [1, 2, 3]


def test_what_is_dropped_is_not_read_again_and_its_file_is_used_again(journal: Journal, path: Path) -> None:
    filled(journal, 1, 2, 3)
    journal.turn()
    filled(journal, 4)
    journal.drop()
    assert found(path) == [4]
    journal.turn()
    filled(journal, 5)  # over the first one of the earlier turn, whose others still stand behind it
    assert found(path) == [4, 5]


@pytest.mark.parametrize("cut", [1, 40, 2000])
def test_a_record_that_was_not_written_to_its_end_is_none(journal: Journal, path: Path, cut: int) -> None:
    filled(journal, 1, 2)
    file = journal_paths(path)[0]
    file.write_bytes(file.read_bytes()[:-cut])
    assert found(path) == [1]


@pytest.mark.parametrize("at", [3, 9, 20, 500])
def test_a_record_with_a_wrong_byte_is_none(journal: Journal, path: Path, at: int) -> None:
    filled(journal, 1)
    file = journal_paths(path)[0]
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    assert found(path) == []


def test_a_batch_that_does_not_fit_on_the_disk_leaves_room_for_the_next(journal: Journal, path: Path) -> None:
    filled(journal, 1)
    with no_room(), pytest.raises(OSError, match="File too large"):
        filled(journal, 2)
    filled(journal, 2)
    assert found(path) == [1, 2]


def test_files_stay_only_while_there_is_something_in_them(journal: Journal, path: Path) -> None:
    assert list(path.parent.iterdir()) == []
    filled(journal, 1)
    journal.turn()
    filled(journal, 2)
    journal.drop()
    journal.close()
    assert list(path.parent.iterdir()) == [journal_paths(path)[1]]


def test_what_is_sealed_can_be_read_while_more_is_appended(journal: Journal) -> None:
    filled(journal, 1, 2, 3)
    journal.turn()
    filled(journal, 4)
    journal.drop()
    journal.turn()
    filled(journal, 5)  # over the first one; what stands behind it is of an earlier turn
    assert [one.sequence for one in journal.sealed()] == [4]
    journal.drop()
    journal.turn()
    assert [one.sequence for one in journal.sealed()] == [5]


def test_what_is_sealed_ends_where_it_is_damaged(journal: Journal, path: Path) -> None:
    filled(journal, 1, 2, 3)
    journal.turn()
    damage = bytearray(journal_paths(path)[0].read_bytes())
    damage[-1] ^= 1
    journal_paths(path)[0].write_bytes(damage)
    assert [one.sequence for one in journal.sealed()] == [1, 2]


def test_more_than_two_files_are_used_while_nothing_is_dropped(journal: Journal, path: Path) -> None:
    number = 0
    while journal.can_turn:
        number += 1
        filled(journal, number)
        journal.turn()
    assert found(path) == list(range(1, number + 1))
    for expected in range(1, number + 1):
        assert [one.sequence for one in journal.sealed()] == [expected]
        journal.drop()
    assert found(path) == []
