"""The options of kafka-python for a cluster: TLS, SASL, and where tokens and passwords come from."""

import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx
from kafka.net.sasl.oauth import AbstractTokenProvider
from pydantic import SecretStr

from laban_collector.errors import KafkaCredentialsUnusable
from laban_collector.kafka_settings import KafkaCluster
from laban_collector.secret_values import remember, without_secrets

_TOKEN_TIMEOUT: Final = 5.0
"""Seconds to wait for a token."""

_EARLY: Final = 30.0
"""Seconds before its end at which a token is replaced."""


def client_options(cluster: KafkaCluster) -> dict[str, Any]:
    """Return the options of kafka-python that say how to connect; reads the files that they name.

    Raises:
        KafkaCredentialsUnusable: a file cannot be read; the message names the option and the file.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": cluster.bootstrap.split(","),
        "security_protocol": cluster.security_protocol,
    }
    if cluster.security_protocol.endswith("SSL"):
        options["ssl_context"] = _tls_context(cluster)
    if cluster.sasl_mechanism is not None:
        options |= {
            "sasl_mechanism": cluster.sasl_mechanism,
            "sasl_plain_username": cluster.sasl_plain_username,
            "sasl_plain_password": _secret(cluster, "sasl_plain_password"),
            "sasl_kerberos_name": cluster.sasl_kerberos_name,
            "sasl_kerberos_service_name": cluster.sasl_kerberos_service_name,
            "sasl_kerberos_domain_name": cluster.sasl_kerberos_domain_name,
        }
    if cluster.sasl_mechanism == "OAUTHBEARER":
        options["sasl_oauth_token_provider"] = _token_provider(cluster)
    return options


class ConfiguredToken(AbstractTokenProvider):  # type: ignore[misc]  # kafka-python ships no types
    """The token of the settings, or of a file, which is read again at each connection."""

    def __init__(self, cluster: KafkaCluster) -> None:
        super().__init__()
        self._cluster = cluster

    def token(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride] # kafka-python has no types
        """Return the token.

        Raises:
            KafkaCredentialsUnusable: the file cannot be read.
        """
        return _secret(self._cluster, "sasl_oauth_token") or ""


class ClientCredentials(AbstractTokenProvider):  # type: ignore[misc]  # kafka-python ships no types
    """Gets tokens for a client ID and its secret (RFC 6749, section 4.4), and keeps each while valid."""

    def __init__(self, cluster: KafkaCluster) -> None:
        super().__init__()
        self._cluster = cluster
        self._token = ""
        self._renew_at = 0.0

    def token(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride] # kafka-python has no types
        """Return a token that is still valid.

        Raises:
            KafkaCredentialsUnusable: the server issues no token; the message has its error, and no secret.
        """
        if not self._token or time.monotonic() >= self._renew_at:
            answer = self._request()
            self._token = remember(str(answer["access_token"]))
            self._renew_at = time.monotonic() + float(answer.get("expires_in", 0)) - _EARLY
        return self._token

    def _request(self) -> Mapping[str, Any]:
        cluster = self._cluster
        url = cluster.sasl_oauth_token_url or ""
        form = {"grant_type": "client_credentials"}
        if cluster.sasl_oauth_scope:
            form["scope"] = cluster.sasl_oauth_scope
        login = (cluster.sasl_oauth_client_id or "", _secret(cluster, "sasl_oauth_client_secret") or "")
        try:
            response = httpx.post(url, data=form, auth=login, timeout=_TOKEN_TIMEOUT)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise KafkaCredentialsUnusable(
                f"{url} (sasl_oauth_token_url) issues no token: {without_secrets(str(error))}"
            ) from error
        if not isinstance(answer, dict) or not response.is_success or "access_token" not in answer:
            reason = answer.get("error") if isinstance(answer, dict) else None
            raise KafkaCredentialsUnusable(
                f"{url} (sasl_oauth_token_url) issues no token: HTTP {response.status_code} "
                f"{without_secrets(str(reason or ''))[:100]!r}. Check sasl_oauth_client_id and its secret."
            )
        return answer


def _token_provider(cluster: KafkaCluster) -> AbstractTokenProvider:
    return ClientCredentials(cluster) if cluster.sasl_oauth_token_url else ConfiguredToken(cluster)


def _tls_context(cluster: KafkaCluster) -> ssl.SSLContext:
    """Return what kafka-python would build, with errors that name the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = cluster.ssl_check_hostname
    if cluster.ssl_cafile is None:
        context.load_default_certs()
    for name in ("ssl_cafile", "ssl_crlfile"):
        file: Path | None = getattr(cluster, name)
        if file is not None:
            try:
                context.load_verify_locations(file)
            except OSError as error:  # ssl.SSLError too
                raise _unusable(name, file, error) from error
    if cluster.ssl_crlfile is not None:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    _load_certificate(context, cluster)
    return context


def _load_certificate(context: ssl.SSLContext, cluster: KafkaCluster) -> None:
    if cluster.ssl_certfile is None:
        return
    # Without a password, OpenSSL would ask for one at the terminal.
    password = _secret(cluster, "ssl_password") or ""
    try:
        context.load_cert_chain(cluster.ssl_certfile, cluster.ssl_keyfile, password)
    except OSError as error:
        name, file = "ssl_certfile", cluster.ssl_certfile
        raise KafkaCredentialsUnusable(
            f"{name} {file} with the key {cluster.ssl_keyfile or file} cannot be used: "
            f"{error.strerror or error}. Check the files, and ssl_password if the key has one."
        ) from error


def _secret(cluster: KafkaCluster, name: str) -> str | None:
    """Return a secret from the settings or its file, without the line end that editors add; None if unset."""
    given: SecretStr | None = getattr(cluster, name)
    file: Path | None = getattr(cluster, f"{name}_file")
    if given is not None or file is None:
        return remember(given.get_secret_value()) if given is not None else None
    try:
        return remember(file.read_text(encoding="utf-8").rstrip("\r\n"))
    except OSError as error:
        raise _unusable(f"{name}_file", file, error) from error
    except UnicodeDecodeError:
        # Not chained: the original has the content.
        raise KafkaCredentialsUnusable(f"{name}_file {file} is not UTF-8 text.") from None


def _unusable(name: str, file: Path, error: OSError) -> KafkaCredentialsUnusable:
    return KafkaCredentialsUnusable(f"{name} {file} cannot be read: {error.strerror or error}")
