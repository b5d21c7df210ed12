"""The IDs of handled events."""

from laban_samples.messaging.idempotency import SeenEvents


def test_an_added_event_is_seen() -> None:
    seen = SeenEvents()
    assert "a" not in seen
    seen.add("a")
    assert "a" in seen


def test_the_oldest_events_are_removed_first() -> None:
    seen = SeenEvents(limit=2)
    for event_id in ("a", "b", "a", "c"):
        seen.add(event_id)
    assert ("a" in seen, "b" in seen, "c" in seen, len(seen)) == (True, False, True, 2)
