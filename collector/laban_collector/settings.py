"""The settings of `laban serve`: argument > LABAN_* environment > laban.toml > default."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from laban.business_keys.keys import parse_rules
from laban_collector.errors import BadSettings
from laban_collector.quantities import parse_age, parse_size
from laban_collector.receive.address import Address

_MIB: Final = 1 << 20
_TOKEN: Final = re.compile(r"[\x21-\x7e]{8,}", re.ASCII)
_ORIGIN: Final = re.compile(r"https?://[^\s/,*]+", re.ASCII)


def _address(text: str) -> str:
    return str(Address.parse(text))


def _bootstrap(text: str) -> str:
    """One or more brokers, separated by commas."""
    return ",".join(_address(part) for part in text.split(","))


def _rules(text: str) -> str:
    parse_rules(text)
    return text


def _token(secret: SecretStr) -> SecretStr:
    """The text of the error must not repeat the value."""
    if not _TOKEN.fullmatch(secret.get_secret_value()):
        raise ValueError("a token has 8 characters or more, all of them visible ASCII, with no space")
    return secret


def _origins(text: str) -> str:
    for origin in _listed(text):
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin!r} is not an origin, such as https://shop.example or http://localhost:3000"
            )
    return text


def _listed(text: str) -> list[str]:
    return [part.strip().lower() for part in text.split(",") if part.strip()]


HostPort = Annotated[str, AfterValidator(_address)]
Bootstrap = Annotated[str, AfterValidator(_bootstrap)]
Keys = Annotated[str, AfterValidator(_rules)]
Age = Annotated[float, BeforeValidator(parse_age)]
Size = Annotated[int, BeforeValidator(parse_size)]
Token = Annotated[SecretStr, AfterValidator(_token)]
Origins = Annotated[str, AfterValidator(_origins)]


class Settings(BaseSettings):
    """Everything that can be set, read once and passed on.

    Each field is also an environment variable (`LABAN_OTLP_GRPC`) and a key of `laban.toml` in the working
    directory (`otlp_grpc = "127.0.0.1:4317"`). Use `load_settings` for errors that a person can read.
    """

    model_config = SettingsConfigDict(
        env_prefix="LABAN_",
        env_ignore_empty=True,
        toml_file="laban.toml",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # a token may be among it
    )

    db: Path = Field(Path("laban.duckdb"), description="The DuckDB file; made if it does not exist.")
    otlp_grpc: HostPort = Field("127.0.0.1:4317", description="Where OTLP over gRPC is received.")
    otlp_http: HostPort = Field("127.0.0.1:4318", description="Where OTLP over HTTP is received.")
    api: HostPort = Field("127.0.0.1:4320", description="Where the HTTP API answers questions.")
    kafka: Bootstrap | None = Field(
        None, description="Kafka brokers, HOST:PORT, to poll for consumer lag; none: lag is not polled."
    )
    lag_interval: float = Field(
        5.0, gt=0, le=3600, description="Seconds between two polls of the consumer lag."
    )
    keys: Keys = Field(
        "", description="Business key rules beyond the defaults: order.id=route:order_id|kafka.key:orders*"
    )
    max_request_bytes: int = Field(
        16 * _MIB, ge=1024, description="The largest request accepted, in bytes, after decompression."
    )
    max_in_flight_bytes: int = Field(
        64 * _MIB, ge=1024, description="Bytes accepted and not yet stored; beyond it senders are put off."
    )
    commit_bytes: int = Field(
        4 * _MIB,
        ge=1,
        description="Bytes of requests at which a commit takes no more (4 MiB: some 10,000 spans).",
    )
    commit_delay: float = Field(
        0.005, ge=0, le=10, description="Seconds between two commits at least; requests meanwhile share one."
    )
    retention: Age | None = Field(
        None, description="How long spans are kept after they arrived: 7d, 12h, 30m; none: for ever."
    )
    max_size: Size | None = Field(
        None, ge=16 * _MIB, description="How large the database may grow before the oldest spans go: 20GB."
    )
    max_elements: int = Field(
        1_000_000,
        ge=1024,
        description="Spans, attributes and other parts that one request may have: small ones grow 86-fold in "
        "memory.",
    )
    upload_timeout: float = Field(
        10.0, gt=0, le=600, description="Seconds that a sender may take for the body of one request."
    )
    max_attributes: int = Field(
        1024, ge=1, description="Attributes kept of one span; the others are counted as dropped."
    )
    max_attribute_length: int = Field(
        32_768, ge=64, description="Characters kept of an attribute's value; a mark says what was cut."
    )
    redact: str = Field(
        "",
        description="Attributes never stored, beyond passwords, tokens and the like: patterns of keys, with "
        "commas: customer.email,*.iban",
    )
    redact_not: str = Field(
        "", description="Attributes stored although their keys look secret: patterns of keys, with commas."
    )
    token: Token | None = Field(
        None,
        description="Secret that senders and askers give as `Authorization: Bearer …`; needed to listen "
        "anywhere but on loopback.",
    )
    open_to_everyone: bool = Field(
        default=False,
        description="Listen beyond loopback without a token, where the network itself keeps strangers out.",
    )
    hosts: str = Field(
        "",
        description="Names under which others reach this collector, with commas, beside localhost and IP "
        "addresses: laban,laban.monitoring.svc",
    )
    cors_origins: Origins = Field(
        "", description="Pages that may send and ask from a browser, with commas: https://shop.example"
    )
    tls_certificate: Path | None = Field(
        None, description="PEM file of the certificate (and its chain) with which OTLP and the API use TLS."
    )
    tls_key: Path | None = Field(None, description="PEM file of the certificate's private key.")
    tls_ca: Path | None = Field(
        None, description="PEM file of certificates that commands which ask trust, beside the usual ones."
    )

    @model_validator(mode="after")
    def _one_request_fits(self) -> Self:
        if self.max_in_flight_bytes < self.max_request_bytes:
            raise ValueError(
                f"max_in_flight_bytes ({self.max_in_flight_bytes}) is less than max_request_bytes "
                f"({self.max_request_bytes}): the largest request would never be accepted"
            )
        return self

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("TLS needs both tls_certificate and tls_key; one of them is missing")
        return self

    @property
    def host_names(self) -> list[str]:
        """`hosts`, one by one, lower case."""
        return _listed(self.hosts)

    @property
    def redacted_keys(self) -> list[str]:
        """`redact`, one by one."""
        return [part.strip() for part in self.redact.split(",") if part.strip()]

    @property
    def kept_keys(self) -> list[str]:
        """`redact_not`, one by one."""
        return [part.strip() for part in self.redact_not.split(",") if part.strip()]

    @property
    def origins(self) -> list[str]:
        """`cors_origins`, one by one, lower case."""
        return _listed(self.cors_origins)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources by precedence, the first one wins."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**arguments: Any) -> Settings:
    """The settings, with `arguments` (None: not given) over environment, file and defaults.

    Raises:
        BadSettings: a value is wrong; says which, from where it may come, and what is expected.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        return Settings(**given)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"laban.toml cannot be read: {error}") from error
    except ValidationError as error:
        raise BadSettings("\n".join(map(_explain, error.errors()))) from error


def _explain(problem: ErrorDetails) -> str:
    """One line for a person: where the value can be set, and what is wrong with it."""
    reason = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return reason
    name = str(problem["loc"][0])
    if name not in Settings.model_fields:
        return f"{name}: there is no such setting; there are {', '.join(Settings.model_fields)}"
    option = name.replace("_", "-")
    return f"{name} (--{option}, LABAN_{name.upper()}, or {name} in laban.toml): {reason}"
