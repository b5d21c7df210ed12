from laban_collector.batch.attributes import Value
from laban_collector.protect.limits import AttributeLimits, limit_attributes, truncate

LIMITS = AttributeLimits(attributes=3, length=5)


def test_a_long_text_keeps_its_beginning_and_states_its_length() -> None:
    assert truncate("0123456", 5) == "01234… [cut: 7 characters]"
    assert truncate("01234", 5) == "01234"


def test_texts_in_lists_and_maps_are_truncated() -> None:
    assert truncate(["0123456", 1], 5) == ["01234… [cut: 7 characters]", 1]
    assert truncate({"a": {"b": "0123456"}}, 5) == {"a": {"b": "01234… [cut: 7 characters]"}}


def test_values_within_the_limits_are_not_copied() -> None:
    value: Value = {"a": ["b", {"c": 1}]}
    assert truncate(value, 5) is value


def test_dropped_attributes_and_truncated_values_are_counted() -> None:
    sent: dict[str, Value] = {"a": "0123456", "b": 1, "c": True, "d": 2, "e": 3}
    kept, dropped, cuts = limit_attributes(sent, LIMITS)
    assert (list(kept), dropped, cuts) == (["a", "b", "c"], 2, 1)
