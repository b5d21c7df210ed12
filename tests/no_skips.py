"""A pytest plugin for CI: with LABAN_CI=1, a skipped test fails.

On a developer's machine, tests skip if Java, the Kafka JARs, RabbitMQ, NATS or Chromium are missing. CI
installs all of them, so a skip in CI means that something was not tested. The run must then fail.
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
    """Turn the skip of a module into a failure."""
    report = yield
    if in_ci() and report.skipped:
        refuse(report)
    return report


def in_ci() -> bool:
    """Whether skipping is forbidden."""
    return os.environ.get("LABAN_CI") == "1"


def refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that keeps the reason."""
    report.outcome = "failed"
    report.longrepr = f"{report.longreprtext}\nSkipped, but with LABAN_CI=1 no test may skip."
