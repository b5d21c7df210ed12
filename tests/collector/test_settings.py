from pathlib import Path

import pytest

from laban_collector.errors import BadSettings
from laban_collector.settings import Settings, load_settings


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


def test_a_misspelt_key_of_the_file_is_named() -> None:
    Path("laban.toml").write_text('oltp_grpc = "h:1"\n', encoding="utf-8")
    with pytest.raises(BadSettings, match="oltp_grpc: there is no such setting; there are db, otlp_grpc"):
        load_settings()


def test_a_file_that_is_no_toml_is_named() -> None:
    Path("laban.toml").write_text("otlp_grpc = h\n", encoding="utf-8")
    with pytest.raises(BadSettings, match=r"laban\.toml cannot be read"):
        load_settings()


def test_limits_that_would_refuse_every_large_request_are_refused() -> None:
    with pytest.raises(BadSettings, match="the largest request would never be accepted"):
        load_settings(max_in_flight_bytes=1024)


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())
