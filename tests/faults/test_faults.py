"""Runs each drill for a few rounds; `./run drill` runs many."""

from pathlib import Path

import pytest

from .drills import DRILLS, LOSSY

_ROUNDS = {
    "killed_in_insert": 2,
    "killed_in_checkpoint": 3,
    "killed_at_start": 3,
    "disk_full": 2,
    "truncated_log": 2,
}
_SEED = 7
_STOP_S = 10


@pytest.mark.parametrize("name", DRILLS)
def test_acknowledged_spans_are_stored_or_reported_as_lost(name: str, tmp_path: Path) -> None:
    outcome = DRILLS[name](tmp_path, _ROUNDS.get(name, 1), _SEED)
    assert outcome.acknowledged > 0
    assert outcome.lost == 0 or name in LOSSY
    assert outcome.seconds < _STOP_S
