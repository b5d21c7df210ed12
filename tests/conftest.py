"""Fixtures that all tests share, and the rule that in CI nothing may be skipped."""

import os

from .broker import embedded_broker
from .kafka.real_kafka import real_kafka
from .no_skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["embedded_broker", "pytest_make_collect_report", "pytest_runtest_makereport", "real_kafka"]

# Tests start some hundred Pythons, and each would compile all that it imports where this is set.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
