import logging
from pathlib import Path

import pytest

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.durability import blocks
from laban_collector.store.duckdb.durability.blocks import DATA, Piece
from laban_collector.store.duckdb.durability.rescue import rescue
from laban_collector.store.duckdb.durability.saved_metadata import (
    MetadataThread,
    metadata_path,
    save,
    saved_pieces,
)

from ..small_groups import BLOCK, SPANS, make, overwrite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make(tmp_path / "a.duckdb")


def metadata_blocks(database: Database) -> list[Piece]:
    with database.reading() as cursor:
        numbers = {number for (number,) in cursor.execute(sql("durability/metadata_blocks")).fetchall()}
    return [Piece(DATA + number * BLOCK, BLOCK) for number in sorted(numbers)]


def tear(path: Path, piece: Piece) -> bytes:
    """Replace the first half of a block, and its checksum; return what it was."""
    before = path.read_bytes()[piece.offset : sum(piece)]
    overwrite(path, piece.offset, b"new " * (BLOCK // 8))
    return before


def copied(path: Path) -> dict[Piece, bytes]:
    """Return what the copy has of the damaged pieces."""
    with path.open("rb") as file:
        return saved_pieces(metadata_path(path), file.fileno(), blocks.all_damaged(file.fileno()))


def copied_headers(path: Path) -> bytes:
    """Return the database headers of the copy, one after the other."""
    entry, copy = 24, metadata_path(path).read_bytes()
    found = [copy[number * (entry + blocks.HEADER) + entry :][: blocks.HEADER] for number in (1, 2)]
    return b"".join(found)


def test_a_torn_block_is_taken_from_the_copy_and_every_span_is_rescued(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Database.open(path) as database:
        assert save(database)
    with Database.open(path, read_only=True) as database:
        [piece, *_] = metadata_blocks(database)
    before = tear(path, piece)
    assert copied(path) == {piece: before}
    with caplog.at_level(logging.WARNING):
        result = rescue(path, path.with_name("new.duckdb"))
    assert (result.spans, result.losses.any) == (SPANS, False)
    assert f"between {piece.offset} and {sum(piece)} were corrected" in caplog.text


def test_a_copy_of_an_older_state_repairs_no_block(path: Path) -> None:
    with Database.open(path) as database:
        assert save(database)
        database.try_writing()
        database.checkpoint()
        [piece, *_] = metadata_blocks(database)
    tear(path, piece)
    assert copied(path) == {}


def test_nothing_is_copied_from_a_missing_copy_or_for_a_file_without_headers(path: Path) -> None:
    assert copied(path) == {}
    with Database.open(path) as database:
        assert save(database)
    overwrite(path, 0, bytes(DATA))
    assert copied(path) == {}


def test_the_copy_is_of_the_state_before_each_checkpoint(path: Path) -> None:
    with Database.open(path) as database:
        MetadataThread(database)
        for _ in range(3):
            database.try_writing()
            headers = path.read_bytes()[:DATA]
            database.checkpoint()
            assert path.read_bytes()[:DATA] != headers
            assert headers[blocks.HEADER :] == copied_headers(path)


def test_a_checkpoint_goes_on_if_the_copy_cannot_be_written(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Database.open(path) as database:
        MetadataThread(database)
        metadata_path(path).with_name(f"{metadata_path(path).name}.new").mkdir()
        database.try_writing()
        headers = path.read_bytes()[:DATA]
        database.checkpoint()
        assert path.read_bytes()[:DATA] != headers
    assert "has no copy of its metadata during a checkpoint" in caplog.text
