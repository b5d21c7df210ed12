"""Any URL that takes JSON, signed so that the receiver can tell who sent it, and when."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Final

from laban_app.answers.alert_settings import Webhook
from laban_app.server.alerts.receivers.receiver import base_and_target, post
from laban_mapper.alerts.tracking import Notice

TIMESTAMP: Final = "x-laban-timestamp"
SIGNATURE: Final = "x-laban-signature"


class WebhookReceiver:
    """Sends one JSON object with all notices.

    Args:
        settings: where to, and the secret to sign with.
        repeat: seconds after which it is told again.
    """

    name = "webhook"

    def __init__(self, settings: Webhook, repeat: float) -> None:
        self._url, self._target = base_and_target(settings.url.get_secret_value())
        self._secret = None if settings.secret is None else settings.secret.get_secret_value()
        self.repeat = repeat

    def send(self, notices: Sequence[Notice], now: float) -> None:
        """Send the notices; raises NotDelivered."""
        alerts = [{"status": one.kind, **one.alert.model_dump(mode="json")} for one in notices]
        body = json.dumps({"version": 1, "alerts": alerts}).encode()
        timestamp = str(int(now))
        headers = {TIMESTAMP: timestamp}
        if self._secret is not None:
            headers[SIGNATURE] = f"sha256={signature(self._secret, timestamp, body)}"
        post(self._url, self._target, body, headers)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The HMAC-SHA256 of `TIMESTAMP.BODY`, in hex."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
