"""The log of what cannot be read: each problem once when it begins, and once when it ends."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from laban_collector.lag.evaluation import Problem

_log = logging.getLogger(__name__)

_NAMED: Final = 10
"""Names in one line; the others are counted."""
_LONGEST_NAME: Final = 100


class ProblemLog:
    """Logs how the problems of a cluster change from poll to poll.

    Args:
        cluster: the cluster, as the lines call it.
    """

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._known: frozenset[Problem] = frozenset()

    def update(self, problems: Sequence[Problem]) -> None:
        """Take the problems of a poll; logs one line for each reason that has new or ended problems."""
        now = frozenset(problems)
        for reason, names in _by_reason(now - self._known):
            _log.warning("%s: %s: %s. The rest is read.", self._cluster, reason, names)
        for reason, names in _by_reason(self._known - now):
            _log.info("%s: no longer %r: %s.", self._cluster, reason, names)
        self._known = now


def _by_reason(problems: Iterable[Problem]) -> list[tuple[str, str]]:
    names: dict[str, list[str]] = defaultdict(list)
    for problem in problems:
        names[problem.reason].append(_name(problem))
    return [(reason, _listed(sorted(found))) for reason, found in sorted(names.items())]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _name(problem: Problem) -> str:
    parts = []
    if problem.group is not None:
        parts.append(f"group {_safe(problem.group)}")
    if problem.topic is not None:
        number = "" if problem.partition is None else f"[{problem.partition}]"
        parts.append(f"{_safe(problem.topic)}{number}")
    return " in ".join(parts) or "the list of groups"


def _safe(name: str) -> str:
    """Return a name that cannot forge a line of the log."""
    cut = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"
    return cut if cut.isprintable() else repr(cut)
