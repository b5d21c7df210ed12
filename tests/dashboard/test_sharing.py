"""Answers that browsers share: equal questions are asked once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from laban_app.answers.protocol import TraceAnswers
from laban_app.errors import CollectorUnreachable
from laban_dashboard.sharing import SHARED, shared, shared_now
from laban_mapper.model import LagReport, ServiceMap
from tests.dashboard.shop_answers import BEGIN, END, TRACE, ShopAnswers


class Counting(ShopAnswers):
    """Counts the questions; `lag` waits until it may answer."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = self.lags = self.stories = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.is_asked = threading.Event()

    def service_map(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        unseen: bool = False,
        entry: str | None = None,
    ) -> ServiceMap:
        self.maps += 1
        return super().service_map(since, until, unseen=unseen, entry=entry)

    def lag(self) -> LagReport:
        self.lags += 1
        self.is_asked.set()
        assert self.may_answer.wait(10)
        return super().lag()


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def sharing(answers: ShopAnswers, clock: Clock) -> TraceAnswers:
    return shared(answers, clock)


def test_ten_browsers_cost_no_more_than_two() -> None:
    asked: dict[int, int] = {}
    for browsers in (2, 10):
        answers, clock = Counting(), Clock()
        each = sharing(answers, clock)
        for tick in range(100):  # 50 seconds; each browser asks every 5 seconds, at another moment
            clock.now = tick / 2
            for browser in range(browsers):
                if tick % 10 == browser * 10 // browsers:
                    each.lag()
                    each.service_map(BEGIN, END)
        asked[browsers] = answers.lags + answers.maps
    assert asked[10] <= asked[2]


def test_equal_questions_share_an_answer_for_a_moment() -> None:
    answers, clock = Counting(), Clock()
    each = sharing(answers, clock)
    first = each.service_map(BEGIN, END)
    assert each.service_map(BEGIN, END) is first
    assert each.service_map(BEGIN, END, unseen=True) is not first
    assert each.service_map(until=END) is not first
    assert answers.maps == 3
    assert each.logs([TRACE]) is each.logs([TRACE])
    clock.now = SHARED.total_seconds()
    assert each.service_map(BEGIN, END) is not first


def test_those_who_ask_while_the_answer_is_on_its_way_wait_for_it() -> None:
    answers, clock = Counting(), Clock()
    each = sharing(answers, clock)
    answers.may_answer.clear()
    with ThreadPoolExecutor(10) as browsers:
        waiting = [browsers.submit(each.lag) for _ in range(10)]
        assert answers.is_asked.wait(10)
        answers.may_answer.set()
        found = {id(one.result(10)) for one in waiting}
    assert (len(found), answers.lags) == (1, 1)


def test_an_answer_that_takes_long_is_shared_longer() -> None:
    clock = Clock()

    class Slow(Counting):
        takes = 0.5

        def lag(self) -> LagReport:
            clock.now += self.takes
            return super().lag()

    answers = Slow()
    each = sharing(answers, clock)
    each.lag()
    clock.now = 4.9
    each.lag()
    assert answers.lags == 1
    clock.now, answers.takes = 5.0, 3.0
    each.lag()
    clock.now = 12.9
    each.lag()
    assert answers.lags == 2
    clock.now = 13.0
    each.lag()
    assert answers.lags == 3


def test_a_failure_is_shared_and_then_tried_again() -> None:
    class Failing(ShopAnswers):
        tried = 0

        def lag(self) -> LagReport:
            self.tried += 1
            raise CollectorUnreachable("No collector.")

    answers, clock = Failing(), Clock()
    each = sharing(answers, clock)
    for _ in range(2):
        with pytest.raises(CollectorUnreachable):
            each.lag()
    assert answers.tried == 1
    clock.now = SHARED.total_seconds()
    with pytest.raises(CollectorUnreachable):
        each.lag()
    assert answers.tried == 2


def test_browsers_ask_about_the_same_moment() -> None:
    now = shared_now()
    assert now.timestamp() % SHARED.total_seconds() == 0
