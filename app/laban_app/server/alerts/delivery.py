"""Tells one receiver; one that is down is tried again, at growing intervals."""

import logging
from typing import Final

from laban_app.server.alerts.receivers.receiver import NotDelivered, Receiver
from laban_mapper.alerts.tracking import Tracker
from laban_mapper.findings.find import RANKS
from laban_mapper.model import Severity

_log = logging.getLogger(__name__)

_FIRST_WAIT: Final = 30.0
_LONGEST_WAIT: Final = 900.0
"""Seconds between two attempts."""


class Delivery:
    """Tells one receiver what is due.

    Args:
        receiver: who.
        least: the mildest alerts to tell.

    Attributes:
        sent: notices that it took.
        failures: attempts that failed.
    """

    def __init__(self, receiver: Receiver, least: Severity) -> None:
        self.receiver = receiver
        self._least: Severity = least
        self._in_a_row = 0
        self._next = 0.0
        self.sent = 0
        self.failures = 0

    def run(self, tracker: Tracker, now: float) -> bool:
        """Tell what is due; return whether the receiver was told something."""
        receiver = self.receiver
        if now < self._next:
            return False
        due = tracker.due(receiver.name, now, receiver.repeat)
        notices = [one for one in due if RANKS[one.alert.severity] <= RANKS[self._least]]
        if not notices:
            return False
        try:
            receiver.send(notices, now)
        except NotDelivered as error:
            self._failed(error, len(notices), now)
            return False
        if self._in_a_row:
            _log.info("Alerts: %s can be reached again.", receiver.name)
        self._in_a_row, self._next = 0, 0.0
        self.sent += len(notices)
        tracker.told(receiver.name, notices, now)
        return True

    def _failed(self, error: NotDelivered, notices: int, now: float) -> None:
        wait = min(_FIRST_WAIT * 2**self._in_a_row, _LONGEST_WAIT)
        self._in_a_row = min(self._in_a_row + 1, 30)
        self._next = now + wait
        self.failures += 1
        log = _log.warning if self._in_a_row == 1 else _log.debug
        log(
            "Alerts: %s could not be told of %d: %s. Trying again in %.0f s.",
            self.receiver.name,
            notices,
            error,
            wait,
        )
