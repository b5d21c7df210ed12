import itertools

import pytest

from laban_dashboard.time_scale import time_scale


def test_without_pauses_the_axis_is_linear() -> None:
    scale = time_scale([(0, 100), (20, 50)])
    assert scale.place(50) == pytest.approx(0.5)
    assert scale.cuts == ()
    assert scale.ticks[0] == (0.0, "0")
    assert scale.ticks[1] == (0.2, "20 ms")


def test_a_pause_that_dwarfs_what_happens_is_cut_short_and_says_how_long_it_was() -> None:
    scale = time_scale([(0, 80), (3_600_080, 3_600_160)])
    (cut,) = scale.cuts
    assert cut.label == "1 h"
    assert cut.end - cut.start < 0.2
    assert scale.place(80) == pytest.approx(cut.start)
    assert scale.place(3_600_080) == pytest.approx(cut.end)


def test_after_a_cut_ticks_count_from_its_end() -> None:
    labels = [label for _, label in time_scale([(0, 80), (60_080, 60_160)]).ticks]
    assert labels[0] == "0"
    assert "1 min" in labels
    assert labels[-1].startswith("+")


def test_ticks_stand_apart() -> None:
    places = [place for place, _ in time_scale([(0, 7.3), (9, 9.5), (400, 401)]).ticks]
    assert all(later - earlier >= 0.08 for earlier, later in itertools.pairwise(places))


@pytest.mark.parametrize("intervals", [[], [(5.0, 5.0)], [(0.0, 0.0), (0.0, 0.0)]])
def test_stories_of_no_length_still_have_an_axis(intervals: list[tuple[float, float]]) -> None:
    scale = time_scale(intervals)
    assert scale.place(-3) == 0.0
    assert scale.place(1e9) == 1.0


def test_places_rise_with_time() -> None:
    scale = time_scale([(0, 10), (12, 30), (5_000, 5_010), (5_005, 5_100)])
    places = [scale.place(ms) for ms in range(0, 5_200, 7)]
    assert places == sorted(places)
