"""The summary of a demo."""

from laban_samples.demo.summary import edge_summary, lag_summary


def test_the_lag_of_a_topic_is_the_sum_of_its_partitions() -> None:
    def row(topic: str, messages: int | None, end: int) -> dict[str, object]:
        return {"topic": topic, "messages": messages, "end": end}

    report = {
        "groups": [
            {"group": "email", "topics": [row("orders", 2, 9), row("orders", 3, 9), row("payments", 0, 4)]},
            {"group": "order", "topics": [row("payments", None, 4)]},
        ]
    }
    assert lag_summary(report) == [
        {"group": "email", "topic": "orders", "messages": 5},
        {"group": "email", "topic": "payments", "messages": 0},
        {"group": "order", "topic": "payments", "messages": 4},
    ]


def test_an_edge_keeps_its_ends_calls_and_errors() -> None:
    kept = {
        "from": "service:a",
        "to": "service:b",
        "kind": "sync",
        "protocol": "http",
        "calls": 3,
        "errors": 1,
    }
    assert edge_summary({**kept, "p50_ms": 1.0, "evidence": {"parent": 3}}) == kept
