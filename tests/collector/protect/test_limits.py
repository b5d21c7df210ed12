from laban_collector.decode.attributes import Value
from laban_collector.protect.limits import AttributeLimits, bounded, cut

LIMITS = AttributeLimits(attributes=3, length=5)


def test_a_long_text_keeps_its_beginning_and_says_how_long_it_was() -> None:
    assert cut("0123456", 5) == "01234… [cut: 7 characters]"
    assert cut("01234", 5) == "01234"


def test_texts_in_lists_and_maps_are_cut_too() -> None:
    assert cut(["0123456", 1], 5) == ["01234… [cut: 7 characters]", 1]
    assert cut({"a": {"b": "0123456"}}, 5) == {"a": {"b": "01234… [cut: 7 characters]"}}


def test_what_is_within_the_limits_is_not_copied() -> None:
    value: Value = {"a": ["b", {"c": 1}]}
    assert cut(value, 5) is value


def test_what_is_left_out_and_cut_is_counted() -> None:
    sent: dict[str, Value] = {"a": "0123456", "b": 1, "c": True, "d": 2, "e": 3}
    kept, dropped, cuts = bounded(sent, LIMITS)
    assert (list(kept), dropped, cuts) == (["a", "b", "c"], 2, 1)
