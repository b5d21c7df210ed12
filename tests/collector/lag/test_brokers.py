import socket
import threading
from collections.abc import Iterator

import pytest
from kafka.errors import KafkaError
from kafka.protocol.metadata import MetadataResponse

from laban_collector.errors import KafkaUnreachable
from laban_collector.kafka_settings import KafkaCluster
from laban_collector.lag import requests
from laban_collector.lag.brokers import Brokers
from laban_collector.lag.security import client_options

from ...broker import free_port


def brokers_at(bootstrap: str) -> Brokers:
    return Brokers(client_options(KafkaCluster(bootstrap=bootstrap)))


@pytest.fixture
def connected(embedded_broker: str) -> Iterator[Brokers]:
    brokers = brokers_at(embedded_broker)
    brokers.connect()
    yield brokers
    brokers.close()


def test_the_first_broker_that_answers_is_enough(embedded_broker: str) -> None:
    brokers = brokers_at(f"127.0.0.1:{free_port()},{embedded_broker}")
    brokers.connect()
    metadata = brokers.run(brokers.send_to_any, requests.all_topics())
    brokers.close()
    assert metadata.cluster_id == "tansu_cluster"


def test_without_a_broker_the_reason_is_told_and_no_thread_is_left() -> None:
    before = set(threading.enumerate())
    brokers = brokers_at(f"127.0.0.1:{free_port()}")
    with pytest.raises(KafkaUnreachable, match="ECONNREFUSED"):
        brokers.connect()
    brokers.close()
    assert set(threading.enumerate()) == before


def test_an_address_that_the_brokers_tell_but_that_leads_nowhere_is_named(connected: Brokers) -> None:
    port = free_port()
    elsewhere = MetadataResponse.MetadataResponseBroker(7, "127.0.0.1", port, None, version=8)
    connected.learn(MetadataResponse(version=8, brokers=[elsewhere], topics=[], controller_id=7))
    with pytest.raises(KafkaUnreachable, match=f"its broker 127.0.0.1:{port}: .*ECONNREFUSED"):
        connected.run(connected.send_to_any, requests.all_topics())


def test_a_call_that_waits_for_an_answer_ends_when_the_connections_are_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        brokers = brokers_at(f"127.0.0.1:{silent.getsockname()[1]}")
        failures: list[BaseException] = []

        def connect() -> None:
            try:
                brokers.connect()
            except KafkaUnreachable as error:
                failures.append(error)

        thread = threading.Thread(target=connect)
        thread.start()
        silent.accept()
        brokers.close()
        thread.join(2)
        assert not thread.is_alive()
    assert [str(error) for error in failures] == ["the connections were closed"]


def test_closed_connections_refuse_calls(embedded_broker: str) -> None:
    brokers = brokers_at(embedded_broker)
    brokers.close()
    brokers.close()
    with pytest.raises(KafkaUnreachable, match="closed"):
        brokers.connect()


def test_a_response_that_cannot_be_decoded_is_an_error_of_the_broker(
    connected: Brokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def send_request(self, *_: object, **__: object) -> None:
            raise ValueError("not this protocol")

    def connect(*_: object) -> Broken:
        return Broken()

    monkeypatch.setattr(connected, "_connection", connect)
    with pytest.raises(KafkaError, match="not this protocol"):
        connected.run(connected.send, 111, requests.list_groups())
