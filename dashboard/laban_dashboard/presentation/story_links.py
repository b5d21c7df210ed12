"""The links from a story to other tools."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from laban_app.answers.trace_links import TraceLink
from laban_dashboard.presentation import formatting
from laban_mapper.model import Story

_AROUND: Final = timedelta(minutes=5)
"""How much Grafana shows before and after the story."""

_GRAFANA: Final = "grafana"
_TRACE: Final = "trace"


@dataclass(frozen=True, slots=True)
class StoryLink:
    """A link: its label, printable, and its address."""

    label: str
    address: str


def story_links(story: Story, links: Sequence[TraceLink], grafana: str | None) -> list[StoryLink]:
    """Return the links of a story, each with another label; of several traces, they open the first.

    Args:
        story: the story.
        links: those of `[links]`.
        grafana: the URL of a Grafana dashboard. A link named `grafana` takes its place.
    """
    found = [StoryLink(_label(link.name), link.address(story.traces[0])) for link in links]
    if grafana is not None and _label(_GRAFANA) not in [link.label for link in found]:
        found.insert(0, StoryLink(_label(_GRAFANA), grafana_link(grafana, story)))
    return found


def _label(name: str) -> str:
    return (
        "Open the trace"
        if name == _TRACE
        else f"Open in {formatting.plain(name.replace('_', ' ').capitalize())}"
    )


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
