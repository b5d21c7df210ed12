from laban_mapper.alerts.tracking import FORGOTTEN, Tracker
from laban_mapper.model_alerts import Alert

RESOLVE, REPEAT = 60.0, 3600.0


def alert(place: str = "group mail", name: str = "LabanGroupStopped") -> Alert:
    return Alert(name=name, place=place, severity="error", sentence=f"{place} stands")


def tell(tracker: Tracker, now: float, *alerts: Alert, receiver: str = "chat") -> list[tuple[str, str]]:
    """Look, and tell a receiver what is due; return what it was told."""
    tracker.update(alerts, now, RESOLVE)
    notices = tracker.due(receiver, now, REPEAT)
    tracker.told(receiver, notices, now)
    return [(one.kind, one.alert.place) for one in notices]


def test_an_alert_is_told_once_then_repeated_and_at_last_resolved() -> None:
    tracker = Tracker()
    assert tell(tracker, 0, alert()) == [("firing", "group mail")]
    assert tell(tracker, 30, alert()) == []
    assert tell(tracker, REPEAT, alert()) == [("repeated", "group mail")]
    assert tell(tracker, REPEAT + 30) == [], "it may be back at the next look"
    assert tell(tracker, REPEAT + 60) == [("resolved", "group mail")]
    assert tell(tracker, REPEAT + 90) == []
    tracker.forget(["chat"], REPEAT + 90)
    assert tracker.watched == []


def test_an_alert_that_flickers_is_one_and_keeps_its_beginning() -> None:
    tracker = Tracker()
    tell(tracker, 0, alert())
    assert tell(tracker, 30) == []
    assert tell(tracker, 59, alert()) == []
    [firing] = tracker.firing()
    assert firing.since is not None
    assert firing.since.timestamp() == 0
    tell(tracker, 120)
    tell(tracker, 200)
    assert tell(tracker, 300, alert()) == [("firing", "group mail")]
    assert tracker.firing()[0].since != firing.since


def test_what_was_told_survives_a_restart() -> None:
    tracker = Tracker()
    tell(tracker, 0, alert())
    again = Tracker.model_validate_json(tracker.model_dump_json())
    assert tell(again, 30, alert()) == []
    assert tell(again, 90) == [("resolved", "group mail")]


def test_each_receiver_is_told_and_who_never_heard_of_an_alert_hears_nothing_of_its_end() -> None:
    tracker = Tracker()
    assert tell(tracker, 0, alert(), receiver="chat")
    assert tell(tracker, 30, alert(), receiver="mail") == [("firing", "group mail")]
    tracker.update([], 200, RESOLVE)
    assert tracker.due("never", 200, REPEAT) == []
    tell(tracker, 200, receiver="chat")
    tracker.forget(["chat", "mail"], 200)
    assert tracker.watched, "mail has to be told"
    tracker.forget(["chat", "mail"], 200 + FORGOTTEN)
    assert tracker.watched == []


def test_findings_of_the_first_look_are_not_new_and_one_that_comes_back_within_a_day_is_not_either() -> None:
    tracker = Tracker()
    assert tracker.known is None
    tracker.learn([("L001", "a")], 0)
    assert set(tracker.known or ()) == {"L001 a"}
    new = alert("L002 b", "LabanNewFinding")
    tell(tracker, 100, new)
    tracker.learn([("L001", "a"), ("L002", "b")], 100)
    assert "L002 b" not in (tracker.known or ()), "its alert fires"
    tell(tracker, 200)
    tracker.learn([("L001", "a")], 200)
    assert set(tracker.known or ()) == {"L001 a", "L002 b"}
    tracker.forget(["chat"], 201)
    tracker.learn([], 200 + FORGOTTEN)
    assert tracker.known == {}
