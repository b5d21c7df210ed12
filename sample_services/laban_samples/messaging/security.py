"""The security of the Kafka cluster: the `LABAN_KAFKA_*` variables that `laban serve` reads too."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import httpx
from kafka.net.sasl.oauth import AbstractTokenProvider
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from laban_samples.errors import BadKafkaSecurity

PREFIX: Final = "LABAN_KAFKA_"
_NAMED_CLUSTERS: Final = "LABAN_KAFKA__"
_TOKEN_TIMEOUT_S: Final = 5.0
_WITH_PASSWORD: Final = ("PLAIN", "SCRAM-")


class KafkaSecurity(BaseSettings):
    """The options of kafka-python for TLS and SASL, by the same names; each secret can come from a file.

    docs/operating.md describes them.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    ssl_password: SecretStr | None = None
    ssl_password_file: Path | None = None
    ssl_check_hostname: bool = True
    ssl_crlfile: Path | None = None
    sasl_mechanism: str | None = None
    sasl_plain_username: str | None = None
    sasl_plain_password: SecretStr | None = None
    sasl_plain_password_file: Path | None = None
    sasl_kerberos_name: str | None = None
    sasl_kerberos_service_name: str = "kafka"
    sasl_kerberos_domain_name: str | None = None
    sasl_oauth_token: SecretStr | None = None
    sasl_oauth_token_file: Path | None = None
    sasl_oauth_token_url: str | None = None
    sasl_oauth_client_id: str | None = None
    sasl_oauth_client_secret: SecretStr | None = None
    sasl_oauth_client_secret_file: Path | None = None
    sasl_oauth_scope: str | None = None

    @classmethod
    def load(cls) -> "KafkaSecurity":
        """Load the variables.

        Raises:
            BadKafkaSecurity: a variable has an invalid value; the text names it.
        """
        try:
            return cls()
        except ValidationError as error:
            problems = (f"{PREFIX}{str(p['loc'][0]).upper()}: {p['msg']}" for p in error.errors())
            raise BadKafkaSecurity("; ".join(problems)) from error

    def secret(self, name: str) -> str | None:
        """Return a secret from its variable or its file; None if neither is set.

        Raises:
            BadKafkaSecurity: the file cannot be read.
        """
        given: SecretStr | None = getattr(self, name)
        file: Path | None = getattr(self, f"{name}_file")
        if given is not None or file is None:
            return given.get_secret_value() if given is not None else None
        try:
            return file.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            variable = f"{PREFIX}{name.upper()}_FILE"
            raise BadKafkaSecurity(f"{variable}: cannot read {file}: {error.strerror}") from error

    def client_options(self) -> dict[str, Any]:
        """Return the options for a client of kafka-python.

        Raises:
            BadKafkaSecurity: something is missing, or a file with a secret cannot be read.
        """
        options: dict[str, Any] = {"security_protocol": self.security_protocol}
        if self.security_protocol.endswith("SSL"):
            files = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_crlfile")
            options |= {name: str(file) for name in files if (file := getattr(self, name)) is not None}
            # Without a password, OpenSSL would ask for one at the terminal.
            options["ssl_password"] = self.secret("ssl_password") or ""
            options["ssl_check_hostname"] = self.ssl_check_hostname
        if self.security_protocol.startswith("SASL"):
            options |= self._login()
        return options

    def _login(self) -> dict[str, Any]:
        mechanism = (self.sasl_mechanism or "").upper()
        password = self.secret("sasl_plain_password")
        if not mechanism:
            raise BadKafkaSecurity(f"{self.security_protocol} needs {PREFIX}SASL_MECHANISM")
        if mechanism.startswith(_WITH_PASSWORD) and not (self.sasl_plain_username and password):
            needed = f"{PREFIX}SASL_PLAIN_USERNAME and {PREFIX}SASL_PLAIN_PASSWORD or …_PASSWORD_FILE"
            raise BadKafkaSecurity(f"{mechanism} needs {needed}")
        return {
            "sasl_mechanism": mechanism,
            "sasl_plain_username": self.sasl_plain_username,
            "sasl_plain_password": password,
            "sasl_kerberos_name": self.sasl_kerberos_name,
            "sasl_kerberos_service_name": self.sasl_kerberos_service_name,
            "sasl_kerberos_domain_name": self.sasl_kerberos_domain_name,
            "sasl_oauth_token_provider": TokenProvider(self),
        }


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc]  # kafka-python ships no types
    """Gives each connection the token of the variable, of the file, or of the URL for client credentials."""

    def __init__(self, security: KafkaSecurity) -> None:
        super().__init__()
        self._security = security

    def token(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride] # kafka-python has no types
        """Return the token.

        Raises:
            BadKafkaSecurity: there is none.
        """
        if self._security.sasl_oauth_token_url is None:
            return self._security.secret("sasl_oauth_token") or ""
        return self._issued(self._security.sasl_oauth_token_url)

    def _issued(self, url: str) -> str:
        security = self._security
        form = {"grant_type": "client_credentials"}
        if security.sasl_oauth_scope:
            form["scope"] = security.sasl_oauth_scope
        login = (security.sasl_oauth_client_id or "", security.secret("sasl_oauth_client_secret") or "")
        try:
            answer = (
                httpx.post(url, data=form, auth=login, timeout=_TOKEN_TIMEOUT_S).raise_for_status().json()
            )
            return str(answer["access_token"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise BadKafkaSecurity(
                f"{url} (LABAN_KAFKA_SASL_OAUTH_TOKEN_URL) issues no token: {error}"
            ) from error


def kafka_environment() -> Mapping[str, str]:
    """Return the variables of this process that are for the cluster of `--kafka`."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(PREFIX) and not name.startswith(_NAMED_CLUSTERS)
    }
