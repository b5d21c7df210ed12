import logging

import pytest

from laban_collector.lag.evaluation import Problem
from laban_collector.lag.problems import ProblemLog


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> ProblemLog:
    caplog.set_level(logging.INFO, "laban_collector")
    return ProblemLog("Kafka prod at a:1")


def test_a_problem_is_logged_when_it_begins_and_when_it_ends(
    log: ProblemLog, caplog: pytest.LogCaptureFixture
) -> None:
    secret = Problem("billing", None, None, "not authorised")
    leaderless = Problem(None, "orders", 3, "no leader")
    for problems in ([secret], [secret, leaderless], [leaderless], [leaderless], []):
        log.update(problems)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "Kafka prod at a:1: not authorised: group billing. The rest is read."),
        ("WARNING", "Kafka prod at a:1: no leader: orders[3]. The rest is read."),
        ("INFO", "Kafka prod at a:1: no longer 'not authorised': group billing."),
        ("INFO", "Kafka prod at a:1: no longer 'no leader': orders[3]."),
    ]


def test_many_problems_with_one_reason_are_one_line(
    log: ProblemLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.update([Problem(None, f"orders-{n:04}", 0, "broker does not answer") for n in range(1500)])
    (line,) = [record.getMessage() for record in caplog.records]
    assert "orders-0000[0], orders-0001[0]" in line
    assert "orders-0009[0] and 1,490 more. " in line


def test_a_name_cannot_forge_a_line(log: ProblemLog, caplog: pytest.LogCaptureFixture) -> None:
    log.update([Problem("a\nERROR: all is lost", "orders", 0, "not authorised")])
    (line,) = [record.getMessage() for record in caplog.records]
    assert "\n" not in line
    assert "group 'a\\nERROR: all is lost' in orders[0]" in line


def test_a_problem_without_a_place_is_of_the_list_of_groups(
    log: ProblemLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.update([Problem(None, None, None, "not authorised")])
    assert "not authorised: the list of groups." in caplog.text
