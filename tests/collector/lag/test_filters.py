import pytest

from laban_collector.kafka_settings import KafkaCluster
from laban_collector.lag.filters import Filters, NameFilter


@pytest.mark.parametrize(
    ("allow", "deny", "name", "expected"),
    [
        ("", "", "orders", True),
        ("orders", "", "orders", True),
        ("orders", "", "orders-2", False),
        ("orders*, payments", "", "orders-2", True),
        ("orders*, payments", "", "payments", True),
        ("orders*", "", "ORDERS", False),
        ("shop.?", "", "shop.a", True),
        ("shop.?", "", "shopXa", False),
        ("[ab]*", "", "billing", True),
        ("", "*-test", "orders-test", False),
        ("", "*-test", "orders", True),
        ("orders*", "*-test", "orders-test", False),
        ("", "*", "orders", False),
        (" , ", "", "orders", True),
    ],
)
def test_names_are_allowed_by_globs_and_denied_first(
    allow: str, deny: str, name: str, expected: object
) -> None:
    assert (name in NameFilter(allow, deny)) is expected


def test_a_cluster_has_filters_for_groups_and_topics() -> None:
    cluster = KafkaCluster(bootstrap="a:1", groups="shop-*", topics_not="*-retry")
    filters = Filters.of(cluster)
    assert [name in filters.groups for name in ("shop-email", "billing")] == [True, False]
    assert [name in filters.topics for name in ("orders", "orders-retry")] == [True, False]
