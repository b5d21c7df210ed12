"""A pytest plugin for CI: under LABAN_CI=1 a skipped test fails.

On a developer's machine tests skip where Java, the Kafka jars, RabbitMQ, NATS or Chromium are missing. CI
provides them all, so a skip there means that something was not tested, which must not look green.
"""

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a test's skip into a failure."""
    report = yield
    if in_ci() and report.skipped and not hasattr(report, "wasxfail"):
        refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into a failure."""
    report = yield
    if in_ci() and report.skipped:
        refuse(report)
    return report


def in_ci() -> bool:
    """Whether skipping is forbidden."""
    return os.environ.get("LABAN_CI") == "1"


def refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a skip a failure that keeps the reason."""
    report.outcome = "failed"
    report.longrepr = f"{report.longreprtext}\nSkipped, and under LABAN_CI=1 nothing may be skipped."
