"""The headers of a DuckDB file: repairing them, and going back to the state before the newest checkpoint.

A checkpoint writes its blocks first, then the database header that was not written last time. So the other
header describes the state before. Blocks that were free then may have been written since; the reader of a
damaged file compares values with the recorded statistics, and an older state is read only if the newest one
cannot be.
"""

import tempfile
from pathlib import Path
from typing import Final

import duckdb
import numpy as np

from laban_collector.store.duckdb.durability.blocks import HEADER, Words, is_intact, with_checksum, words_of

_ITERATION: Final = 1
_FIELDS: Final = 8
"""Words of a database header that hold something; the rest is zero."""


def repair(path: Path) -> None:
    """Write the intact database header over a damaged one, after clearing what should be zero.

    A damaged main header is replaced by that of a new file: only the identifier differs, which DuckDB
    compares with that of the log. The newest state is lost if its header is damaged, because DuckDB opens no
    file with a damaged header.
    """
    if not is_intact(words_of(_read(path, HEADER))):
        with path.open("r+b") as file:
            file.write(_new_main_header(path.parent))
    found = _database_headers(path)
    for number, words in found.items():
        if not is_intact(words):
            cleared = words.copy()
            cleared[_FIELDS:] = 0
            other = found[3 - number]
            right = cleared if is_intact(cleared) else other
            if is_intact(right):
                _write(path, number, right)


def use_other(path: Path) -> bool:
    """Make the older database header the newest one; return False if there is none that is intact."""
    found = {number: words for number, words in _database_headers(path).items() if is_intact(words)}
    older = min(found.values(), key=lambda words: int(words[_ITERATION]), default=None)
    if older is None or len(found) < 2 or not _has_state(older):
        return False
    for number in found:
        _write(path, number, older)
    return True


def _new_main_header(folder: Path) -> bytes:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        new = Path(place) / "new.duckdb"
        duckdb.connect(new, config={"storage_compatibility_version": "latest"}).close()
        return _read(new, HEADER)


def _has_state(words: Words) -> bool:
    """Whether a header describes tables: the second one of a new file does not."""
    return int(words[_ITERATION + 1]) != np.iinfo(np.uint64).max


def _database_headers(path: Path) -> dict[int, Words]:
    content = _read(path, 3 * HEADER)
    found = {number: words_of(content[number * HEADER : (number + 1) * HEADER]) for number in (1, 2)}
    return {number: words for number, words in found.items() if len(words) * 8 == HEADER}


def _read(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _write(path: Path, number: int, words: Words) -> None:
    with path.open("r+b") as file:
        file.seek(number * HEADER)
        file.write(with_checksum(words).tobytes())
