"""Runs each drill of `holds` in a small size; `./run drill` runs them in full."""

import shutil
from pathlib import Path

import pytest

from .holds import SIZES, drills


@pytest.mark.parametrize("name", drills())
def test_the_collector_holds(name: str, tmp_path: Path) -> None:
    if name == "power_cut" and shutil.which("cc") is None:
        pytest.skip("needs a C compiler: apt install gcc libc6-dev")
    small, _ = SIZES[name]
    held = drills()[name](tmp_path, small)
    assert held.size
    assert held.found


def test_every_drill_has_sizes() -> None:
    assert drills().keys() == SIZES.keys()
