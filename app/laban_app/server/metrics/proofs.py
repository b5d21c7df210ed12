"""An order or a trace as proof of each alert, for the annotations of Prometheus' rules."""

from collections.abc import Iterable, Mapping
from typing import Final

from laban_app.server.metrics.text import Family, Form
from laban_mapper.alerts.names import NEW_FINDING
from laban_mapper.model_alerts import Alert

MOST: Final = 50
"""The most alerts with a proof: each is a series."""
_INFO: Final = Family(
    "laban_alert_proof_info", "gauge", "An order, or a trace, that proves an alert that fires; always 1."
)


class Proofs:
    """The proofs of what fires now.

    A proof stays the same while its alert fires: a new one at each look would be a new series each time.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[str, str]] = {}

    def update(self, alerts: Iterable[Alert], findings: Mapping[str, str]) -> None:
        """Note what fires; the worst alerts come first.

        Args:
            alerts: with what proves them.
            findings: a trace that proves a finding of each code, which is the place of its rule.
        """
        found: dict[tuple[str, str], tuple[str, str]] = {}
        for alert in alerts:
            if alert.name == NEW_FINDING:
                continue
            if alert.order is not None:
                found[alert.name, alert.place] = alert.order.key, alert.order.value
            elif alert.traces:
                found[alert.name, alert.place] = "trace", alert.traces[0]
        found |= {(NEW_FINDING, code): ("trace", trace) for code, trace in findings.items()}
        self._known = {place: self._known.get(place, found[place]) for place in list(found)[:MOST]}

    def render(self, form: Form) -> str:
        """The family."""
        return _INFO.samples(
            form,
            [
                ({"alertname": name, "place": place, "key": key, "value": value}, 1)
                for (name, place), (key, value) in sorted(self._known.items())
            ],
        )
