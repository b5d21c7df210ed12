from pathlib import Path

import pytest

from laban_collector.errors import BadSettings
from laban_collector.settings import Settings, load_settings, misspelled_variables


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LABAN_{name.upper()}", raising=False)


def test_defaults_listen_on_loopback_only() -> None:
    settings = load_settings()
    assert (settings.otlp_grpc, settings.otlp_http) == ("127.0.0.1:4317", "127.0.0.1:4318")
    assert settings.db == Path("laban.duckdb")
    assert settings.kafka is None


def test_an_argument_wins_over_the_environment_over_the_file_over_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = 'otlp_grpc = "h:1"\notlp_http = "h:1"\napi = "h:1"\n'
    Path("laban.toml").write_text(file, encoding="utf-8")
    monkeypatch.setenv("LABAN_OTLP_GRPC", "h:2")
    monkeypatch.setenv("LABAN_OTLP_HTTP", "h:2")
    settings = load_settings(otlp_grpc="h:3", kafka=None)
    assert (settings.otlp_grpc, settings.otlp_http, settings.api) == ("h:3", "h:2", "h:1")
    assert settings.lag_interval == 5.0


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABAN_KAFKA", "")
    assert load_settings().kafka is None


def test_several_brokers_may_be_named() -> None:
    assert load_settings(kafka="a:1,[::1]:2").kafka == "a:1,[::1]:2"


def test_a_bad_value_says_what_is_wrong_and_where_it_is_set() -> None:
    with pytest.raises(BadSettings) as refused:
        load_settings(otlp_grpc="4317", lag_interval=0, keys="order.id")
    lines = str(refused.value).splitlines()
    assert lines[0] == (
        "otlp_grpc (--otlp-grpc, LABAN_OTLP_GRPC, or otlp_grpc in laban.toml): "
        "'4317' is not HOST:PORT, such as 127.0.0.1:4317 or [::1]:4317"
    )
    assert lines[1].startswith("lag_interval (--lag-interval")
    assert "LABAN_KEYS: 'order.id' has no KEY=SOURCE" in lines[2]


def test_an_error_names_no_option_that_the_command_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABAN_COMMIT_DELAY", "soon")
    with pytest.raises(
        BadSettings, match=r"^commit_delay \(LABAN_COMMIT_DELAY, or commit_delay in laban.toml\)"
    ):
        load_settings(db=None)


def test_a_variable_that_is_nearly_a_setting_is_found() -> None:
    others = [
        "LABAN_TRUST_BAGGAGE",
        "LABAN_DASHBOARD_URL",
        "LABAN_URL",
        "LABAN_KAFKA__PROD__BOOTSTRAP",
        "PATH",
    ]
    right = [f"LABAN_{name.upper()}" for name in Settings.model_fields]
    found = misspelled_variables([*others, *right, "LABAN_RETENTON", "LABAN_CORS_ORIGIN"])
    assert found == {"LABAN_CORS_ORIGIN": "LABAN_CORS_ORIGINS", "LABAN_RETENTON": "LABAN_RETENTION"}


def test_an_unknown_key_in_the_file_is_named() -> None:
    Path("laban.toml").write_text('oltp_grpc = "h:1"\n', encoding="utf-8")
    with pytest.raises(
        BadSettings, match=r"oltp_grpc: unknown setting\. Did you mean otlp_grpc\? The settings"
    ):
        load_settings()


def test_an_invalid_toml_file_is_named() -> None:
    Path("laban.toml").write_text("otlp_grpc = h\n", encoding="utf-8")
    with pytest.raises(BadSettings, match=r"laban\.toml cannot be read"):
        load_settings()


def test_limits_that_refuse_the_largest_request_are_refused() -> None:
    with pytest.raises(BadSettings, match="the largest request would never be accepted"):
        load_settings(max_in_flight_bytes=1024)


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("text", "seconds"), [("7d", 604_800), ("12h", 43_200), ("1.5 m", 90), ("2W", 1_209_600)]
)
def test_an_age_is_parsed_as_seconds(text: str, seconds: float) -> None:
    assert load_settings(retention=text).retention == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [("20GB", 20 * 10**9), ("512MiB", 512 << 20), ("512 mib", 512 << 20), ("20000000", 20_000_000)],
)
def test_a_size_is_parsed_as_bytes(text: str, size: int) -> None:
    assert load_settings(max_size=text).max_size == size


def test_a_size_in_the_file_may_be_a_number() -> None:
    Path("laban.toml").write_text("max_size = 20_000_000\n", encoding="utf-8")
    assert load_settings().max_size == 20_000_000


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "7 days", "1e3s"])
def test_an_invalid_age_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadSettings, match=r"^retention \(.*\): '.*' is not an age, such as 7d"):
        load_settings(retention=text)


@pytest.mark.parametrize("text", ["", "GB", "0", "0GB", "-1GB", "20 gigs", "1e3", "20GB or so"])
def test_an_invalid_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadSettings, match=r"^max_size \(.*\): '.*' is not a size, such as 20GB"):
        load_settings(max_size=text)


def test_a_size_below_the_minimum_is_refused() -> None:
    with pytest.raises(BadSettings, match="greater than or equal to 16777216"):
        load_settings(max_size="1MB")
