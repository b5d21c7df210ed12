import itertools

import pytest

from laban_mapper.story.time_scale import time_scale


def test_without_pauses_the_axis_is_linear() -> None:
    scale = time_scale([(0, 100), (20, 50)])
    assert scale.position(50) == pytest.approx(0.5)
    assert scale.breaks == ()
    assert scale.ticks[0] == (0.0, "0")
    assert scale.ticks[1] == (0.2, "20 ms")


def test_a_long_pause_becomes_a_break_labelled_with_its_duration() -> None:
    scale = time_scale([(0, 80), (3_600_080, 3_600_160)])
    (pause,) = scale.breaks
    assert pause.label == "1 h"
    assert pause.end - pause.start < 0.2
    assert scale.position(80) == pytest.approx(pause.start)
    assert scale.position(3_600_080) == pytest.approx(pause.end)


def test_after_a_break_ticks_count_from_its_end() -> None:
    labels = [label for _, label in time_scale([(0, 80), (60_080, 60_160)]).ticks]
    assert labels[0] == "0"
    assert "1 min" in labels
    assert labels[-1].startswith("+")


def test_ticks_have_a_minimum_distance() -> None:
    positions = [position for position, _ in time_scale([(0, 7.3), (9, 9.5), (400, 401)]).ticks]
    assert all(later - earlier >= 0.08 for earlier, later in itertools.pairwise(positions))


@pytest.mark.parametrize("intervals", [[], [(5.0, 5.0)], [(0.0, 0.0), (0.0, 0.0)]])
def test_stories_of_zero_length_still_have_an_axis(intervals: list[tuple[float, float]]) -> None:
    scale = time_scale(intervals)
    assert scale.position(-3) == 0.0
    assert scale.position(1e9) == 1.0


def test_positions_increase_with_time() -> None:
    scale = time_scale([(0, 10), (12, 30), (5_000, 5_010), (5_005, 5_100)])
    positions = [scale.position(ms) for ms in range(0, 5_200, 7)]
    assert positions == sorted(positions)
