"""Chat, mail and whatever else apprise knows, by its URLs."""

import logging
from collections.abc import Sequence
from typing import Final

from laban_app.server.alerts.receivers.receiver import NotDelivered
from laban_collector.errors import BadSettings
from laban_mapper.alerts.tracking import Notice
from laban_mapper.model_alerts import Alert
from laban_mapper.printable import printable

_SHOWN: Final = 20
"""Alerts of one message."""
_WORDS: Final = {"firing": "", "repeated": "still: ", "resolved": "resolved: "}


class AppriseReceiver:
    """Sends one text with all notices to one URL.

    Args:
        url: of apprise; it has secrets.
        number: of the URL in the settings, from 1.
        repeat: seconds after which it is told again.

    Raises:
        BadSettings: apprise is not installed, or does not know such URLs.
    """

    def __init__(self, url: str, number: int, repeat: float) -> None:
        try:
            import apprise
        except ModuleNotFoundError as error:
            raise BadSettings(
                "[alerts] apprise: it is not installed. Install the extra: pip install 'laban[alerts]'"
            ) from error
        # Its log lines name URLs.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        self._target = apprise.Apprise()
        if not self._target.add(url):
            raise BadSettings(f"[alerts] apprise: number {number} is no URL that apprise knows.")
        self._kinds = {
            "error": apprise.NotifyType.FAILURE,
            "warning": apprise.NotifyType.WARNING,
            "info": apprise.NotifyType.INFO,
        }
        self._resolved = apprise.NotifyType.SUCCESS
        self.name = f"apprise-{number}"
        self.repeat = repeat

    def send(self, notices: Sequence[Notice], now: float) -> None:
        """Send the notices; raises NotDelivered."""
        del now
        firing = [one for one in notices if one.kind != "resolved"]
        kind = self._kinds[firing[0].alert.severity] if firing else self._resolved
        lines = [_text(one) for one in notices[:_SHOWN]]
        if len(notices) > _SHOWN:
            lines.append(f"… and {len(notices) - _SHOWN} more")
        if not self._target.notify(title=_title(notices), body="\n\n".join(lines), notify_type=kind):
            raise NotDelivered("apprise could not deliver")


def _title(notices: Sequence[Notice]) -> str:
    first = notices[0]
    what = f"laban: {_WORDS[first.kind]}{first.alert.name}"
    return what if len(notices) == 1 else f"{what} and {len(notices) - 1} more"


def _text(notice: Notice) -> str:
    alert = notice.alert
    lines = [f"{_WORDS[notice.kind]}{alert.sentence}", *_proof(alert), *([alert.link] if alert.link else [])]
    return "\n".join(map(printable, lines))


def _proof(alert: Alert) -> list[str]:
    if alert.order is not None:
        return [f"for example {alert.order.key} {alert.order.value}"]
    return [f"for example trace {alert.traces[0]}"] if alert.traces else []
