import pytest

from laban_collector.lag.log_history import LogHistory


def log(*ends: int) -> LogHistory:
    """A log whose end was read every ten seconds."""
    history = LogHistory()
    for number, end in enumerate(ends):
        history.add(number * 10, end)
    return history


@pytest.mark.parametrize(
    ("ends", "offset", "time"),
    [
        ((0, 100), 90, 9),
        ((0, 100, 100, 100), 50, 5),  # and has not grown since
        ((0, 0, 0, 100), 50, 25),  # it grew between the newest two readings
        ((0, 100, 300), 100, 10),
        ((0, 100, 300), 0, 0),
        ((0, 100, 300), 200, 15),
        ((40, 100), 39, None),  # passed before the first reading
        ((40,), 40, None),  # not yet passed
        ((), 0, None),
        ((0, 100, 5, 10), 7, 24),  # the topic was made anew
    ],
)
def test_the_end_passes_an_offset_between_two_readings(
    ends: tuple[int, ...], offset: int, time: int | None
) -> None:
    assert log(*ends).passed(offset) == time


def test_only_the_newest_changes_are_kept() -> None:
    history = log(*range(2000))
    assert history.passed(10) is None
    assert history.passed(1900) == 19000
