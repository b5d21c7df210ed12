import pytest

from laban_collector.quantities import parse_age, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"), [("7d", 604_800), ("12h", 43_200), ("1.5 m", 90), ("2W", 1_209_600)]
)
def test_an_age_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize(("text", "size"), [("20GB", 20 * 10**9), ("512MiB", 512 << 20), ("4096", 4096)])
def test_a_size_is_read_in_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "7 days", "1e3s"])
def test_what_is_no_age_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not an age, such as 7d"):
        parse_age(text)


@pytest.mark.parametrize("text", ["", "GB", "0", "-1GB", "20 gigs"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size, such as 20GB"):
        parse_size(text)
