"""The conditions, one file each. A new condition needs a line in each of the two lists."""

from types import ModuleType
from typing import Final

from laban_mapper.alerts.conditions import (
    dead_letters,
    error_objective,
    group_behind,
    group_stopped,
    latency_objective,
    new_finding,
    queue_objective,
    slow_drain,
)
from laban_mapper.alerts.facts import Condition

_FILES: Final[tuple[ModuleType, ...]] = (
    group_stopped,
    group_behind,
    slow_drain,
    queue_objective,
    latency_objective,
    error_objective,
    dead_letters,
    new_finding,
)

CONDITIONS: Final[tuple[Condition, ...]] = tuple(file.CONDITION for file in _FILES)
