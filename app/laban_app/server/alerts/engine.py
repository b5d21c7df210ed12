"""The thread that looks at the conditions, and tells receivers."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from laban_app.answers.alert_settings import AlertSettings
from laban_app.answers.alerts import AlertsLook
from laban_app.server.alerts.delivery import Delivery
from laban_app.server.alerts.receivers.receiver import Receiver
from laban_app.server.metrics.text import Family, Form
from laban_collector.periodic import PeriodicThread
from laban_collector.store.kept_state import KeptState
from laban_mapper.alerts.tracking import Tracker
from laban_mapper.model import Finding
from laban_mapper.model_alerts import Alerts
from laban_mapper.spans import NS_PER_S
from laban_mapper.times import utc_time

_log = logging.getLogger(__name__)

_FINDINGS_S: Final = 120.0
"""Seconds between two looks at the findings, which take long."""
_SHARE: Final = 50
"""Findings are looked for again after this many times the seconds that it took: 2 % of the time at most."""
_FIRING: Final = Family("laban_alerts_firing", "gauge", "Alerts that fire.")
_SENT: Final = Family("laban_alert_notifications", "counter", "Alerts that a receiver was told of.")
_FAILED: Final = Family(
    "laban_alert_notification_failures", "counter", "Attempts to tell a receiver that failed."
)
_LOOKED: Final = Family("laban_alerts_timestamp_seconds", "gauge", "When conditions were looked at.")
_LEFT_OUT: Final = Family(
    "laban_alerts_left_out", "gauge", "Alerts beyond the limit, which nobody is told of."
)


class AlertEngine(PeriodicThread):
    """Looks at an interval, and tells all receivers. What they were told survives a restart.

    Args:
        look: looks at the store.
        findings: looks for findings.
        settings: of the alerts.
        receivers: who is told.
        kept: where it is kept what they were told.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        look: AlertsLook,
        findings: Callable[[], Sequence[Finding]],
        settings: AlertSettings,
        receivers: Sequence[Receiver],
        kept: KeptState,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__("laban-alerts", settings.interval, "Alerts could not be looked at")
        self._look = look
        self._find = findings
        self._settings = settings
        self._deliveries = [Delivery(receiver, settings.severity) for receiver in receivers]
        self._kept = kept
        self._clock = clock
        self._findings: Sequence[Finding] | None = None
        self._findings_at = 0.0
        self._looked_at = 0.0
        self._newest: datetime | None = None
        self._left_out = 0
        self._tracker = _restored(kept)

    def work(self) -> None:
        """Look once, and tell what is due."""
        now = self._clock()
        tracker = self._tracker
        self._look_for_findings(now)
        at = round(now * NS_PER_S)
        found, newest = self._look.at(at, self._findings, tracker.known), self._look.newest(at)
        tracker.update(found.alerts, now, self._settings.resolve)
        if self._findings is not None:
            tracker.learn([(one.code, one.place) for one in self._findings], now)
        self._looked_at, self._newest, self._left_out = now, newest, found.left_out + tracker.left_out
        self._keep()
        for delivery in self._deliveries:
            if delivery.run(tracker, now):
                self._keep()
        tracker.forget([one.receiver.name for one in self._deliveries], now)

    def alerts(self) -> Alerts:
        """What fires now, as of the last look."""
        now = round((self._looked_at or self._clock()) * NS_PER_S)
        return Alerts(
            alerts=self._tracker.firing(),
            window_s=self._settings.limits.window,
            time=utc_time(now),
            left_out=self._left_out,
            watched=True,
            judged=bool(self._look.entries),
            newest=self._newest if self._looked_at else self._look.newest(now),
        )

    def render(self, form: Form) -> str:
        """The families of the alerts."""
        firing = Counter((one.name, one.severity) for one in self._tracker.firing())
        receivers = [({"receiver": one.receiver.name}, one) for one in self._deliveries]
        return "".join(
            (
                _FIRING.samples(
                    form,
                    [({"alertname": name, "severity": bad}, n) for (name, bad), n in sorted(firing.items())],
                ),
                _SENT.samples(form, [(labels, one.sent) for labels, one in receivers]),
                _FAILED.samples(form, [(labels, one.failures) for labels, one in receivers]),
                _LOOKED.samples(form, [({}, self._looked_at)]),
                _LEFT_OUT.samples(form, [({}, self._left_out)]),
            )
        )

    def _look_for_findings(self, now: float) -> None:
        if now < self._findings_at:
            return
        began = time.monotonic()
        self._findings = self._find()
        self._findings_at = now + max(_FINDINGS_S, _SHARE * (time.monotonic() - began))

    def _keep(self) -> None:
        try:
            self._kept.write(self._tracker.model_dump(mode="json"))
        except OSError as error:
            _log.error(
                "%s cannot be written; after a restart, alerts may be told again: %s.", self._kept.path, error
            )


def _restored(kept: KeptState) -> Tracker:
    try:
        return Tracker.model_validate(kept.read())
    except ValidationError as error:
        _log.error("%s is not understood, and begins anew: %d problems.", kept.path, error.error_count())
        return Tracker()
