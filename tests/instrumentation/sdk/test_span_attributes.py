"""Setting attributes in one step has the same result as the SDK's own code."""

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.attributes import BoundedAttributes

from laban.sdk import span_attributes

PLAIN = st.one_of(st.text(max_size=6), st.integers(), st.booleans(), st.floats(allow_nan=False))
ANY = st.one_of(PLAIN, st.none(), st.binary(max_size=3), st.lists(PLAIN, max_size=3), st.just(object))
KEYS = st.one_of(st.sampled_from(["", "a", "b", "c"]), st.text(max_size=3), st.integers())
MAPPINGS = st.dictionaries(KEYS, ANY, max_size=6)
LIMITS = st.one_of(st.none(), st.integers(0, 5))


@pytest.fixture(scope="module", autouse=True)
def patched() -> Generator[None]:
    span_attributes.install()
    span_attributes.install()
    yield
    span_attributes.uninstall()


def kept(first: Any, then: Any, most: int | None, longest: int | None) -> tuple[list[Any], int]:
    attributes: Any = BoundedAttributes(most, first, immutable=False, max_value_len=longest)
    attributes._set_items(then)
    return list(attributes.items()), attributes.dropped


@given(MAPPINGS, MAPPINGS, LIMITS, LIMITS)
def test_the_same_attributes_are_kept_and_dropped_in_the_same_order(
    first: Any, then: Any, most: int | None, longest: int | None
) -> None:
    patched = kept(first, then, most, longest)
    span_attributes.uninstall()
    try:
        assert kept(first, then, most, longest) == patched
    finally:
        span_attributes.install()


def test_plain_attributes_are_not_cleaned_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opentelemetry.attributes._clean_attribute_value", None)
    assert kept({"a": "x", "b": 1}, {"c": True, "d": 0.5}, 128, None)[0] == [
        ("a", "x"),
        ("b", 1),
        ("c", True),
        ("d", 0.5),
    ]


def test_immutable_attributes_stay_unchanged() -> None:
    attributes: Any = BoundedAttributes(attributes={"a": "x"}, immutable=True)
    with pytest.raises(TypeError, match="immutable"):
        attributes._set_items({"b": "y"})


def test_an_sdk_with_another_implementation_handles_attributes_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[object] = []

    def another(kept: Any, attributes: object) -> None:
        taken.append(attributes)

    span_attributes.uninstall()
    monkeypatch.setattr(BoundedAttributes, "_set_items", another)
    span_attributes.install()
    patched = vars(BoundedAttributes)["_set_items"]
    patched(object(), {"a": "x"})  # an object without the SDK's private fields
    assert taken == [{"a": "x"}]
