import pytest

from laban_app.server.jaeger import parameters as read
from laban_app.server.jaeger.parameters import BadParameter, Parameters
from laban_collector.store.searches import Tag


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1.5s", 1_500_000_000),
        ("100ms", 100_000_000),
        ("7us", 7_000),
        ("7µs", 7_000),
        ("1h2m3s", 3_723_000_000_000),
        (".5ms", 500_000),
        ("0", 0),
        ("0.100s", 100_000_000),
    ],
)
def test_durations_have_the_form_of_go(text: str, ns: int) -> None:
    assert read.duration(text) == ns


@pytest.mark.parametrize("text", ["5", "s", "-1s", "1 s", "1s ", "1d", "1e3s", "٣s", ""])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        read.duration(text)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("1970-01-01T00:00:01.000000001Z", 1_000_000_001),
        ("1970-01-01T01:00:01+01:00", 1_000_000_000),
        ("1970-01-01T01:00:01 01:00", 1_000_000_000),
        ("1969-12-31T23:00:01.5-01:00", 1_500_000_000),
        ("1900-01-01T00:00:00Z", 0),
    ],
)
def test_times_are_exact_and_in_any_zone(text: str, ns: int) -> None:
    assert read.rfc_3339(text) == ns


@pytest.mark.parametrize("text", ["2026-01-01", "now", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|month"):
        read.rfc_3339(text)


@pytest.mark.parametrize(
    ("text", "trace_id"),
    [
        ("abc", f"{'0' * 29}abc"),
        ("ABC", f"{'0' * 29}abc"),
        ("f" * 32, "f" * 32),
        ("__________8", "0" * 16 + "f" * 16),
        ("_____________________w", "f" * 32),
        ("/////////////////////w==", "f" * 32),
    ],
)
def test_a_trace_id_is_hex_or_base64(text: str, trace_id: str) -> None:
    assert read.trace_id(text) == trace_id


@pytest.mark.parametrize("text", ["", "0", "0" * 32, "g", "a-b", "f" * 33, "_AAAAAAAAA", "\x00", "ａ"])
def test_other_trace_ids_are_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="1 to 32 hex digits"):
        read.trace_id(text)


def test_tags_keep_their_types() -> None:
    assert read.tags('{"a":"1","b":1,"c":1.5,"d":true}') == (
        *(Tag("a", "1"), Tag("b", 1), Tag("c", 1.5), Tag("d", True)),
    )
    assert read.tag("a:b:c") == Tag("a", "b:c")


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"a":null}', '{"a":{}}', "1", str(dict.fromkeys("a")), "[" * 100_000]
)
def test_other_tags_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="JSON object"):
        read.tags(text)
    too_many = "{" + ",".join(f'"{number}":1' for number in range(33)) + "}"
    with pytest.raises(ValueError, match="at most 32"):
        read.tags(too_many)


def test_an_error_names_the_parameter_and_makes_its_text_safe() -> None:
    given = Parameters({"limit": ["\x1b[31m" + "9" * 200]}, {})
    with pytest.raises(BadParameter) as error:
        given.read(read.count, "limit")
    assert str(error.value).startswith(
        r"unable to parse param 'limit': it is a whole number, not '\x1b[31m999"
    )
    assert len(str(error.value)) < 200


def test_the_first_name_with_a_value_wins() -> None:
    given = Parameters({"new": [""], "old": ["5", "6"]}, {"service": "a/b"})
    assert (given.text("new", "old"), given.read(read.count, "new", "old")) == ("5", 5)
    assert (given.text("other"), given.all("old"), given.path("service")) == (None, ["5", "6"], "a/b")
