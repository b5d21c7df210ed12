import numpy as np
import pytest

from laban_collector.decode.columnar import choice
from laban_collector.decode.columnar.choice import Choice, distinct


def test_a_slot_has_the_number_of_each_owner_and_slots_without_values_take_none() -> None:
    slots, fits = np.array([4, 4, 9]), np.array([True, True, False])
    chosen = Choice(3, slots, fits)
    chosen.take(np.array([0, 2]), np.array([1, 0]))
    assert chosen.of(4).tolist() == [1, -1, 0]
    assert (chosen.has(4), chosen.has(9)) == (True, False)
    assert chosen.of(9).tolist() == [-1, -1, -1]
    chosen.set(9, np.array([1]), np.array([7]))
    assert chosen.of(9).tolist() == [-1, 7, -1]
    assert chosen.of(4).tolist() == [1, -1, 0]


@pytest.mark.parametrize("largest", [2**62, 8])
def test_equal_combinations_are_one(largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_MAX_CODE", largest)  # with 8, codes are compressed after each column
    columns = [np.array([3, -1, 3, 3]), np.array([2, 0, 2, 1]), np.array([-1, 5, -1, -1])]
    first, which = distinct(columns)
    assert [[int(column[at]) for column in columns] for at in first[which]] == [
        [3, 2, -1],
        [-1, 0, 5],
        [3, 2, -1],
        [3, 1, -1],
    ]
    assert len(first) == 3
