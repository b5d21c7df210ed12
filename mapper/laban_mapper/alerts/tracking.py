"""Which alerts fire, and what each receiver was told of them: it is told once, again, and of the end."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from pydantic import BaseModel

from laban_mapper.alerts.names import NEW_FINDING, name_of_finding
from laban_mapper.findings.find import RANKS
from laban_mapper.model_alerts import Alert
from laban_mapper.spans import NS_PER_S
from laban_mapper.times import utc_time

FORGOTTEN: Final = 24 * 3600.0
"""Seconds after which a resolved alert is forgotten although a receiver could not be told."""
MOST: Final = 1_000
"""Alerts that are watched; further ones are not told."""

Kind = Literal["firing", "repeated", "resolved"]
Fingerprint = tuple[str, str]
"""Name and place of an alert."""


class Notice(BaseModel):
    """What to tell a receiver."""

    kind: Kind
    alert: Alert


class Told(BaseModel):
    """What a receiver was told last, and when (seconds since the epoch)."""

    kind: Kind
    at: float


class Watched(BaseModel):
    """An alert, and what each receiver was told of it.

    Attributes:
        alert: as it was last true.
        seen: when it was last true, seconds since the epoch.
        ended: since when it is resolved; None while it fires.
        told: by receiver.
    """

    alert: Alert
    seen: float
    ended: float | None = None
    told: dict[str, Told] = {}


class Tracker(BaseModel):
    """All alerts that fire, or that somebody has to be told are resolved; its JSON survives a restart.

    Attributes:
        watched: the alerts.
        known: when findings were seen that are not new, by `CODE PLACE`; None before the first look.
        left_out: alerts beyond the limit at the last look.
    """

    watched: list[Watched] = []
    known: dict[str, float] | None = None
    left_out: int = 0

    def update(self, alerts: Iterable[Alert], now: float, resolve: float) -> None:
        """Take what is true now.

        Args:
            alerts: what fires.
            now: seconds since the epoch.
            resolve: seconds after which an alert that is not true any more is resolved.
        """
        by_fingerprint = {fingerprint(one.alert): one for one in self.watched}
        self.left_out = 0
        for alert in alerts:
            one = by_fingerprint.get(fingerprint(alert))
            if one is None and len(by_fingerprint) >= MOST:
                self.left_out += 1
                continue
            began = utc_time(round(now * NS_PER_S))
            if one is None:
                one = by_fingerprint[fingerprint(alert)] = Watched(
                    alert=alert.model_copy(update={"since": began}), seen=now
                )
            else:
                since = began if one.ended is not None else one.alert.since
                one.alert = alert.model_copy(update={"since": since})
                one.seen, one.ended = now, None
        for one in by_fingerprint.values():
            if one.ended is None and now - one.seen >= resolve and one.seen != now:
                one.ended = now
        self.watched = list(by_fingerprint.values())

    def firing(self) -> list[Alert]:
        """What fires now, the worst first, and of the same severity what fires for longest."""
        found = [one.alert for one in self.watched if one.ended is None]
        return sorted(found, key=lambda alert: (RANKS[alert.severity], str(alert.since), alert.place))

    def due(self, receiver: str, now: float, repeat: float) -> list[Notice]:
        """What a receiver has to be told now.

        Args:
            receiver: its name.
            now: seconds since the epoch.
            repeat: seconds after which it is told again what still fires.
        """
        notices: list[Notice] = []
        for one in self.watched:
            kind = self._due(one, receiver, now, repeat)
            if kind is not None:
                notices.append(Notice(kind=kind, alert=one.alert))
        return notices

    def _due(self, one: Watched, receiver: str, now: float, repeat: float) -> Kind | None:
        told = one.told.get(receiver)
        knows = told is not None and told.kind != "resolved"
        if one.ended is not None:
            return "resolved" if knows else None
        if told is None or not knows:
            return "firing"
        return "repeated" if now - told.at >= repeat else None

    def told(self, receiver: str, notices: Iterable[Notice], now: float) -> None:
        """Remember what a receiver was told."""
        kinds: dict[Fingerprint, Kind] = {fingerprint(one.alert): one.kind for one in notices}
        for one in self.watched:
            kind = kinds.get(fingerprint(one.alert))
            if kind is not None:
                one.told = {**one.told, receiver: Told(kind=kind, at=now)}

    def forget(self, receivers: Sequence[str], now: float) -> None:
        """Drop the resolved alerts of which nobody has to be told any more."""
        self.watched = [
            one
            for one in self.watched
            if one.ended is None
            or (
                now - one.ended < FORGOTTEN
                and any(self._due(one, receiver, now, FORGOTTEN) is not None for receiver in receivers)
            )
        ]

    def learn(self, findings: Iterable[tuple[str, str]], now: float) -> None:
        """Remember which findings are not new: those of the first look, and those whose alert is resolved.

        Args:
            findings: code and place of all that are there now.
            now: seconds since the epoch.
        """
        names = {name_of_finding(*one) for one in findings}
        if self.known is None:
            self.known = dict.fromkeys(names, now)
            return
        resolved = {
            one.alert.place for one in self.watched if one.alert.name == NEW_FINDING and one.ended is not None
        }
        seen = (names & self.known.keys()) | resolved
        self.known.update(dict.fromkeys(seen, now))
        self.known = {name: at for name, at in self.known.items() if now - at < FORGOTTEN}


def fingerprint(alert: Alert) -> Fingerprint:
    """What makes two alerts the same."""
    return alert.name, alert.place
