"""The keys of commits: numbers of the traces, links, messages and values that queries may look for."""

from typing import Final, NamedTuple

import duckdb
import numpy as np

from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.index import bloom

LAST: Final = (1 << 64) - 1
"""No commit is later."""
WORDS_PER_KEY: Final = 3
"""For the Bloom filters of digests; with 16 bits per key, at most one absent key in 1,000 seems present."""

# These distinguish numbers of different kinds.
LINKED: Final = 0x5851F42D4C957F2D
MESSAGE: Final = 0x14057B7EF767814F


class CommitRange(NamedTuple):
    """The commits from `first` to `last`, both included."""

    first: int
    last: int


class Consumer(NamedTuple):
    """A consumer group that reads a topic, and its service."""

    topic: str
    group: str
    service: str


def key_of_value(value: str) -> int:
    """Return the key of a business key's value in a digest."""
    return bloom.hash_of_text(value)


def key_of_link(trace_lo: int) -> int:
    """Return the key of a link to a trace in a digest."""
    return trace_lo ^ LINKED


def key_of_message(partition: int, offset: int) -> int:
    """Return the key of a message in a digest; `digest_numbers.sql` computes the same."""
    return (partition & 0x7FFF) << 48 ^ offset & 0x7FFF_FFFF_FFFF_FFFF ^ MESSAGE


def keys_of_commits(cursor: duckdb.DuckDBPyConnection, commits: CommitRange) -> bloom.Numbers:
    """Return the distinct keys of a range of commits."""
    bounds = commits._asdict()
    salts = {"linked": LINKED, "message": MESSAGE}
    numbers = cursor.execute(sql("index/digest_numbers"), {**bounds, **salts}).fetchnumpy()["key"]
    values = cursor.execute(sql("index/digest_values"), bounds).fetchall()
    hashed = np.array([key_of_value(value) for (value,) in values], np.uint64)
    return np.concatenate([np.asarray(numbers, np.uint64), hashed])
