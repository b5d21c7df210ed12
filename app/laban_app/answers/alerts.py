"""Looks at everything that alerts rest on, and says what is true now."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final

from laban_app.answers.alert_settings import AlertSettings
from laban_app.answers.extent import extent_of
from laban_app.answers.lag_answers import lag_report, waiting_report
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import MINUTE
from laban_mapper.alerts.evaluating import Evaluated, evaluate
from laban_mapper.alerts.facts import DeadLetters, Situation
from laban_mapper.findings.thresholds import Objectives
from laban_mapper.model import BusinessKey, Finding, LagReport
from laban_mapper.model_alerts import Alerts
from laban_mapper.spans import NS_PER_S
from laban_mapper.story.messages import is_dead_letter
from laban_mapper.times import utc_time

_RATES: Final = 5 * MINUTE
"""The time over which the rates of groups are measured, in ns."""
_EXAMPLES: Final = 5
_KEYS: Final = 8
_BEFORE: Final = 24 * 3600 * NS_PER_S
"""How long ago a trace may have begun whose order is looked for, in ns."""
_AFTER: Final = 3600 * NS_PER_S


class AlertsLook:
    """Looks at a store.

    Args:
        reader: of the store.
        settings: of the alerts.
        objectives: what was promised.
    """

    def __init__(self, reader: SpanReader, settings: AlertSettings, objectives: Objectives) -> None:
        self._reader = reader
        self._settings = settings
        self._objectives = objectives

    def at(
        self,
        now: int,
        findings: Sequence[Finding] | None = None,
        known: Collection[str] | None = None,
    ) -> Evaluated:
        """What is true at a time, the worst first.

        Args:
            now: ns since the epoch.
            findings: what is wrong with how the services talk; None: nobody has looked.
            known: the findings that are not new; None: all are.
        """
        window = now - round(self._settings.limits.window * NS_PER_S), now
        lag = self._lag()
        situation = Situation(
            lag=lag,
            rates=self._rates(lag),
            entries=self._reader.entry_times(self.entries, *window) if self.entries else (),
            dead_letters=self._dead_letters(*window),
            findings=findings,
            known=known,
            limits=self._settings.limits,
            objectives=self._objectives,
        )
        return evaluate(situation, self._settings.dashboard, self._order_of(now))

    def newest(self, now: int) -> datetime | None:
        """When the newest span began; None without any. `now` (ns) says which times are plausible."""
        extent = extent_of(self._reader, now)
        return None if extent is None else utc_time(extent[1])

    @property
    def entries(self) -> Collection[str]:
        """The operations with an objective."""
        return {**self._objectives.latency, **self._objectives.errors}.keys()

    def _lag(self) -> LagReport:
        """The lag; with the messages that wait only if some may alert, because that takes longer."""
        report = lag_report(self._reader)
        least = 1 if self._objectives.queue else self._settings.limits.lag_messages
        is_fine = all(group.messages < least for group in report.groups)
        return report if is_fine else waiting_report(self._reader)

    def _rates(self, lag: LagReport) -> dict[tuple[str, str, str], tuple[float | None, float | None]]:
        polls = [one.time.timestamp() for group in lag.groups for one in group.topics]
        if not polls:
            return {}
        newest = round(max(polls) * NS_PER_S)
        return {
            (one.cluster, one.group, one.topic): (one.published_per_s, one.consumed_per_s)
            for one in self._reader.lag_rates(newest - _RATES, newest + NS_PER_S)
        }

    def _dead_letters(self, since: int, until: int) -> list[DeadLetters]:
        begin, end = since // MINUTE * MINUTE, -(-until // MINUTE) * MINUTE
        found: dict[str, tuple[int, list[str]]] = {}
        for edge in self._reader.edges(begin, end):
            kind, _, topic = edge.target.partition(":")
            if kind == "topic" and is_dead_letter(topic) and edge.calls:
                calls, services = found.get(topic, (0, []))
                found[topic] = calls + edge.calls, [*services, edge.source.partition(":")[2]]
        if not found:
            return []
        traces = self._reader.newest_publications(found, begin, end, _EXAMPLES)
        return [DeadLetters(topic, *counted, traces.get(topic, ())) for topic, counted in found.items()]

    def _order_of(self, now: int) -> Callable[[str], BusinessKey | None]:
        def order_of(trace: str) -> BusinessKey | None:
            found = self._reader.keys_of([trace], now - _BEFORE, now + _AFTER, _KEYS).get(trace, [])
            keys = sorted(found, key=lambda one: not one[0].startswith("order"))
            return BusinessKey(key=keys[0][0], value=keys[0][1]) if keys else None

        return order_of


def alerts_now(look: AlertsLook, now: int, window_s: float) -> Alerts:
    """What is true now, without knowing since when, and which findings are new."""
    found = look.at(now)
    return Alerts(
        alerts=found.alerts,
        window_s=window_s,
        time=utc_time(now),
        left_out=found.left_out,
        watched=False,
        judged=bool(look.entries),
        newest=look.newest(now),
    )
