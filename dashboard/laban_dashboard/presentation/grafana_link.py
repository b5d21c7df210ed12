"""The link from a story to Grafana."""

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from laban_mapper.model import Story

_AROUND: Final = timedelta(minutes=5)
"""How much Grafana shows before and after the story."""


def grafana_link(url: str, story: Story) -> str:
    """Return the URL of a Grafana dashboard at the time of a story; the variable `order` has its value.

    Args:
        url: of the dashboard, such as `http://grafana:3000/d/laban`.
        story: of an order; one of another key or of a trace only gives the time.
    """
    end = story.started + timedelta(milliseconds=story.duration_ms)
    given = {"from": _ms(story.started - _AROUND), "to": _ms(end + _AROUND)}
    if story.key.partition(".")[0] == "order":
        given["var-order"] = story.value
    return f"{url}{'&' if '?' in url else '?'}{urlencode(given)}"


def _ms(time: datetime) -> str:
    return str(round(time.timestamp() * 1000))
