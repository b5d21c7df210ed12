"""What a service of the shop can be told: argument > `SHOP_*` environment > default."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from laban_samples.addresses import GRPC_PORTS, HTTP_PORTS, split
from laban_samples.faults import Fault, parse_faults

Style = Literal["monolith", "hybrid"]


def _checked(address: str) -> str:
    split(address)
    return address


def _checked_faults(text: str) -> str:
    parse_faults(text)
    return text


Address = Annotated[str, AfterValidator(_checked)]


class ServiceSettings(BaseSettings):
    """The settings of one service; a service reads those that concern it."""

    model_config = SettingsConfigDict(env_prefix="SHOP_", cli_kebab_case=True, frozen=True)

    style: Style = Field(
        default="hybrid", description="monolith: all calls wait for each other; hybrid: events."
    )
    http: Address | None = Field(
        default=None, description="HOST:PORT of this service's HTTP; default by service."
    )
    grpc: Address | None = Field(
        default=None, description="HOST:PORT of this service's gRPC; default by service."
    )
    kafka: Address = Field(
        default="127.0.0.1:9092", description="HOST:PORT of a Kafka broker to bootstrap from."
    )
    topic_prefix: str = Field(default="", description="Stands before every topic name.")
    group_prefix: str = Field(default="", description="Stands before every consumer group name.")
    inventory: Address = Field(
        default=f"127.0.0.1:{GRPC_PORTS['inventory']}", description="Inventory's gRPC."
    )
    pricing: Address = Field(default=f"127.0.0.1:{GRPC_PORTS['pricing']}", description="Pricing's gRPC.")
    payment: Address = Field(default=f"127.0.0.1:{GRPC_PORTS['payment']}", description="Payment's gRPC.")
    user: Address = Field(default=f"127.0.0.1:{HTTP_PORTS['user']}", description="User's HTTP.")
    email: Address = Field(default=f"127.0.0.1:{HTTP_PORTS['email']}", description="Email's HTTP.")
    analytics: Address = Field(default=f"127.0.0.1:{HTTP_PORTS['analytics']}", description="Analytics' HTTP.")
    faults: Annotated[str, AfterValidator(_checked_faults)] = Field(
        default="", description="Faults to start with, separated by commas: latency=3s,errors=0.3."
    )
    seed: int = Field(default=0, description="Seed of the generator that draws whom the faults hit.")

    @property
    def starting_faults(self) -> tuple[Fault, ...]:
        """The faults to start with."""
        return parse_faults(self.faults)

    def http_address(self, service: str) -> tuple[str, int]:
        """Host and port on which `service`, when it is this one, answers HTTP."""
        return split(self.http or f"127.0.0.1:{HTTP_PORTS[service]}")

    def grpc_address(self, service: str) -> str:
        """HOST:PORT on which `service`, when it is this one, answers gRPC."""
        return self.grpc or f"127.0.0.1:{GRPC_PORTS[service]}"


def explain(error: ValidationError) -> Iterator[str]:
    """One line for each setting that is wrong: where it can be set, and what is wrong with it."""
    for problem in error.errors(include_url=False):
        name = ".".join(str(part) for part in problem["loc"])
        option, variable = name.replace("_", "-"), f"SHOP_{name.upper()}"
        yield f"{name} (--{option}, {variable}): {problem['msg'].removeprefix('Value error, ')}"
