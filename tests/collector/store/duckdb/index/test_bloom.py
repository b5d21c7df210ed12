import numpy as np

from laban_collector.store.duckdb.index.bloom import filter_of, may_hold


def numbers(begin: int, end: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.arange(begin, end, dtype=np.uint64)


def holds(content: bytes, number: int) -> bool:
    [[held]] = may_hold(np.frombuffer(content, np.uint8)[None, :], numbers(number, number + 1))
    return bool(held)


def test_what_a_filter_was_made_of_is_found_and_hardly_anything_else() -> None:
    content = filter_of(numbers(0, 5_000))
    assert all(holds(content, number) for number in range(0, 5_000, 37))
    assert sum(holds(content, number) for number in range(10_000, 12_000)) <= 10


def test_an_empty_filter_holds_nothing() -> None:
    assert not holds(filter_of(numbers(0, 0)), 7)


def test_of_many_filters_it_is_told_which_may_hold_which_of_many_numbers() -> None:
    filters = np.stack([np.frombuffer(filter_of(numbers(at, at + 100)), np.uint8) for at in (0, 1000, 2000)])
    held = may_hold(filters, np.array([1050, 9_999_999, 2001], np.uint64))
    assert held.tolist() == [[False, False, False], [True, False, False], [False, False, True]]
    assert may_hold(filters, numbers(0, 0)).shape == (3, 0)
