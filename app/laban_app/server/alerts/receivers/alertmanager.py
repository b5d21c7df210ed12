"""Prometheus' Alertmanager, by its API version 2."""

import json
from collections.abc import Sequence
from typing import Any, Final

from laban_app.answers.alert_settings import Alertmanager
from laban_app.server.alerts.receivers.receiver import post
from laban_mapper.alerts.tracking import Notice
from laban_mapper.spans import NS_PER_S
from laban_mapper.times import utc_time

RESEND: Final = 60.0
"""Seconds after which it is told again: an alert that nobody sends again ends there."""
_LIVES: Final = 4 * RESEND


class AlertmanagerReceiver:
    """Sends alerts with labels that stay the same, so a restart of laban is no new alert there.

    Args:
        settings: where it is.
    """

    name = "alertmanager"
    repeat = RESEND

    def __init__(self, settings: Alertmanager) -> None:
        self._url = settings.url.get_secret_value()
        self._token = None if settings.token is None else settings.token.get_secret_value()

    def send(self, notices: Sequence[Notice], now: float) -> None:
        """Send the alerts that fire or are resolved; raises NotDelivered."""
        body = json.dumps([_alert(one, now) for one in notices]).encode()
        post(self._url, "/api/v2/alerts", body, {}, self._token)


def _alert(notice: Notice, now: float) -> dict[str, Any]:
    alert = notice.alert
    ends = now if notice.kind == "resolved" else now + _LIVES
    annotations = {
        "summary": alert.sentence,
        "order": "" if alert.order is None else f"{alert.order.key}={alert.order.value}",
        "trace": alert.traces[0] if alert.traces else "",
        "link": alert.link or "",
    }
    return {
        "labels": {
            "alertname": alert.name,
            "severity": alert.severity,
            "place": alert.place,
            "source": "laban",
        },
        "annotations": {name: text for name, text in annotations.items() if text},
        "startsAt": None if alert.since is None else alert.since.isoformat(),
        "endsAt": utc_time(round(ends * NS_PER_S)).isoformat(),
        "generatorURL": alert.link or "",
    }
