"""The settings of the collector: argument > LABAN_* environment variable > laban.toml > default."""

import contextlib
import re
import tomllib
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    Field,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from laban.business_keys.keys import parse_rules
from laban_collector.address import Address
from laban_collector.errors import BadSettings
from laban_collector.kafka_settings import (
    KafkaCluster,
    KafkaClusters,
    Patterns,
    SaslMechanism,
    SecurityProtocol,
    TokenUrl,
    option,
    unnamed_cluster,
)
from laban_collector.secret_values import remember
from laban_collector.store.edge_totals import DEFAULT_SERIES

_MIB: Final = 1 << 20
_PREFIX: Final = "LABAN_"
_NEARLY: Final = 0.9
"""The share of its letters that a misspelled variable has in common with the right one."""
_TOKEN: Final = re.compile(r"[\x21-\x7e]{8,}", re.ASCII)
_ORIGIN: Final = re.compile(r"https?://[^\s/,*]+", re.ASCII)
_URL: Final = re.compile(r"https?://[^\s/?#]+[^\s#]*", re.ASCII)
_AGE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhdw])", re.ASCII | re.IGNORECASE)
_SIZE: Final = re.compile(r"[0-9.]+\s*[a-z]*", re.ASCII | re.IGNORECASE)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def _address(text: str) -> str:
    return str(Address.parse(text))


def _rules(text: str) -> str:
    parse_rules(text)
    return text


def _token(secret: SecretStr) -> SecretStr:
    """Check a token; the error message must not contain the value."""
    if not _TOKEN.fullmatch(secret.get_secret_value()):
        raise ValueError("a token needs 8 characters or more, all visible ASCII and no spaces")
    return secret


def _origins(text: str) -> str:
    for origin in _listed(text.lower()):
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is not an origin, such as https://shop.example or http://localhost:3000"
            )
    return text


def _url(text: str) -> str:
    if not _URL.fullmatch(text):
        raise ValueError(f"{text!r} is not a URL, such as http://grafana:3000/d/laban")
    return text


def parse_age(text: object) -> float:
    """Return an age such as `7d`, `12h`, `30m`, `90s` or `2w` in seconds.

    Raises:
        ValueError: the text is not an age, or it is zero.
    """
    match = _AGE.fullmatch(str(text).strip())
    seconds = float(match[1]) * _SECONDS[match[2].lower()] if match else 0.0
    if seconds <= 0:
        raise ValueError(f"{text!r} is not an age, such as 7d, 12h or 30m")
    return seconds


def _size(text: object, parse: ValidatorFunctionWrapHandler) -> ByteSize:
    """Parse a size with pydantic, which on its own ignores text after the unit and accepts zero."""
    size = 0
    if _SIZE.fullmatch(str(text).strip()):
        with contextlib.suppress(ValidationError):  # the error below names the expected form
            size = parse(text)
    if size <= 0:
        raise ValueError(f"{text!r} is not a size, such as 20GB or 512MiB")
    return ByteSize(size)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


HostPort = Annotated[str, AfterValidator(_address)]
Keys = Annotated[str, AfterValidator(_rules)]
Age = Annotated[float, BeforeValidator(parse_age)]
Size = Annotated[ByteSize, WrapValidator(_size)]
Token = Annotated[SecretStr, AfterValidator(_token)]
Origins = Annotated[str, AfterValidator(_origins)]
Url = Annotated[str, AfterValidator(_url)]


