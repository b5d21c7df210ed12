"""The settings of a Kafka cluster to poll: its brokers, its security, and which groups and topics to read."""

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    model_validator,
)

from laban_collector.address import Address

_NAME: Final = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*", re.ASCII)
_PASSWORD_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_SECRETS: Final = ("sasl_plain_password", "ssl_password", "sasl_oauth_token", "sasl_oauth_client_secret")
_TOKEN_SOURCES: Final = ("sasl_oauth_token", "sasl_oauth_token_file", "sasl_oauth_token_url")
_SSL_FILES: Final = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_crlfile")


def _bootstrap(text: str) -> str:
    """Check one or more brokers, separated by commas."""
    return ",".join(str(Address.parse(part)) for part in text.split(","))


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _joined(value: object) -> object:
    """Accept a list of patterns, as TOML can express it."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ",".join(value)
    return value


def _named(clusters: object) -> object:
    """Check that each cluster has a name and a table of its own."""
    for name, cluster in clusters.items() if isinstance(clusters, dict) else ():
        if not isinstance(cluster, dict | KafkaCluster):
            raise ValueError(  # noqa: TRY004 - pydantic expects it
                f"{name} must stand in the table of a cluster, such as [kafka.prod]"
            )
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is not a name of a cluster, such as prod or eu_west: use a to z, 0 to 9, and "
                "single _ or - between them"
            )
    return clusters


def _token_url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("the URL must start with https:// or http://")
    return url


def _form(value: object) -> str:
    return "clusters" if isinstance(value, dict) else "bootstrap"


Bootstrap = Annotated[str, AfterValidator(_bootstrap)]
Patterns = Annotated[str, BeforeValidator(_joined)]
SecurityProtocol = Annotated[
    Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], BeforeValidator(_upper)
]
SaslMechanism = Annotated[
    Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI", "AWS_MSK_IAM"],
    BeforeValidator(_upper),
]
TokenUrl = Annotated[str, AfterValidator(_token_url)]


class KafkaCluster(BaseModel):
    """One Kafka cluster, its security and its filters.

    The options of security are those of kafka-python, by the same names. Each secret can also come from a
    file, which is read again at each connection.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # the input may contain a password
    )

    bootstrap: Bootstrap = Field(description="Kafka brokers (HOST:PORT), separated by commas.")
    security_protocol: SecurityProtocol = Field(
        default="PLAINTEXT", description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."
    )
    ssl_cafile: Path | None = Field(
        default=None, description="PEM file of the CA certificates to trust. Not set: those of the system."
    )
    ssl_certfile: Path | None = Field(
        default=None, description="PEM file of the client's certificate, with its chain."
    )
    ssl_keyfile: Path | None = Field(
        default=None, description="PEM file of the certificate's key. Not set: the key is in ssl_certfile."
    )
    ssl_password: SecretStr | None = Field(default=None, description="Password of the key.")
    ssl_password_file: Path | None = Field(default=None, description="File with the password of the key.")
    ssl_check_hostname: bool = Field(
        default=True, description="Check that the certificate is for the broker's host name."
    )
    ssl_crlfile: Path | None = Field(
        default=None, description="PEM file of a certificate revocation list. Not set: no check."
    )
    sasl_mechanism: SaslMechanism | None = Field(
        default=None,
        description="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, GSSAPI (needs the package gssapi) or "
        "AWS_MSK_IAM (needs botocore).",
    )
    sasl_plain_username: str | None = Field(default=None, description="User name for PLAIN and SCRAM.")
    sasl_plain_password: SecretStr | None = Field(default=None, description="Password for PLAIN and SCRAM.")
    sasl_plain_password_file: Path | None = Field(default=None, description="File with that password.")
    sasl_kerberos_name: str | None = Field(
        default=None, description="Principal of the brokers for GSSAPI, instead of service and domain name."
    )
    sasl_kerberos_service_name: str = Field(
        default="kafka", description="Service name of the brokers for GSSAPI."
    )
    sasl_kerberos_domain_name: str | None = Field(
        default=None, description="Domain name for GSSAPI. Not set: the broker's host name."
    )
    sasl_oauth_token: SecretStr | None = Field(default=None, description="Token for OAUTHBEARER.")
    sasl_oauth_token_file: Path | None = Field(
        default=None, description="File with that token, which another program keeps fresh."
    )
    sasl_oauth_token_url: TokenUrl | None = Field(
        default=None, description="URL that issues tokens for client credentials (OAuth 2.0)."
    )
    sasl_oauth_client_id: str | None = Field(default=None, description="Client ID for sasl_oauth_token_url.")
    sasl_oauth_client_secret: SecretStr | None = Field(default=None, description="Client secret for it.")
    sasl_oauth_client_secret_file: Path | None = Field(
        default=None, description="File with that client secret."
    )
    sasl_oauth_scope: str | None = Field(
        default=None, description="Scope to ask for at sasl_oauth_token_url."
    )
    groups: Patterns = Field(
        default="",
        description="Consumer groups to read, as patterns with commas: shop-*,billing. Not set: all.",
    )
    groups_not: Patterns = Field(
        default="", description="Consumer groups not to read, as patterns with commas. They win over groups."
    )
    topics: Patterns = Field(
        default="", description="Topics to read, as patterns with commas: orders*,payments. Not set: all."
    )
    topics_not: Patterns = Field(
        default="", description="Topics not to read, as patterns with commas. They win over topics."
    )
    message_times: bool = Field(
        default=True,
        description="Read the first message that waits for a group, for its time (needs READ on the topic).",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        problem = _contradiction(self)
        if problem is not None:
            raise ValueError(problem)
        return self


KafkaClusters = Annotated[
    Annotated[Bootstrap, Tag("bootstrap")]
    | Annotated[dict[str, KafkaCluster], BeforeValidator(_named), Tag("clusters")],
    Discriminator(_form),
]
"""Either the brokers of one cluster, or several clusters by name."""


def option(name: str) -> Any:
    """Return the default and the description of an option, for the form without a name."""
    field = KafkaCluster.model_fields[name]
    return Field(default=field.default, description=field.description)


def unnamed_cluster(bootstrap: str, settings: BaseModel) -> KafkaCluster:
    """Return the cluster of the form without a name, from the fields `kafka_` + option of the settings.

    Raises:
        ValueError: the options contradict each other.
    """
    names = [name for name in KafkaCluster.model_fields if name != "bootstrap"]
    return KafkaCluster(bootstrap=bootstrap, **{name: getattr(settings, f"kafka_{name}") for name in names})


def _contradiction(cluster: KafkaCluster) -> str | None:
    """Return what is missing or in conflict, or None."""
    return _twice(cluster) or _security(cluster) or _sasl(cluster)


def _twice(cluster: KafkaCluster) -> str | None:
    for name in _SECRETS:
        if getattr(cluster, name) is not None and getattr(cluster, f"{name}_file") is not None:
            return f"{name} and {name}_file are both set; keep one of them"
    return None


def _security(cluster: KafkaCluster) -> str | None:
    protocol = cluster.security_protocol
    files = [name for name in _SSL_FILES if getattr(cluster, name) is not None]
    if files and not protocol.endswith("SSL"):
        return f"{files[0]} is set, but security_protocol {protocol} has no TLS; use SSL or SASL_SSL"
    if cluster.ssl_keyfile is not None and cluster.ssl_certfile is None:
        return "ssl_keyfile is set without ssl_certfile"
    if protocol.startswith("SASL") and cluster.sasl_mechanism is None:
        return f"security_protocol {protocol} needs sasl_mechanism"
    if cluster.sasl_mechanism is not None and not protocol.startswith("SASL"):
        return f"sasl_mechanism is set, but security_protocol {protocol} has no SASL; use SASL_SSL"
    return None


def _sasl(cluster: KafkaCluster) -> str | None:
    mechanism = cluster.sasl_mechanism
    if mechanism in _PASSWORD_MECHANISMS:
        if not cluster.sasl_plain_username:
            return f"sasl_mechanism {mechanism} needs sasl_plain_username"
        if cluster.sasl_plain_password is None and cluster.sasl_plain_password_file is None:
            return f"sasl_mechanism {mechanism} needs sasl_plain_password or sasl_plain_password_file"
    if mechanism == "OAUTHBEARER":
        return _oauth(cluster)
    if mechanism == "AWS_MSK_IAM" and cluster.security_protocol != "SASL_SSL":
        return "sasl_mechanism AWS_MSK_IAM needs security_protocol SASL_SSL"
    return None


def _oauth(cluster: KafkaCluster) -> str | None:
    sources = [name for name in _TOKEN_SOURCES if getattr(cluster, name) is not None]
    if len(sources) != 1:
        return f"sasl_mechanism OAUTHBEARER needs exactly one of {', '.join(_TOKEN_SOURCES)}"
    secret = cluster.sasl_oauth_client_secret or cluster.sasl_oauth_client_secret_file
    if cluster.sasl_oauth_token_url and not (cluster.sasl_oauth_client_id and secret):
        return (
            "sasl_oauth_token_url needs sasl_oauth_client_id, and sasl_oauth_client_secret or "
            "sasl_oauth_client_secret_file"
        )
    return None
