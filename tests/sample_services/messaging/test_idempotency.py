"""What was seen."""

from laban_samples.messaging.idempotency import SeenEvents


def test_an_event_is_seen_once_it_was_added() -> None:
    seen = SeenEvents()
    assert "a" not in seen
    seen.add("a")
    assert "a" in seen


def test_the_oldest_events_are_forgotten_first() -> None:
    seen = SeenEvents(limit=2)
    for event_id in ("a", "b", "a", "c"):
        seen.add(event_id)
    assert ("a" in seen, "b" in seen, "c" in seen, len(seen)) == (True, False, True, 2)