class Settings(BaseSettings):
    """All settings, loaded once at the start.

    Each field is also an environment variable (`LABAN_OTLP_GRPC`) and a key in `laban.toml` in the working
    directory (`otlp_grpc = "127.0.0.1:4317"`). Use `load_settings` for readable errors.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_ignore_empty=True,
        env_nested_delimiter="__",  # LABAN_KAFKA__PROD__BOOTSTRAP
        toml_file="laban.toml",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # the input may contain the token
    )

    db: Path = Field(Path("laban.duckdb"), description="The DuckDB file; created if it does not exist.")
    otlp_grpc: HostPort = Field("127.0.0.1:4317", description="Address of the OTLP/gRPC receiver.")
    otlp_http: HostPort = Field("127.0.0.1:4318", description="Address of the OTLP/HTTP receiver.")
    api: HostPort = Field("127.0.0.1:4320", description="Address of the HTTP API.")
    grafana_url: Url | None = Field(
        None, description="URL of a Grafana dashboard that the dashboard's page of an order links to."
    )
    jaeger_api: bool = Field(
        default=True,
        description="Answer Jaeger's query API at the address of the API, for Grafana and the Jaeger UI.",
    )
    kafka: KafkaClusters | None = Field(
        None,
        description="Kafka brokers (HOST:PORT) to poll for consumer lag, or several clusters by name. Not "
        "set: no polling.",
    )
    lag_interval: float = Field(5.0, gt=0, le=3600, description="Seconds between two lag polls.")
    # The options of the cluster without a name. A named one has them without the prefix: kafka_settings.py.
    kafka_security_protocol: SecurityProtocol = option("security_protocol")
    kafka_ssl_cafile: Path | None = option("ssl_cafile")
    kafka_ssl_certfile: Path | None = option("ssl_certfile")
    kafka_ssl_keyfile: Path | None = option("ssl_keyfile")
    kafka_ssl_password: SecretStr | None = option("ssl_password")
    kafka_ssl_password_file: Path | None = option("ssl_password_file")
    kafka_ssl_check_hostname: bool = option("ssl_check_hostname")
    kafka_ssl_crlfile: Path | None = option("ssl_crlfile")
    kafka_sasl_mechanism: SaslMechanism | None = option("sasl_mechanism")
    kafka_sasl_plain_username: str | None = option("sasl_plain_username")
    kafka_sasl_plain_password: SecretStr | None = option("sasl_plain_password")
    kafka_sasl_plain_password_file: Path | None = option("sasl_plain_password_file")
    kafka_sasl_kerberos_name: str | None = option("sasl_kerberos_name")
    kafka_sasl_kerberos_service_name: str = option("sasl_kerberos_service_name")
    kafka_sasl_kerberos_domain_name: str | None = option("sasl_kerberos_domain_name")
    kafka_sasl_oauth_token: SecretStr | None = option("sasl_oauth_token")
    kafka_sasl_oauth_token_file: Path | None = option("sasl_oauth_token_file")
    kafka_sasl_oauth_token_url: TokenUrl | None = option("sasl_oauth_token_url")
    kafka_sasl_oauth_client_id: str | None = option("sasl_oauth_client_id")
    kafka_sasl_oauth_client_secret: SecretStr | None = option("sasl_oauth_client_secret")
    kafka_sasl_oauth_client_secret_file: Path | None = option("sasl_oauth_client_secret_file")
    kafka_sasl_oauth_scope: str | None = option("sasl_oauth_scope")
    kafka_groups: Patterns = option("groups")
    kafka_groups_not: Patterns = option("groups_not")
    kafka_topics: Patterns = option("topics")
    kafka_topics_not: Patterns = option("topics_not")
    kafka_message_times: bool = option("message_times")
    keys: Keys = Field(
        "", description="Additional business key rules: order.id=route:order_id|kafka.key:orders*"
    )
    k8s_namespaces: bool = Field(
        default=False,
        description="Take the namespace of a service without `service.namespace` from `k8s.namespace.name`.",
    )
    max_request_bytes: int = Field(
        16 * _MIB, ge=1024, description="Maximum size of a request in bytes, after decompression."
    )
    max_in_flight_bytes: int = Field(
        64 * _MIB, ge=1024, description="Bytes accepted but not stored yet; beyond it, senders must retry."
    )
    commit_bytes: int = Field(
        4 * _MIB,
        ge=1,
        description="Bytes of requests at which a commit is full (4 MiB: about 10,000 spans).",
    )
    commit_delay: float = Field(
        0.005, ge=0, le=10, description="Minimum seconds between two commits. Requests in between share one."
    )
    retention: Age | None = Field(
        None, description="How long spans are kept after arrival: 7d, 12h, 30m. Not set: forever."
    )
    max_size: Size | None = Field(
        None, ge=16 * _MIB, description="Database size above which the oldest spans are deleted: 20GB."
    )
    max_elements: int = Field(
        1_000_000,
        ge=1024,
        description="Maximum spans, attributes and other elements in one request. Small ones take up to "
        "86 times their size in memory.",
    )
    upload_timeout: float = Field(
        10.0, gt=0, le=600, description="Seconds until the body of a request must be complete."
    )
    max_attributes: int = Field(
        1024, ge=1, description="Maximum attributes per span. The rest are counted as dropped."
    )
    max_attribute_length: int = Field(
        32_768, ge=64, description="Maximum characters of an attribute value. A mark shows where it was cut."
    )
    max_services: int = Field(
        5_000,
        ge=1,
        description="Maximum services that the map distinguishes in an hour. Further ones count as “other "
        "services”; their spans are stored and found as always.",
    )
    max_topics: int = Field(5_000, ge=1, description="The same for topics, and as many consumer groups.")
    max_peers: int = Field(
        5_000, ge=1, description="The same for hosts outside, as many databases, and addresses of services."
    )
    max_operations: int = Field(
        5_000, ge=1, description="The same for the RPC services of calls, and for protocols."
    )
    max_edges: int = Field(20_000, ge=1, description="The same for the edges between all these.")
    logs: bool = Field(
        default=False, description="Store OTLP logs that have a trace ID, and show them in stories."
    )
    logs_retention: Age = Field(
        7 * 86_400.0,
        validate_default=False,  # a number is no age of `parse_age`
        description="How long logs are kept after arrival, and never longer than their spans.",
    )
    max_log_length: int = Field(
        8_192,
        ge=64,
        description="Maximum characters of the body of a log record, and of each attribute.",
    )
    max_log_attributes: int = Field(64, ge=1, description="Maximum attributes per log record.")
    max_logs_per_trace: int = Field(
        1_000, ge=1, description="Maximum log records of one trace. Further ones are rejected and counted."
    )
    metrics_edges: int = Field(
        DEFAULT_SERIES,
        ge=0,
        description="Maximum edges that /metrics tells apart. Further ones count as “other”. 0: no metrics "
        "of edges.",
    )
    metrics_findings: float = Field(
        120.0,
        gt=0,
        description="Seconds after which /metrics looks for findings again, while somebody reads it.",
    )
    redact: str = Field(
        "",
        description="Additional attributes to redact, as key patterns with commas: customer.email,*.iban. "
        "Passwords, tokens and the like are always redacted.",
    )
    redact_not: str = Field(
        "", description="Attributes to keep although their keys look secret: key patterns with commas."
    )
    token: Token | None = Field(
        None,
        description="Token that requests must send as `Authorization: Bearer TOKEN`. Required to listen on "
        "other addresses than loopback.",
    )
    open_to_everyone: bool = Field(
        default=False,
        description="Listen beyond loopback without a token, if the network restricts access.",
    )
    hosts: str = Field(
        "",
        description="Host names of this collector, separated by commas: laban,laban.monitoring.svc. "
        "localhost and IP addresses are always accepted.",
    )
    cors_origins: Origins = Field(
        "",
        description="Web origins that may use OTLP/HTTP and the API, separated by commas: https://shop.example",
    )
    tls_certificate: Path | None = Field(
        None, description="PEM file of the TLS certificate (with its chain) for OTLP and the API."
    )
    tls_key: Path | None = Field(None, description="PEM file of the certificate's private key.")
    tls_ca: Path | None = Field(
        None, description="PEM file of additional CA certificates that the query commands trust."
    )

    mcp: bool = Field(
        default=True,
        description="Answer assistants at /mcp on the address of the API, if laban[mcp] is installed.",
    )
    findings: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="The limits of the rules of `laban findings`, and what it ignores; see docs/findings.md.",
    )
    objectives: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="The latency and the time in queues that were promised."
    )
    links: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="Where else a trace can be looked at: names, and addresses with {trace_id} in them.",
    )
    alerts: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        repr=False,  # it has secrets
        description="When to alert, and whom to tell; see docs/integrations.md.",
    )

    @model_validator(mode="after")
    def _one_request_fits(self) -> Self:
        if self.max_in_flight_bytes < self.max_request_bytes:
            raise ValueError(
                f"max_in_flight_bytes ({self.max_in_flight_bytes}) is less than max_request_bytes "
                f"({self.max_request_bytes}), so the largest request would never be accepted"
            )
        return self

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("TLS needs both tls_certificate and tls_key; one of them is missing")
        return self

    @model_validator(mode="after")
    def _unnamed_cluster(self) -> Self:
        try:
            self.kafka_clusters  # noqa: B018 - it checks the options
        except ValidationError as error:
            (problem,) = error.errors()
            reason = problem["msg"].removeprefix("Value error, ")
            raise ValueError(
                f"{reason} (for --kafka, each option is LABAN_KAFKA_… or kafka_… in laban.toml)"
            ) from error
        return self

    @property
    def kafka_clusters(self) -> dict[str, KafkaCluster]:
        """The clusters to poll, by name; the one of `--kafka HOST:PORT` has the name ''."""
        if self.kafka is None:
            return {}
        return self.kafka if isinstance(self.kafka, dict) else {"": unnamed_cluster(self.kafka, self)}

    @property
    def host_names(self) -> list[str]:
        """`hosts` as a list, in lower case."""
        return _listed(self.hosts.lower())

    @property
    def redacted_keys(self) -> list[str]:
        """`redact` as a list."""
        return _listed(self.redact)

    @property
    def kept_keys(self) -> list[str]:
        """`redact_not` as a list."""
        return _listed(self.redact_not)

    @property
    def origins(self) -> list[str]:
        """`cors_origins` as a list, in lower case."""
        return _listed(self.cors_origins.lower())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources by precedence; the first one wins."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**arguments: Any) -> Settings:
    """Load the settings; `arguments` that are not None override environment, file and defaults.

    An error names the option of a setting only if the command has it, so pass those that were not given, too.

    Raises:
        BadSettings: a value is invalid; the message names the setting, its sources and the expected value.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        settings = Settings(**given)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"laban.toml cannot be read: {error}") from error
    except ValidationError as error:
        raise BadSettings("\n".join(_explain(one, arguments) for one in error.errors())) from error
    _remember_secrets(settings)
    return settings


