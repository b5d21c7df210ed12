"""The settings of `laban serve`: argument > LABAN_* environment > laban.toml > default."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from laban.keys import parse_rules
from laban_collector.address import Address
from laban_collector.errors import BadSettings

_MIB: Final = 1 << 20


def _address(text: str) -> str:
    return str(Address.parse(text))


def _bootstrap(text: str) -> str:
    """One or more brokers, separated by commas."""
    return ",".join(_address(part) for part in text.split(","))


def _rules(text: str) -> str:
    parse_rules(text)
    return text


HostPort = Annotated[str, AfterValidator(_address)]
Bootstrap = Annotated[str, AfterValidator(_bootstrap)]
Keys = Annotated[str, AfterValidator(_rules)]


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
        0.02, ge=0, le=10, description="Seconds between two commits at least; requests meanwhile share one."
    )

    @model_validator(mode="after")
    def _one_request_fits(self) -> Self:
        if self.max_in_flight_bytes < self.max_request_bytes:
            raise ValueError(
                f"max_in_flight_bytes ({self.max_in_flight_bytes}) is less than max_request_bytes "
                f"({self.max_request_bytes}): the largest request would never be accepted"
            )
        return self

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
