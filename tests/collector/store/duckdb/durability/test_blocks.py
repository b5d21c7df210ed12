import os
import random
from pathlib import Path

import numpy as np
import pytest

from laban_collector.store.duckdb.durability import blocks

from ..small_groups import BLOCK, block_of, make, overwrite


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("blocks") / "a.duckdb")


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    (tmp_path / "a.duckdb").write_bytes(whole.read_bytes())
    return tmp_path / "a.duckdb"


def damaged(path: Path) -> list[blocks.Piece]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return blocks.all_damaged(descriptor)
    finally:
        os.close(descriptor)


def test_every_block_of_a_file_that_duckdb_wrote_is_intact(whole: Path) -> None:
    assert damaged(whole) == []


def test_a_changed_byte_is_found_in_each_header_and_in_blocks(path: Path, whole: Path) -> None:
    content = whole.read_bytes()
    for at in (9, blocks.HEADER + 20, 2 * blocks.HEADER + 20, blocks.DATA + 5 * BLOCK + 77):
        overwrite(path, at, bytes([content[at] ^ 4]))
        [piece] = damaged(path)
        assert piece.offset <= at < piece.offset + piece.size
        overwrite(path, at, content[at : at + 1])


def test_a_block_that_is_cut_off_is_damaged(path: Path, whole: Path) -> None:
    path.write_bytes(whole.read_bytes()[:-100])
    [piece] = damaged(path)
    assert piece.offset + piece.size == whole.stat().st_size


def test_a_wrong_byte_is_corrected_or_left_alone_but_never_made_worse(whole: Path) -> None:
    content, done = whole.read_bytes(), 0
    chance = random.Random(3)  # noqa: S311 - nothing is secret
    for _ in range(60):
        block = content[blocks.DATA + chance.randrange(20) * BLOCK :][:BLOCK]
        wrong = bytearray(block)
        wrong[chance.randrange(BLOCK)] ^= 1 << chance.randrange(8)
        right = blocks.corrected(blocks.words_of(bytes(wrong)))
        assert right is None or right.tobytes() == block
        done += right is not None
    assert done > 10


def test_two_wrong_bytes_are_not_corrected(whole: Path) -> None:
    words = blocks.words_of(whole.read_bytes()[blocks.DATA :][:BLOCK]).copy()
    words[5] ^= np.uint64(0x10)
    words[900] ^= np.uint64(0x7000)
    assert blocks.corrected(words) is None


def test_only_one_column_of_a_row_group_shares_a_block_of_attributes(whole: Path) -> None:
    assert block_of(whole, "attributes", 1) != block_of(whole, "attributes", 2)
