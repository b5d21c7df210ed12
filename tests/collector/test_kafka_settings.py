from pathlib import Path

import pytest

from laban_collector.errors import BadSettings
from laban_collector.kafka_settings import KafkaCluster
from laban_collector.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LABAN_{name.upper()}", raising=False)


def toml(text: str) -> None:
    Path("laban.toml").write_text(text, encoding="utf-8")


def test_no_cluster_is_polled_by_default() -> None:
    assert load_settings().kafka_clusters == {}


def test_one_address_is_a_cluster_without_a_name() -> None:
    assert load_settings(kafka="a:1").kafka_clusters == {"": KafkaCluster(bootstrap="a:1")}


def test_the_options_of_the_cluster_without_a_name_come_from_environment_and_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    toml('kafka_sasl_mechanism = "scram-sha-512"\nkafka_sasl_plain_username = "file"\n')
    monkeypatch.setenv("LABAN_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("LABAN_KAFKA_SASL_PLAIN_USERNAME", "environment")
    monkeypatch.setenv("LABAN_KAFKA_SASL_PLAIN_PASSWORD", "s3cret-word")
    monkeypatch.setenv("LABAN_KAFKA_SSL_CHECK_HOSTNAME", "false")
    cluster = load_settings(kafka="a:1").kafka_clusters[""]
    assert (cluster.security_protocol, cluster.sasl_mechanism) == ("SASL_SSL", "SCRAM-SHA-512")
    assert cluster.sasl_plain_username == "environment"
    assert cluster.sasl_plain_password is not None
    assert cluster.sasl_plain_password.get_secret_value() == "s3cret-word"
    assert not cluster.ssl_check_hostname
    assert "s3cret-word" not in repr(cluster) + repr(load_settings(kafka="a:1"))


def test_every_option_of_a_cluster_is_a_setting_too() -> None:
    expected = {f"kafka_{name}" for name in KafkaCluster.model_fields if name != "bootstrap"}
    assert {name for name in Settings.model_fields if name.startswith("kafka_")} == expected


def test_clusters_in_the_file_have_names_and_the_environment_adds_their_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    toml(
        '[kafka.prod]\nbootstrap = "a:1,b:1"\nsecurity_protocol = "SASL_SSL"\nsasl_mechanism = "PLAIN"\n'
        'sasl_plain_username = "laban"\ngroups = ["shop-*", "billing"]\n[kafka.test]\nbootstrap = "c:1"\n'
    )
    monkeypatch.setenv("LABAN_KAFKA__PROD__SASL_PLAIN_PASSWORD", "s3cret-word")
    monkeypatch.setenv("LABAN_KAFKA__EU_WEST__BOOTSTRAP", "d:1")
    clusters = load_settings().kafka_clusters
    assert set(clusters) == {"prod", "test", "eu_west"}
    assert clusters["prod"].sasl_plain_password is not None
    assert clusters["prod"].groups == "shop-*,billing"
    assert clusters["eu_west"] == KafkaCluster(bootstrap="d:1")


def test_the_address_of_the_command_replaces_the_clusters_of_the_file() -> None:
    toml('[kafka.prod]\nbootstrap = "a:1"\n')
    assert load_settings(kafka="b:1").kafka_clusters == {"": KafkaCluster(bootstrap="b:1")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[kafka.prod]\nbootstrap = "a"\n',
            "(LABAN_KAFKA__PROD__BOOTSTRAP, or bootstrap in [kafka.prod] of laban.toml): 'a' is not HOST",
        ),
        ('[kafka.prod]\nsasl = "PLAIN"\nbootstrap = "a:1"', "kafka.prod.sasl (LABAN_KAFKA__PROD__SASL"),
        ('[kafka.Prod]\nbootstrap = "a:1"\n', "'Prod' is not a name of a cluster, such as prod or eu_west"),
        ('[kafka]\nbootstrap = "a:1"\n', "bootstrap must stand in the table of a cluster"),
        ('[kafka.prod]\ngroups = "a"\n', "kafka.prod.bootstrap"),
    ],
)
def test_what_is_wrong_with_a_named_cluster_is_said_with_its_place(text: str, said: str) -> None:
    toml(text)
    with pytest.raises(BadSettings) as refused:
        load_settings()
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"security_protocol": "SASL_SSL"}, "security_protocol SASL_SSL needs sasl_mechanism"),
        ({"sasl_mechanism": "PLAIN"}, "security_protocol PLAINTEXT has no SASL; use SASL_SSL"),
        ({"ssl_cafile": "ca.pem"}, "ssl_cafile is set, but security_protocol PLAINTEXT has no TLS"),
        ({"security_protocol": "SSL", "ssl_keyfile": "key.pem"}, "ssl_keyfile is set without ssl_certfile"),
        ({"ssl_password": "a", "ssl_password_file": "b"}, "ssl_password and ssl_password_file are both set"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, str], said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        load_settings(kafka={"prod": {"bootstrap": "a:1", **options}})
    with pytest.raises(BadSettings, match=said):
        load_settings(kafka="a:1", **{f"kafka_{name}": value for name, value in options.items()})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sasl_mechanism": "PLAIN"}, "PLAIN needs sasl_plain_username"),
        (
            {"sasl_mechanism": "SCRAM-SHA-256", "sasl_plain_username": "laban"},
            "SCRAM-SHA-256 needs sasl_plain_password or sasl_plain_password_file",
        ),
        ({"sasl_mechanism": "OAUTHBEARER"}, "OAUTHBEARER needs exactly one of sasl_oauth_token"),
        (
            {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token": "a", "sasl_oauth_token_file": "b"},
            "sasl_oauth_token and sasl_oauth_token_file are both set",
        ),
        (
            {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_url": "https://login"},
            "sasl_oauth_token_url needs sasl_oauth_client_id",
        ),
    ],
)
def test_a_mechanism_says_what_it_needs(options: dict[str, str], said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        load_settings(kafka={"prod": {"bootstrap": "a:1", "security_protocol": "SASL_SSL", **options}})


def test_a_secret_is_not_shown_when_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABAN_KAFKA__PROD__SASL_PLAIN_PASSWORD", "s3cret-word")
    with pytest.raises(BadSettings) as refused:
        load_settings()
    assert "s3cret-word" not in str(refused.value)


def test_options_without_a_cluster_to_poll_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABAN_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    assert load_settings().kafka_clusters == {}
