"""Lets all browsers share an answer for a few seconds: ten cost the collector no more than two do."""

import math
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from laban_app.answers.protocol import TraceAnswers

SHARED: Final = timedelta(seconds=2.5)
"""How long an answer is shared at least: half of the time after which most pages ask again."""
_LONGEST: Final = 8.0
_TIMES: Final = 10
"""An answer is shared for as many times the seconds that it took, and at most so long: on a busy machine or a
large store, pages then ask less often."""
_STREAMED: Final = frozenset({"trace_json", "trace"})
"""Answers that are read once, or are too large to keep."""
_MOST: Final = 200

Question = tuple[Hashable, ...]


def shared_now() -> datetime:
    """The time now, rounded down, so that browsers that ask within SHARED ask the same question."""
    step = SHARED.total_seconds()
    return datetime.fromtimestamp(time.time() // step * step, UTC)


def shared(answers: TraceAnswers, clock: Callable[[], float] = time.monotonic) -> TraceAnswers:
    """The same answers; equal questions within SHARED are asked once, also while the answer is on its way.

    Nobody may change an answer, because others see the same one.
    """
    return cast("TraceAnswers", _Shared(answers, clock))


class _Shared:
    """Remembers the newest answers. Thread-safe."""

    def __init__(self, answers: TraceAnswers, clock: Callable[[], float]) -> None:
        self._answers = answers
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[Question, tuple[float, Future[object]]] = {}
        """Until when an answer is shared, and the answer."""

    def __getattr__(self, name: str) -> object:
        ask = getattr(self._answers, name)
        if name in _STREAMED or not callable(ask):
            return ask

        def answer(*args: object, **kwargs: object) -> object:
            question = (name, *map(_as_key, args), *((key, _as_key(kwargs[key])) for key in sorted(kwargs)))
            return self._answer(question, lambda: ask(*args, **kwargs))

        return answer

    def _answer(self, question: Question, ask: Callable[[], object]) -> object:
        with self._lock:
            now = self._clock()
            until, answer = self._known.get(question, (now, Future[object]()))
            mine = now >= until
            if mine:
                answer = Future()
                self._forget(now)
                self._known[question] = (math.inf, answer)
        if mine:
            try:
                answer.set_result(ask())
            except BaseException as error:  # noqa: BLE001 - those who wait for the answer get it, too
                answer.set_exception(error)
            longer = min(_TIMES * (self._clock() - now), _LONGEST)
            with self._lock:
                self._known[question] = (now + max(SHARED.total_seconds(), longer), answer)
        return answer.result()

    def _forget(self, now: float) -> None:
        """Forget answers that are too old to be shared; and all, if there are very many."""
        self._known = {
            question: (until, answer)
            for question, (until, answer) in self._known.items()
            if len(self._known) < _MOST and now < until
        }


def _as_key(value: object) -> Hashable:
    return tuple(cast("list[Hashable]", value)) if isinstance(value, list) else value
