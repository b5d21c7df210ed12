"""The settings of a service. Precedence: command-line argument, `SHOP_*` environment variable, default."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from laban_samples.addresses import GRPC_PORTS, HTTP_PORTS, parse_address
from laban_samples.faults.parsing import Fault, parse_faults

Style = Literal["monolith", "hybrid"]


def _validated(address: str) -> str:
    parse_address(address)
    return address


def _validated_faults(text: str) -> str:
    parse_faults(text)
    return text


Address = Annotated[str, AfterValidator(_validated)]


class ServiceSettings(BaseSettings):
    """The settings of one service; each service reads the ones that it needs."""

    model_config = SettingsConfigDict(env_prefix="SHOP_", cli_kebab_case=True, frozen=True)

    style: Style = Field(default="hybrid", description="monolith: synchronous calls; hybrid: events.")
    http: Address | None = Field(
        default=None,
        description="HOST:PORT of this HTTP server; the default depends on the service.",
    )
    grpc: Address | None = Field(
        default=None,
        description="HOST:PORT of this gRPC server; the default depends on the service.",
    )
    kafka: Address = Field(default="127.0.0.1:9092", description="HOST:PORT of the Kafka bootstrap broker.")
    topic_prefix: str = Field(default="", description="Prefix of every topic name.")
    group_prefix: str = Field(default="", description="Prefix of every consumer group name.")
    inventory: Address = Field(
        default=f"127.0.0.1:{GRPC_PORTS['inventory']}", description="gRPC address of inventory."
    )
    pricing: Address = Field(
        default=f"127.0.0.1:{GRPC_PORTS['pricing']}", description="gRPC address of pricing."
    )
    payment: Address = Field(
        default=f"127.0.0.1:{GRPC_PORTS['payment']}", description="gRPC address of payment."
    )
    user: Address = Field(default=f"127.0.0.1:{HTTP_PORTS['user']}", description="HTTP address of user.")
    email: Address = Field(default=f"127.0.0.1:{HTTP_PORTS['email']}", description="HTTP address of email.")
    analytics: Address = Field(
        default=f"127.0.0.1:{HTTP_PORTS['analytics']}", description="HTTP address of analytics."
    )
    faults: Annotated[str, AfterValidator(_validated_faults)] = Field(
        default="", description="Initial faults, separated by commas: latency=3s,errors=0.3."
    )
    seed: int = Field(default=0, description="Seed of the generator that selects the affected requests.")

    @property
    def initial_faults(self) -> tuple[Fault, ...]:
        """The initial faults."""
        return parse_faults(self.faults)

    def http_address(self, service: str) -> tuple[str, int]:
        """Return the host and port of the HTTP server, if this is `service`."""
        return parse_address(self.http or f"127.0.0.1:{HTTP_PORTS[service]}")

    def grpc_address(self, service: str) -> str:
        """Return the HOST:PORT of the gRPC server, if this is `service`."""
        return self.grpc or f"127.0.0.1:{GRPC_PORTS[service]}"


def describe_errors(error: ValidationError) -> Iterator[str]:
    """Return one line per invalid setting: its option, its variable, and the problem."""
    for problem in error.errors(include_url=False):
        name = ".".join(str(key) for key in problem["loc"])
        option, variable = name.replace("_", "-"), f"SHOP_{name.upper()}"
        yield f"{name} (--{option}, {variable}): {problem['msg'].removeprefix('Value error, ')}"
