"""Parsing of addresses."""

import pytest

from laban_samples.addresses import parse_address


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:0", ("::1", 0)), ("broker:9092", ("broker", 9092))],
)
def test_an_address_is_parsed(address: str, expected: tuple[str, int]) -> None:
    assert parse_address(address) == expected


@pytest.mark.parametrize("address", ["", "80", ":80", "host:", "host:port", "host:70000", "host:-1"])
def test_an_invalid_address_is_rejected_with_an_example(address: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT, for example 127\.0\.0\.1"):
        parse_address(address)
