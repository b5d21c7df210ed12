import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from laban_collector.decode.protobuf_writer import (
    length_delimited,
    string_field,
    tag,
    varint_field,
    varint_tag,
)


@pytest.mark.parametrize("number", [1, 127, 128, 16_383, 16_384, 2**63 - 1, -1, -(2**63)])
def test_integers_are_serialized_like_the_library_does(number: int) -> None:
    assert varint_field(varint_tag(3), number) == AnyValue(int_value=number).SerializeToString()


@pytest.mark.parametrize("size", [1, 127, 128, 70_000])
def test_strings_are_serialized_like_the_library_does(size: int) -> None:
    assert string_field(tag(1), "x" * size) == AnyValue(string_value="x" * size).SerializeToString()


def test_default_values_are_omitted_except_in_length_delimited_fields() -> None:
    assert string_field(tag(1), "") == b""
    assert varint_field(varint_tag(3), 0) == b""
    assert length_delimited(tag(1), b"") == AnyValue(string_value="").SerializeToString()
