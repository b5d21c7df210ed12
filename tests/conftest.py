"""Fixtures that all tests share, and the rule that in CI nothing may be skipped."""

from .broker import embedded_broker
from .kafka.real_kafka import real_kafka
from .no_skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["embedded_broker", "pytest_make_collect_report", "pytest_runtest_makereport", "real_kafka"]
