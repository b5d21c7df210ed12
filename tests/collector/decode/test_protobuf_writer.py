import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from laban_collector.decode.protobuf_writer import number_part, number_tag, part, tag, text_part


@pytest.mark.parametrize("number", [1, 127, 128, 16_383, 16_384, 2**63 - 1, -1, -(2**63)])
def test_integers_are_written_as_the_library_writes_them(number: int) -> None:
    assert number_part(number_tag(3), number) == AnyValue(int_value=number).SerializeToString()


@pytest.mark.parametrize("size", [1, 127, 128, 70_000])
def test_texts_are_written_as_the_library_writes_them(size: int) -> None:
    assert text_part(tag(1), "x" * size) == AnyValue(string_value="x" * size).SerializeToString()


def test_what_is_the_default_is_not_written_unless_it_is_asked_for() -> None:
    assert text_part(tag(1), "") == b""
    assert number_part(number_tag(3), 0) == b""
    assert part(tag(1), b"") == AnyValue(string_value="").SerializeToString()
