from prometheus_client.parser import text_string_to_metric_families as parse_text

from laban_app.server.metrics.lag import render_lag
from laban_app.server.metrics.text import Form
from laban_collector.store.rows import Lag, LagRate
from laban_mapper.lag import report

from ....promtool import needs_prometheus, promtool

S = 10**9
ROWS = [
    Lag(S, "", "mail", "orders", 0, 5, 15, 0, 10, 3.5, "OK"),
    Lag(S, "", "mail", "orders", 1, 5, 5, 0, 0, None, "STOP"),
    Lag(S, "prod", "mail", "orders", 0, None, 5, 0, None, None, "OK"),
]


def render(*rates: LagRate) -> dict[str, float]:
    text = render_lag(report(ROWS), rates, Form.TEXT)
    return {
        f"{one.name}{sorted(one.labels.items())}": one.value
        for family in parse_text(text)
        for one in family.samples
    }


def test_lag_is_told_by_partition_topic_and_status() -> None:
    found = render()
    queue = "('consumergroup', 'mail'), "
    for partition, messages, seconds in (("0", 10, 3.5), ("1", 0, 0)):
        place = f"[{queue}('partition', '{partition}'), ('topic', 'orders')]"
        assert found[f"kafka_consumergroup_lag{place}"] == messages
        assert found[f"kafka_consumergroup_lag_seconds{place}"] == seconds
    assert found[f"kafka_consumergroup_lag_sum[{queue}('topic', 'orders')]"] == 10
    status = f"laban_consumergroup_status[{queue}('status', '{{}}'), ('topic', 'orders')]"
    assert [found[status.format(one)] for one in ("OK", "STOP")] == [0, 1]


def test_groups_of_a_named_cluster_say_so_and_what_is_unknown_is_left_out() -> None:
    of_cluster = [name for name in render() if "('cluster', 'prod')" in name]
    assert not [name for name in of_cluster if name.startswith("kafka_consumergroup_lag[")]
    assert not [name for name in of_cluster if "seconds" in name]


def test_the_time_to_drain_is_infinite_if_the_queue_gets_longer_and_absent_if_unknown() -> None:
    name = "laban_consumergroup_drain_seconds[('consumergroup', 'mail'), ('topic', 'orders')]"
    assert render(LagRate("", "mail", "orders", 1.0, 3.0))[name] == 5
    assert render(LagRate("", "mail", "orders", 3.0, 3.0))[name] == float("inf")
    assert name not in render(LagRate("", "mail", "orders", None, 3.0))


@needs_prometheus
def test_promtool_finds_nothing_to_complain_about() -> None:
    rates = [LagRate("", "mail", "orders", 3.0, 3.0)]
    assert promtool("check", "metrics", given=render_lag(report(ROWS), rates, Form.TEXT).encode()) == ""
