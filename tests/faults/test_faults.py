"""The drills, short; `./run drill` makes them long."""

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
def test_what_was_acknowledged_is_there_or_its_loss_is_told(name: str, tmp_path: Path) -> None:
    outcome = DRILLS[name](tmp_path, _ROUNDS.get(name, 1), _SEED)
    assert outcome.acknowledged > 0
    assert outcome.lost == 0 or name in LOSSY
    assert outcome.seconds < _STOP_S
