from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from laban_dashboard.presentation.grafana_link import grafana_link
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
