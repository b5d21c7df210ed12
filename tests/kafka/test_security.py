"""The poller and the demo log in to a real Kafka in each way, and say what is wrong if they cannot."""

import json
import os
import queue
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from laban_collector.errors import ClusterError, KafkaCredentialsUnusable, KafkaLoginFailed, KafkaUnreachable
from laban_collector.kafka_settings import KafkaCluster
from laban_collector.lag.brokers import Brokers
from laban_collector.lag.evaluation import Offsets, Partition, Problem
from laban_collector.lag.filters import Filters
from laban_collector.lag.outages import explain
from laban_collector.lag.poller import LagPoller
from laban_collector.lag.reader import OffsetReader
from laban_collector.lag.security import client_options

from ..collector.log_watch import LogWatch
from ..collector.shop import Shop
from .real_kafka import find_runtime
from .secure_kafka import PASSWORD, USER, SecureKafka, running_secure_kafka, unsecured_token

pytestmark = pytest.mark.kafka

LOGGED_WITHIN = 30.0


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    runtime = find_runtime()
    if isinstance(runtime, str):
        pytest.skip(runtime)
    with running_secure_kafka(runtime, tmp_path_factory.mktemp("secure-kafka")) as kafka:
        yield kafka


@pytest.fixture(scope="module")
def shop(kafka: SecureKafka) -> Shop:
    shop = Shop(kafka.plain)
    shop.produce(5)
    shop.commit(2)
    return shop


def secured(kafka: SecureKafka, mechanism: str, **options: Any) -> KafkaCluster:
    usual = {"bootstrap": kafka.secure, "security_protocol": "SASL_SSL", "ssl_cafile": kafka.certificate}
    return KafkaCluster.model_validate({**usual, "sasl_mechanism": mechanism, **options})


def read(cluster: KafkaCluster) -> Offsets:
    brokers = Brokers(client_options(cluster))
    try:
        brokers.connect()
        return OffsetReader(brokers, Filters.of(cluster)).read()
    finally:
        brokers.close()


def refused(cluster: KafkaCluster, kind: type[ClusterError]) -> str:
    """Return what the log says about a cluster that cannot be read."""
    with pytest.raises(kind) as failure:
        read(cluster)
    return explain(failure.value, cluster, "prod")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_user_with_a_password_reads(kafka: SecureKafka, shop: Shop, mechanism: str) -> None:
    cluster = secured(kafka, mechanism, sasl_plain_username=USER, sasl_plain_password=PASSWORD)
    assert read(cluster).committed[shop.group][Partition(shop.topic, 0)] == 2


