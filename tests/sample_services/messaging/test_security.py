"""The LABAN_KAFKA_* variables of the shop."""

from pathlib import Path

import pytest

from laban_collector.kafka_settings import KafkaCluster
from laban_samples.errors import BadKafkaSecurity, BrokerUnavailable
from laban_samples.messaging.cluster import KafkaCluster as ShopCluster
from laban_samples.messaging.security import KafkaSecurity, kafka_environment
from tests.broker import free_port

FILTERS_AND_ADDRESS = {"bootstrap", "groups", "groups_not", "topics", "topics_not", "message_times"}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in kafka_environment():
        monkeypatch.delenv(name)


def secure(monkeypatch: pytest.MonkeyPatch, **variables: object) -> KafkaSecurity:
    for name, value in variables.items():
        monkeypatch.setenv(f"LABAN_KAFKA_{name}", str(value))
    return KafkaSecurity.load()


def test_the_shop_has_the_options_that_the_collector_has() -> None:
    assert set(KafkaSecurity.model_fields) == set(KafkaCluster.model_fields) - FILTERS_AND_ADDRESS


def test_without_variables_there_is_no_security() -> None:
    assert KafkaSecurity.load().client_options() == {"security_protocol": "PLAINTEXT"}


def test_user_and_password_are_options_of_the_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret-word\n", encoding="utf-8")
    security = secure(
        monkeypatch,
        SECURITY_PROTOCOL="SASL_SSL",
        SSL_CAFILE="ca.pem",
        SASL_MECHANISM="scram-sha-256",
        SASL_PLAIN_USERNAME="laban",
        SASL_PLAIN_PASSWORD_FILE=tmp_path / "password",
    )
    options = security.client_options()
    assert (options["sasl_mechanism"], options["sasl_plain_username"]) == ("SCRAM-SHA-256", "laban")
    assert (options["sasl_plain_password"], options["ssl_cafile"]) == ("s3cret-word", "ca.pem")
    assert "s3cret-word" not in repr(security) + repr(ShopCluster("a:1", security=options))


def test_a_token_is_read_from_its_file_each_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    security = secure(
        monkeypatch,
        SECURITY_PROTOCOL="SASL_SSL",
        SASL_MECHANISM="OAUTHBEARER",
        SASL_OAUTH_TOKEN_FILE=tmp_path / "token",
    )
    provider = security.client_options()["sasl_oauth_token_provider"]
    for token in ("first", "second"):
        (tmp_path / "token").write_text(token, encoding="ascii")
        assert provider.token() == token


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SECURITY_PROTOCOL": "TLS"}, "LABAN_KAFKA_SECURITY_PROTOCOL: Input should be"),
        ({"SECURITY_PROTOCOL": "SASL_SSL"}, "SASL_SSL needs LABAN_KAFKA_SASL_MECHANISM"),
        (
            {"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "PLAIN"},
            "PLAIN needs LABAN_KAFKA_SASL_PLAIN_USERNAME and",
        ),
        (
            {"SECURITY_PROTOCOL": "SSL", "SSL_PASSWORD_FILE": "/none/password"},
            "LABAN_KAFKA_SSL_PASSWORD_FILE: cannot read /none/password",
        ),
    ],
)
def test_what_is_wrong_is_said_with_the_variable(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    with pytest.raises(BadKafkaSecurity, match=said):
        secure(monkeypatch, **variables).client_options()


def test_only_the_variables_of_the_unnamed_cluster_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABAN_KAFKA", "a:1")
    monkeypatch.setenv("LABAN_KAFKA__PROD__BOOTSTRAP", "b:1")
    monkeypatch.setenv("LABAN_KAFKA_SSL_CAFILE", "ca.pem")
    assert kafka_environment() == {"LABAN_KAFKA_SSL_CAFILE": "ca.pem"}


def test_a_cluster_that_answers_passes_the_check_and_another_does_not(embedded_broker: str) -> None:
    ShopCluster(embedded_broker).check()
    nowhere = f"127.0.0.1:{free_port()}"
    with pytest.raises(BrokerUnavailable, match=f"No Kafka broker responds at {nowhere}: .*ECONNREFUSED"):
        ShopCluster(nowhere).check()
