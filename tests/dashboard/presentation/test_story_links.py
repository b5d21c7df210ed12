from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from laban_app.answers.trace_links import TraceLink
from laban_dashboard.presentation.story_links import grafana_link, story_links
from laban_mapper.story.builder import build_story

from ...mapper.shop_spans import T0, hybrid_order


def parameters(url: str, key: str, value: str) -> dict[str, list[str]]:
    story = build_story(key, value, hybrid_order())
    link = grafana_link(url, story)
    assert link.startswith(url)
    return parse_qs(urlsplit(link).query)


@pytest.mark.parametrize("key", ["order", "order.id"])
def test_grafana_opens_at_the_time_of_the_order(key: str) -> None:
    given = parameters("http://grafana:3000/d/laban", key, "10&03")
    begin, end = (datetime.fromtimestamp(int(given[name][0]) / 1000, UTC) for name in ("from", "to"))
    assert begin < datetime.fromtimestamp(T0 / 1e9, UTC) < end
    assert given["var-order"] == ["10&03"]


def test_another_key_gives_only_the_time() -> None:
    given = parameters("http://grafana:3000/d/laban?orgId=1", "trace", "f" * 32)
    assert given.keys() == {"orgId", "from", "to"}


def test_a_link_named_grafana_takes_the_place_of_the_dashboard_so_no_two_buttons_are_equal() -> None:
    story = build_story("order", "123", hybrid_order())
    jaeger = TraceLink("jaeger", "http://jaeger/trace/{trace_id}")
    own = TraceLink("grafana", "http://grafana/explore?trace={trace_id}")
    by_url = story_links(story, [jaeger], "http://grafana/d/laban")
    assert [link.label for link in by_url] == ["Open in Grafana", "Open in Jaeger"]
    assert by_url[0].address == grafana_link("http://grafana/d/laban", story)
    by_links = story_links(story, [own, jaeger], "http://grafana/d/laban")
    assert [link.label for link in by_links] == ["Open in Grafana", "Open in Jaeger"]
    assert by_links[0].address == f"http://grafana/explore?trace={story.traces[0]}"
    assert [link.label for link in story_links(story, [TraceLink("trace", "http://t/{trace_id}")], None)] == [
        "Open the trace"
    ]
