"""Compares a time with the usual times: which ones are so far above that chance does not explain them."""

import math
from functools import cache
from statistics import NormalDist
from typing import Final

from laban_mapper.profiles.sketch import Measure, Sketch
from laban_mapper.profiles.usual import FEWEST, UsualStep
from laban_mapper.spans import NS_PER_MS
from laban_mapper.times import format_duration

_CAP: Final = 2.5
"""The multiple of the longest usual time that is slow, however wide the times spread."""
HALF_A_BUCKET: Final = 1.032
"""By how much a time can be longer than the middle of its bucket."""
_LEAST_RATIO: Final = 2.0
"""A time below this multiple of the median is never called slow."""
_TOP: Final = 0.998
"""The quantile that stands for the longest usual time: of many times, a few are from earlier incidents."""
_HIGH: Final = 0.97
"""The quantile that tells the spread of the upper half: less by chance than the longest time does."""
_CHANCE: Final = 1e-4
"""How rarely a usual time may be above the limit: a trace has many steps, and each is compared."""
_DOUBT: Final = 100.0
"""The number of examples from which on a second, slower way of a step (a cache miss) has been seen, too."""


def limit_of(step: UsualStep, measure: Measure) -> float | None:
    """The time in ns above which a time of the step is slow; None with too few examples.

    It is above the longest usual time, and as far above the median as the spread of the upper half makes
    very rare, if the logarithm is normal: most durations have a shorter tail. For few examples, a step may
    have a slower way that none of them took.
    """
    sketch, examples = step.sketch(measure), examples_of(step, measure)
    if examples < FEWEST:
        return None
    median, top = max(sketch.median, 1.0), max(_top(sketch), 1.0)
    spread = math.log(max(sketch.quantile(_HIGH) / median, 1.0)) / _deviations(_HIGH)
    beyond = median * math.exp(spread * _deviations(1 - _CHANCE))
    return max(_LEAST_RATIO * median, top * (1 + (_DOUBT / examples) ** 2), min(beyond, _CAP * top))


def examples_of(step: UsualStep, measure: Measure) -> int:
    """How many traces the usual times of a measure rest on."""
    return min(step.ok, step.sketch(measure).count)


def usually(sketch: Sketch, examples: int) -> str:
    """The usual value for a sentence: `usually 12 ms (380 traces)`."""
    return f"usually {milliseconds(sketch.median)} ({examples:,} traces)"


def milliseconds(ns: float) -> str:
    """A duration in ns for people."""
    return format_duration(ns / NS_PER_MS)


def _top(sketch: Sketch) -> float:
    return max(sketch.quantile(_TOP), sketch.median) * HALF_A_BUCKET


@cache
def _deviations(share: float) -> float:
    """Above how many standard deviations this share of a normal distribution is not exceeded."""
    return NormalDist().inv_cdf(share)
