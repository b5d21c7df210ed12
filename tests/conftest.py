"""Fixtures that all tests share, and the rule that no test may skip in CI."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from .broker import embedded_broker
from .kafka.real_kafka import real_kafka
from .no_skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["embedded_broker", "pytest_make_collect_report", "pytest_runtest_makereport", "real_kafka"]

# Tests start a few hundred Python processes. With this variable, each would compile all of its imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes depends on the machine.
settings.register_profile("laban", deadline=None)
settings.load_profile("laban")

LONGEST = (
    "app/server/metrics/test_prometheus.py",
    "browser/test_dashboard.py",
    "faults/test_faults.py",
    "test_demo.py",
    "test_install.py",
    "faults/test_holds.py",
    "instrumentation/test_stock_packages.py",
    "sample_services/demo/test_run.py",
)
"""The files that take longest. They run first, so that no worker has one left when the others have ended."""


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Run one worker more than there are cores: a worker waits a quarter of its time."""
    return (yield) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the longest files to the front."""
    tests = Path(__file__).parent
    places = {tests / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
