import numpy as np
import xxhash
from numpy.typing import NDArray

from laban_collector.store.duckdb.index import bloom

PER_KEY = 3


def keys(begin: int, end: int) -> NDArray[np.uint64]:
    """Return the hashes of sequential keys."""
    return bloom.hash_numbers(np.arange(begin, end, dtype=np.uint64))


def filter_of(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = np.zeros(bloom.words_for(len(hashes), 16), np.uint64)
    bloom.add(words, hashes, PER_KEY)
    return words


def test_every_added_key_is_found_and_almost_no_other() -> None:
    words = filter_of(keys(0, 8_192))  # as full as a filter can be
    assert bloom.may_hold(words, keys(0, 8_192), PER_KEY).all()
    assert bloom.may_hold(words, keys(10_000, 110_000), PER_KEY).mean() < 0.002


def test_an_empty_filter_holds_no_keys() -> None:
    assert not bloom.may_hold(filter_of(keys(0, 0)), keys(0, 1_000), PER_KEY).any()


def test_several_filters_are_queried_for_several_keys_at_once() -> None:
    filters = np.stack([filter_of(keys(at, at + 100)) for at in (0, 1000, 2000)])
    wanted = bloom.hash_numbers(np.array([1050, 9_999_999, 2001], np.uint64))
    assert bloom.may_hold(filters, wanted, PER_KEY).tolist() == [
        [False, False, False],
        [True, False, False],
        [False, False, True],
    ]
    assert bloom.may_hold(filters, keys(0, 0), PER_KEY).shape == (3, 0)


def test_adding_a_key_twice_in_one_call_keeps_all_bits() -> None:
    hashes = np.repeat(keys(0, 50), 3)
    assert bloom.may_hold(filter_of(hashes), hashes, PER_KEY).all()


def test_number_hashes_equal_the_library_s_hashes_of_their_bytes() -> None:
    numbers = [0, 1, 7, 2**31, 2**63, 2**64 - 1, *range(10**18, 10**18 + 50)]
    found = bloom.hash_numbers(np.array(numbers, np.uint64)).tolist()
    assert found == [xxhash.xxh3_64_intdigest(number.to_bytes(8, "little")) for number in numbers]


def test_the_hash_of_a_text_never_changes() -> None:
    """Stored filters depend on these hashes."""
    assert bloom.hash_of_text("1001") == xxhash.xxh3_64_intdigest(b"1001") == 0x2757B5C4FA2D7588
