"""Applies all conditions to a situation."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from laban_mapper.alerts.facts import Condition, Raised, Situation
from laban_mapper.alerts.registry import CONDITIONS
from laban_mapper.findings.facts import MOST_PROOFS
from laban_mapper.findings.find import RANKS
from laban_mapper.model import BusinessKey
from laban_mapper.model_alerts import Alert
from laban_mapper.urls import quoted_value

MOST: Final = 200
"""Alerts of one answer: who has more has one problem."""


class Evaluated(NamedTuple):
    """What is true, the worst first, and how many alerts more there were."""

    alerts: list[Alert]
    left_out: int


def evaluate(
    situation: Situation,
    dashboard: str,
    order_of: Callable[[str], BusinessKey | None],
    conditions: Sequence[Condition] = CONDITIONS,
) -> Evaluated:
    """What is true now.

    Args:
        situation: what the conditions read.
        dashboard: the URL of the dashboard, for links.
        order_of: the order of a trace, or another business key.
        conditions: by default all.
    """
    found = [(condition, raised) for condition in conditions for raised in condition.raised(situation)]
    found.sort(key=lambda one: RANKS[one[1].severity or one[0].severity])
    alerts = [_alert(*one, dashboard, order_of) for one in found[:MOST]]
    return Evaluated(alerts, len(found) - len(alerts))


def _alert(
    condition: Condition, raised: Raised, dashboard: str, order_of: Callable[[str], BusinessKey | None]
) -> Alert:
    traces = list(dict.fromkeys(raised.traces))[:MOST_PROOFS]
    order = next((known for trace in traces if (known := order_of(trace)) is not None), None)
    return Alert(
        name=condition.name,
        place=raised.place,
        severity=raised.severity or condition.severity,
        sentence=raised.sentence,
        numbers={name: round(value, 4) for name, value in raised.numbers.items()},
        traces=traces,
        order=order,
        link=f"{dashboard.rstrip('/')}/{_page(raised, traces, order)}",
    )


def _page(raised: Raised, traces: Sequence[str], order: BusinessKey | None) -> str:
    if order is not None:
        return f"order?order={quoted_value(f'{order.key}={order.value}')}"
    return f"order?order={quoted_value(f'trace={traces[0]}')}" if traces else raised.page
