"""Builds the engine of the alerts from the settings."""

from laban_app.answers.alert_settings import AlertSettings
from laban_app.answers.alerts import AlertsLook
from laban_app.answers.protocol import Answers
from laban_app.server.alerts.engine import AlertEngine
from laban_app.server.alerts.receivers.alertmanager import AlertmanagerReceiver
from laban_app.server.alerts.receivers.apprise import AppriseReceiver
from laban_app.server.alerts.receivers.receiver import Receiver
from laban_app.server.alerts.receivers.webhook import WebhookReceiver
from laban_collector.store.base import Store
from laban_collector.store.kept_state import KeptState


def receivers_of(settings: AlertSettings) -> list[Receiver]:
    """Everybody who is told of alerts.

    Raises:
        BadSettings: apprise is not installed, or a URL of it is not understood.
    """
    receivers: list[Receiver] = []
    if settings.alertmanager is not None:
        receivers.append(AlertmanagerReceiver(settings.alertmanager))
    if settings.webhook is not None:
        receivers.append(WebhookReceiver(settings.webhook, settings.repeat))
    for number, url in enumerate(settings.apprise, 1):
        receivers.append(AppriseReceiver(url.get_secret_value(), number, settings.repeat))
    return receivers


def alert_engine(
    store: Store, answers: Answers, look: AlertsLook, settings: AlertSettings, receivers: list[Receiver]
) -> AlertEngine:
    """The engine of a collector; start it, and stop it before the store is closed."""
    kept = KeptState(store.path, "alerts")
    return AlertEngine(look, lambda: answers.findings().findings, settings, receivers, kept)