def test_the_password_can_come_from_a_file(kafka: SecureKafka, shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n", encoding="utf-8")
    cluster = secured(kafka, "SCRAM-SHA-512", sasl_plain_username=USER, sasl_plain_password_file=file)
    assert shop.group in read(cluster).committed


def test_a_token_reads(kafka: SecureKafka, shop: Shop) -> None:
    assert shop.group in read(secured(kafka, "OAUTHBEARER", sasl_oauth_token=unsecured_token())).committed


def test_a_token_in_a_file_is_read_again_at_each_connection(
    kafka: SecureKafka, shop: Shop, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(unsecured_token(seconds=-60), encoding="ascii")
    cluster = secured(kafka, "OAUTHBEARER", sasl_oauth_token_file=file)
    assert "kafka.prod.sasl_oauth_token_file" in refused(cluster, KafkaLoginFailed)
    file.write_text(unsecured_token(), encoding="ascii")
    assert shop.group in read(cluster).committed


def test_a_client_certificate_reads(kafka: SecureKafka, shop: Shop) -> None:
    cluster = KafkaCluster(
        bootstrap=kafka.mutual,
        security_protocol="SSL",
        ssl_cafile=kafka.certificate,
        ssl_certfile=kafka.client_certificate,
        ssl_keyfile=kafka.client_key,
    )
    assert shop.group in read(cluster).committed
    without = KafkaCluster(bootstrap=kafka.mutual, security_protocol="SSL", ssl_cafile=kafka.certificate)
    assert "Check kafka.prod.ssl_certfile" in refused(without, KafkaUnreachable)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_wrong_password_is_called_that_and_not_shown(kafka: SecureKafka, mechanism: str) -> None:
    cluster = secured(kafka, mechanism, sasl_plain_username=USER, sasl_plain_password="not-it-at-all")
    text = refused(cluster, KafkaLoginFailed)
    assert f"refuses the login of user 'laban' by {mechanism}: authentication failed" in text
    assert "kafka.prod.sasl_plain_password" in text
    assert "not-it-at-all" not in text


def test_a_certificate_of_a_ca_that_is_not_trusted_is_refused(kafka: SecureKafka) -> None:
    login = {"sasl_plain_username": USER, "sasl_plain_password": PASSWORD}
    cluster = secured(kafka, "PLAIN", ssl_cafile=None, **login)
    assert "Check kafka.prod.ssl_cafile" in refused(cluster, KafkaUnreachable)


def test_a_certificate_of_another_host_is_refused_unless_the_settings_allow_it(
    kafka: SecureKafka, shop: Shop
) -> None:
    by_name = kafka.secure.replace("127.0.0.1", "localhost")
    login = {"sasl_plain_username": USER, "sasl_plain_password": PASSWORD, "bootstrap": by_name}
    assert "Hostname mismatch" in refused(secured(kafka, "PLAIN", **login), KafkaUnreachable)
    assert shop.group in read(secured(kafka, "PLAIN", ssl_check_hostname=False, **login)).committed


def test_a_client_without_security_is_told_to_check_the_protocol(kafka: SecureKafka) -> None:
    text = refused(KafkaCluster(bootstrap=kafka.secure), KafkaUnreachable)
    assert "Check kafka.prod.security_protocol: it is PLAINTEXT" in text


def test_a_file_that_is_missing_is_named(kafka: SecureKafka) -> None:
    cluster = secured(kafka, "PLAIN", sasl_plain_username=USER, sasl_plain_password_file="/none/password")
    assert "sasl_plain_password_file /none/password cannot be read" in refused(
        cluster, KafkaCredentialsUnusable
    )


def test_the_poller_tries_a_wrong_password_once_and_logs_it_once(
    kafka: SecureKafka, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[None] = []
    connect = Brokers.connect

    def counted(brokers: Brokers) -> None:
        attempts.append(None)
        connect(brokers)

    monkeypatch.setattr(Brokers, "connect", counted)
    cluster = secured(kafka, "SCRAM-SHA-256", sasl_plain_username=USER, sasl_plain_password="not-it-at-all")
    poller = LagPoller(cluster, 0.01, lambda _: None, "prod")
    with LogWatch("refuses the login") as logged:
        poller.start()
        try:
            assert logged.seen.wait(LOGGED_WITHIN)
            # At this interval, a poller that tries on would come a hundred times within this second.
            assert not logged.again.wait(1.0)
        finally:
            poller.stop()
    assert len(attempts) == 1
    assert f"Kafka prod at {kafka.secure} refuses the login" in caplog.text
    assert "not-it-at-all" not in caplog.text


def test_two_clusters_with_security_of_their_own_are_polled_at_the_same_time(
    kafka: SecureKafka, shop: Shop, real_kafka: str
) -> None:
    other = Shop(real_kafka)
    other.commit(0)
    rows: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()

    def write(lag: Sequence[Any]) -> None:
        for row in lag:
            rows.put((row.cluster, row.group))

    token = secured(kafka, "OAUTHBEARER", sasl_oauth_token=unsecured_token())
    pollers = [
        LagPoller(token, 0.1, write, "prod"),
        LagPoller(KafkaCluster(bootstrap=real_kafka), 0.1, write, "test"),
    ]
    for poller in pollers:
        poller.start()
    try:
        missing = {("prod", shop.group), ("test", other.group)}
        while missing:
            missing.discard(rows.get(timeout=LOGGED_WITHIN))
    finally:
        for poller in pollers:
            poller.stop()


def test_a_group_and_a_topic_that_may_not_be_read_cost_only_themselves(
    kafka: SecureKafka, shop: Shop
) -> None:
    secret = Shop(kafka.plain)
    secret.produce(1)
    secret.commit(1)
    hidden = Shop(kafka.plain)
    hidden.commit(0)
    deny(kafka, ResourceType.GROUP, secret.group, ACLOperation.DESCRIBE)
    # A topic of which everything is denied is not even listed.
    deny(kafka, ResourceType.TOPIC, hidden.topic, ACLOperation.ALL)
    cluster = secured(kafka, "PLAIN", sasl_plain_username=USER, sasl_plain_password=PASSWORD)
    offsets = read(cluster)
    assert Problem(secret.group, None, None, "not authorised") in offsets.problems
    assert secret.group not in offsets.committed
    assert Partition(secret.topic, 0) in offsets.logs
    assert not any(place.topic == hidden.topic for place in offsets.logs)
    assert offsets.committed[hidden.group] == {}
    assert offsets.committed[shop.group][Partition(shop.topic, 0)] == 2


def deny(kafka: SecureKafka, kind: ResourceType, name: str, operation: ACLOperation) -> None:
    rule = ACL(
        principal=f"User:{USER}",
        host="*",
        operation=operation,
        permission_type=ACLPermissionType.DENY,
        resource_pattern=ResourcePattern(kind, name),
    )
    with KafkaAdminClient(bootstrap_servers=kafka.plain) as admin:
        done = admin.create_acls([rule])
    assert not done["failed"]


def demo(kafka: SecureKafka, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "SECURITY_PROTOCOL": "SASL_SSL",
        "SSL_CAFILE": str(kafka.certificate),
        "SASL_MECHANISM": "SCRAM-SHA-512",
        "SASL_PLAIN_USERNAME": USER,
        **variables,
    }
    command = [sys.executable, "-m", "laban", "demo", "--once", "--json", "--orders", "3"]
    return subprocess.run(
        [*command, "--kafka", kafka.secure],
        cwd=folder,
        env={**os.environ, **{f"LABAN_KAFKA_{name}": value for name, value in environment.items()}},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(240)
def test_the_demo_runs_on_a_secured_cluster(kafka: SecureKafka, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD, encoding="utf-8")
    done = demo(kafka, tmp_path, SASL_PLAIN_PASSWORD_FILE=str(file))
    assert done.returncode == 0, done.stderr
    lag = [row for row in json.loads(done.stdout)["lag"] if row["group"].startswith("laban-demo.")]
    assert {row["messages"] for row in lag} == {0}


def test_the_demo_says_that_the_password_is_wrong_and_does_not_show_it(
    kafka: SecureKafka, tmp_path: Path
) -> None:
    done = demo(kafka, tmp_path, SASL_PLAIN_PASSWORD="not-it-at-all")
    assert done.returncode == 1
    assert f"The Kafka broker at {kafka.secure} refuses the login: authentication failed" in done.stderr
    assert "not-it-at-all" not in done.stderr + done.stdout