def misspelled_variables(names: Iterable[str]) -> dict[str, str]:
    """Return the `LABAN_*` variables that are no setting, but nearly one, with the nearest.

    Other variables may be for another part of laban. Those of named clusters are checked with the settings.
    """
    settings = [_PREFIX + name.upper() for name in Settings.model_fields]
    unknown = [
        name for name in names if name.startswith(_PREFIX) and "__" not in name and name not in settings
    ]
    near = {name: get_close_matches(name, settings, n=1, cutoff=_NEARLY) for name in sorted(unknown)}
    return {name: found[0] for name, found in near.items() if found}


def _remember_secrets(settings: BaseModel) -> None:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            remember(value.get_secret_value())
        elif isinstance(value, dict):  # the clusters
            for cluster in value.values():
                if isinstance(cluster, BaseModel):
                    _remember_secrets(cluster)


def _explain(problem: ErrorDetails, options: Collection[str]) -> str:
    """Return one line: the setting, where it can be set, and what is wrong; `options`: of the command."""
    reason = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return reason
    name, *rest = (str(part) for part in problem["loc"])
    if name not in Settings.model_fields:
        near = get_close_matches(name, Settings.model_fields, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        return f"{name}: unknown setting. {meant}The settings are {', '.join(Settings.model_fields)}"
    if rest and rest[0] == "clusters":
        return f"{_cluster_sources(rest[1:])}: {reason}"
    option_of_command = f"--{name.replace('_', '-')}, " if name in options else ""
    return f"{name} ({option_of_command}LABAN_{name.upper()}, or {name} in laban.toml): {reason}"


def _cluster_sources(path: list[str]) -> str:
    """Return where an option of a named cluster, the cluster or the clusters can be set."""
    variable = "__".join(("LABAN_KAFKA", *map(str.upper, path)))
    table = ".".join(("kafka", *path[:1]))
    if len(path) < 2:
        return f"{table} ([{table}] in laban.toml, or {variable}__…)"
    return f"{table}.{path[1]} ({variable}, or {path[1]} in [{table}] of laban.toml)"
