from typing import Any

import pytest

from laban_collector.errors import KafkaCredentialsUnusable, KafkaLoginFailed, KafkaUnreachable
from laban_collector.kafka_settings import KafkaCluster
from laban_collector.lag.outages import explain


def cluster(**options: Any) -> KafkaCluster:
    return KafkaCluster.model_validate({"bootstrap": "a:1", **options})


def test_a_refused_login_names_the_user_the_mechanism_and_the_settings() -> None:
    login = {"sasl_mechanism": "PLAIN", "sasl_plain_username": "laban", "sasl_plain_password": "s3cret"}
    secured = cluster(security_protocol="SASL_SSL", **login)
    assert explain(KafkaLoginFailed("invalid credentials"), secured, "prod") == (
        "refuses the login of user 'laban' by PLAIN: authentication failed (invalid credentials). Check "
        "kafka.prod.sasl_mechanism, kafka.prod.sasl_plain_username, kafka.prod.sasl_plain_password. Consumer "
        "lag is unknown until then; the next attempt is in a minute."
    )
    assert "kafka_sasl_plain_password." in explain(KafkaLoginFailed("no"), secured)


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed", "Check kafka_ssl_cafile, "),
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] alert", "Check kafka_ssl_certfile, kafka_ssl_keyfile. "),
        ("[SSL: WRONG_VERSION_NUMBER] wrong", "Does it speak TLS? Check kafka_security_protocol. "),
        ("socket disconnected", "Check kafka_security_protocol: it is SSL. "),
        ("111 ECONNREFUSED", "111 ECONNREFUSED. Consumer lag"),
    ],
)
def test_a_failed_connection_says_what_to_check(reason: str, hint: str) -> None:
    text = explain(KafkaUnreachable(reason), cluster(security_protocol="SSL"))
    assert text.startswith(f"does not respond: {reason}. ")
    assert hint in text


def test_credentials_that_cannot_be_read_are_named() -> None:
    error = KafkaCredentialsUnusable("ssl_cafile /x cannot be read: No such file or directory")
    assert explain(error, cluster()).startswith("is not polled: ssl_cafile /x cannot be read: No such file")


def test_the_words_of_a_broker_cannot_forge_a_line_and_have_a_bound() -> None:
    text = explain(KafkaUnreachable("a\nERROR all is lost " + "x" * 10_000), cluster())
    assert "\n" not in text
    assert len(text) < 500
