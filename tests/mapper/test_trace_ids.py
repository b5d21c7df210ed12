import pytest

from laban_mapper.errors import InvalidTraceId
from laban_mapper.trace_ids import parse_trace_id

ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "given",
    [
        ID,
        ID.upper(),
        f"  {ID}\n",
        f"0x{ID}",
        "0af76519-16cd-43dd-8448-eb211c80319c",
        f"00-{ID}-b7ad6b7169203331-01",
    ],
)
def test_every_form_of_an_id_is_read(given: str) -> None:
    assert parse_trace_id(given) == ID


def test_an_id_of_64_bits_begins_with_zeros() -> None:
    assert parse_trace_id("8448EB211C80319C") == "0" * 16 + "8448eb211c80319c"


@pytest.mark.parametrize(
    "given", ["", "abc", ID[:-1], ID + "0", "g" * 32, "0" * 32, "0" * 16, "-", "\x1b[2J" * 40]
)
def test_anything_else_is_refused_with_what_an_id_is(given: str) -> None:
    with pytest.raises(InvalidTraceId, match="race ID"):
        parse_trace_id(given)
