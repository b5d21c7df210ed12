"""Which Pythons CI tests the instrumentation with."""

import os
import sys
from pathlib import Path

import pytest

from .other_pythons import Version, choose, find_pythons

THIS = sys.version_info[:2]


def link(folder: Path, name: str, target: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).symlink_to(target)


def test_pythons_of_the_path_and_of_pyenv_are_found(tmp_path: Path) -> None:
    link(tmp_path / "bin", "python3.98", sys.executable)
    link(tmp_path / "pyenv/versions/x/bin", "python3.99", sys.executable)
    on_path = find_pythons({"PATH": str(tmp_path / "bin"), "PYENV_ROOT": str(tmp_path)})
    assert on_path == {THIS: tmp_path / "bin/python3.98"}
    of_pyenv = find_pythons({"PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path / "pyenv")})
    assert of_pyenv == {THIS: tmp_path / "pyenv/versions/x/bin/python3.99"}


def test_a_python_that_does_not_start_and_other_programs_are_left_out(tmp_path: Path) -> None:
    link(tmp_path, "python3.12", "/bin/false")
    link(tmp_path, "python3.13", "/nowhere")
    link(tmp_path, "python3.11-config", sys.executable)
    assert find_pythons({"PATH": str(tmp_path), "PYENV_ROOT": os.devnull}) == {}


@pytest.mark.parametrize(
    ("tested", "chosen"),
    [((3, 11), [(3, 14)]), ((3, 14), [(3, 11)]), ((3, 12), [(3, 11), (3, 14)])],
)
def test_the_oldest_and_the_newest_are_tested_unless_one_is_already(
    tested: Version, chosen: list[Version]
) -> None:
    assert choose([(3, 12), (3, 14), (3, 11)], tested) == chosen


def test_a_machine_with_one_python_tests_no_other() -> None:
    assert choose([(3, 11)], (3, 11)) == []
    assert choose([], (3, 11)) == []
