"""The thread that finds out in the background what would be too slow for a scrape."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from laban_app.answers.lag_answers import lag_report
from laban_app.answers.protocol import Answers
from laban_app.server.metrics.orders import OrdersTally
from laban_app.server.metrics.proofs import Proofs
from laban_collector.periodic import PeriodicThread
from laban_collector.store.base import SpanReader
from laban_collector.store.edge_totals import Exemplar
from laban_collector.store.rows import MINUTE, EntryTimes, LagRate
from laban_mapper.model import LagReport
from laban_mapper.model_alerts import Alerts
from laban_mapper.spans import NS_PER_S

_INTERVAL: Final = 5.0
"""Seconds between two looks at the lag."""
_SLOWER: Final = 15.0
"""Seconds between two looks at orders and exemplars."""
_IDLE: Final = 600.0
"""Seconds without a scrape after which only orders are counted."""
_SHARE: Final = 50
"""Findings are looked for again after this many times the seconds that it took: 2 % of the time at most."""
_ALERTS: Final = 30.0
"""Seconds between two looks at what alerts, for the proofs."""
_RATES: Final = 5 * MINUTE
_MOST_EXEMPLARS: Final = 5_000


class FoundFindings(NamedTuple):
    """How many findings there were, by code and severity, and when (seconds since the epoch).

    `proofs` has a trace of the worst finding of each code.
    """

    counts: Counter[tuple[str, str]]
    time: float
    proofs: Mapping[str, str] = MappingProxyType({})


class Observer(PeriodicThread):
    """Looks at lag, orders, findings and exemplars.

    Args:
        answers: of the collector.
        reader: of the same store.
        orders: counts orders.
        findings_interval: seconds between two looks at the findings.
        objectives: the names of the operations with an objective.
        window_s: the seconds in which their requests are counted.
        alerts: tells what fires now; None: nobody asks for proofs.
        clock: monotonic seconds.

    Attributes:
        lag: the newest lag.
        rates: of the groups in the last minutes.
        findings: None before the first look.
        exemplars: the newest ones; only if somebody has asked for them.
        entries: the operations with an objective.
        proofs: of what fires.
    """

    def __init__(
        self,
        answers: Answers,
        reader: SpanReader,
        orders: OrdersTally,
        findings_interval: float,
        objectives: Collection[str] = (),
        window_s: float = 300.0,
        alerts: Callable[[], Alerts] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("laban-metrics", _INTERVAL, "Metrics could not be refreshed")
        self._answers = answers
        self._reader = reader
        self.orders = orders
        self._findings_interval = findings_interval
        self._objectives = objectives
        self._window = round(window_s * NS_PER_S)
        self._clock = clock
        self._alerts = alerts
        self._alerts_at = -float("inf")
        self.proofs = Proofs()
        self._scraped = self._wants_exemplars = -_IDLE
        self._orders_at = self._exemplars_at = self._findings_at = self._entries_at = -float("inf")
        self.lag = LagReport(groups=[])
        self.rates: Sequence[LagRate] = ()
        self.findings: FoundFindings | None = None
        self.exemplars: Sequence[Exemplar] = ()
        self.entries: Sequence[EntryTimes] = ()

    def scraped(self, *, exemplars: bool) -> None:
        """Say that somebody reads the metrics."""
        self._scraped = self._clock()
        if exemplars:
            self._wants_exemplars = self._scraped

    def work(self) -> None:
        """Look at everything that is due."""
        now = self._clock()
        if now - self._scraped <= _IDLE:
            self._look(now)
        if now >= self._orders_at:
            self.orders.count()
            self._orders_at = now + _SLOWER

    def _look(self, now: float) -> None:
        self.lag = lag_report(self._reader)
        if self.lag.groups:
            newest = max(
                (one.time.timestamp() for group in self.lag.groups for one in group.topics), default=0.0
            )
            polled = round(newest * 1e9)
            self.rates = self._reader.lag_rates(polled - _RATES, polled + 1)
        if now - self._wants_exemplars <= _IDLE and now >= self._exemplars_at:
            self.exemplars = self._reader.exemplars(_MOST_EXEMPLARS)
            self._exemplars_at = now + _SLOWER
        if self._objectives and now >= self._entries_at:
            until = time.time_ns()
            self.entries = self._reader.entry_times(self._objectives, until - self._window, until)
            self._entries_at = now + _SLOWER
        if now >= self._findings_at:
            self._look_for_findings(now)
        if self._alerts is not None and now >= self._alerts_at:
            self.proofs.update(self._alerts().alerts, {} if self.findings is None else self.findings.proofs)
            self._alerts_at = now + max(_ALERTS, _SHARE * (self._clock() - now))

    def _look_for_findings(self, began: float) -> None:
        counts: Counter[tuple[str, str]] = Counter()
        proofs: dict[str, str] = {}
        for one in self._answers.findings().findings:
            if one.ignored is None:
                counts[one.code, one.severity] += 1
                if one.traces:
                    proofs.setdefault(one.code, one.traces[0])
        self.findings = FoundFindings(counts, time.time(), proofs)
        self._findings_at = began + max(self._findings_interval, _SHARE * (self._clock() - began))
