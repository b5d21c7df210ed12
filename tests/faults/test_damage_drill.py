"""Random damage to the files of a killed collector; `./run drill damage` tries hundreds of mutations."""

from pathlib import Path

from .damage_drill import run

_COUNT = 3
_SEED = 21


def test_no_start_is_refused_and_no_loss_is_hidden(tmp_path: Path) -> None:
    trials = run(tmp_path, _COUNT, _SEED)
    assert not [trial for trial in trials if trial.fails]
    assert all(trial.reported >= trial.lost for trial in trials)
    assert sum(trial.rescued for trial in trials) >= 0.95 * sum(trial.whole for trial in trials)
