"""Fixtures that all tests share, and the rule that no test may skip in CI."""

import os

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
