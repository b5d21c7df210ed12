import base64
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from laban_collector.errors import KafkaCredentialsUnusable
from laban_collector.kafka_settings import KafkaCluster
from laban_collector.lag.security import client_options

from ..certificates import make_identity


def cluster(**options: Any) -> KafkaCluster:
    return KafkaCluster.model_validate({"bootstrap": "a:1,b:2", **options})


def oauth(**options: Any) -> KafkaCluster:
    return cluster(security_protocol="SASL_SSL", sasl_mechanism="OAUTHBEARER", **options)


def test_without_security_only_the_brokers_are_given() -> None:
    assert client_options(cluster()) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "PLAINTEXT",
    }


def test_a_password_from_a_file_loses_its_line_end_only(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(" s3cret word \r\n", encoding="utf-8")
    options = client_options(
        cluster(
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_plain_username="laban",
            sasl_plain_password_file=file,
        )
    )
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("laban", " s3cret word ")


def test_a_file_that_is_not_text_is_named_without_its_content(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"s3cret\xff")
    provider = client_options(oauth(sasl_oauth_token_file=file))["sasl_oauth_token_provider"]
    with pytest.raises(
        KafkaCredentialsUnusable, match=r"sasl_oauth_token_file .*token is not UTF-8"
    ) as refused:
        provider.token()
    assert refused.value.__cause__ is None


def test_a_token_in_a_file_is_read_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    provider = client_options(oauth(sasl_oauth_token_file=file))["sasl_oauth_token_provider"]
    for token in ("first", "second"):
        file.write_text(token + "\n", encoding="ascii")
        assert provider.token() == token


def test_the_context_of_tls_checks_certificates_and_names_unless_told_otherwise(tmp_path: Path) -> None:
    identity = make_identity(tmp_path)
    options = {"security_protocol": "SSL", "ssl_cafile": identity.certificate}
    context = client_options(cluster(**options))["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert not client_options(cluster(**options, ssl_check_hostname=False))["ssl_context"].check_hostname


@pytest.mark.parametrize("option", ["ssl_cafile", "ssl_crlfile", "ssl_certfile"])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, option: str) -> None:
    file = tmp_path / "empty.pem"
    file.touch()
    with pytest.raises(KafkaCredentialsUnusable, match=f"{option} {file}"):
        client_options(cluster(security_protocol="SSL", **{option: file}))


class TokenServer:
    """Issues tokens over HTTP, and notes the requests.

    Attributes:
        answer: the body of the next responses.
        status: their status.
        requests: the form and the Authorization header of each request.
    """

    def __init__(self) -> None:
        self.answer: Any = {"access_token": "issued", "expires_in": 3600}
        self.status = 200
        self.requests: list[tuple[dict[str, list[str]], str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                server.requests.append((parse_qs(body), self.headers["Authorization"]))
                self.send_response(server.status)
                self.end_headers()
                self.wfile.write(json.dumps(server.answer).encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
                """Keep the output of the tests clean."""

        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/token"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[TokenServer]:
    server = TokenServer()
    yield server
    server.close()


def credentials(server: TokenServer) -> Any:
    settings = oauth(
        sasl_oauth_token_url=server.url,
        sasl_oauth_client_id="laban",
        sasl_oauth_client_secret="s3cret-word",
        sasl_oauth_scope="kafka",
    )
    return client_options(settings)["sasl_oauth_token_provider"]


def test_client_credentials_get_a_token_and_keep_it_while_it_is_valid(server: TokenServer) -> None:
    provider = credentials(server)
    assert [provider.token() for _ in range(3)] == ["issued"] * 3
    login = "Basic " + base64.b64encode(b"laban:s3cret-word").decode()
    assert server.requests == [({"grant_type": ["client_credentials"], "scope": ["kafka"]}, login)]


def test_a_token_that_ends_soon_is_replaced(server: TokenServer) -> None:
    server.answer = {"access_token": "short", "expires_in": 5}
    provider = credentials(server)
    assert [provider.token(), provider.token()] == ["short", "short"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("answer", [{"error": "invalid_client"}, ["invalid_client"], {}])
def test_a_refused_login_says_where_and_shows_no_secret(server: TokenServer, answer: Any) -> None:
    server.status, server.answer = 401, answer
    with pytest.raises(KafkaCredentialsUnusable) as refused:
        credentials(server).token()
    assert f"{server.url} (sasl_oauth_token_url) issues no token: HTTP 401" in str(refused.value)
    assert "s3cret-word" not in str(refused.value)


def test_a_server_that_cannot_be_reached_is_named(server: TokenServer) -> None:
    provider = credentials(server)
    server.close()
    with pytest.raises(KafkaCredentialsUnusable, match="issues no token"):
        provider.token()
