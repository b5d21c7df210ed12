"""compose.yaml runs existing modules with valid settings and publishes ports on this machine only."""

import importlib.util
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from laban_collector.receive.access import Access
from laban_collector.settings import Settings
from laban_samples.addresses import GRPC_PORTS, HTTP_PORTS
from laban_samples.demo.shop_processes import BUSINESS_KEY_RULES
from laban_samples.runtime.settings import ServiceSettings

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def modules(service: dict[str, Any]) -> list[str]:
    """Return the Python modules that a service runs."""
    words = [*service.get("entrypoint", []), *service.get("command", [])]
    return [module for flag, module in pairwise(words) if flag == "-m"]


def test_every_service_of_the_shop_is_included() -> None:
    assert set(SERVICES) == {"kafka", "laban", "dashboard", "load", *HTTP_PORTS}


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", ["load", *HTTP_PORTS])
def test_the_modules_exist(name: str) -> None:
    found = modules(SERVICES[name])
    assert len(found) == 1
    assert importlib.util.find_spec(found[0])


@pytest.mark.parametrize("name", HTTP_PORTS)
def test_a_service_listens_on_the_address_that_the_others_use(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert environment["SHOP_HTTP"] == f"0.0.0.0:{HTTP_PORTS[name]}"
    assert environment.get("SHOP_GRPC") == (f"0.0.0.0:{GRPC_PORTS[name]}" if name in GRPC_PORTS else None)
    for peer in set(HTTP_PORTS) - {"order"}:
        port = GRPC_PORTS.get(peer, HTTP_PORTS[peer])
        assert environment[f"SHOP_{peer.upper()}"] == f"{peer}:{port}"


@pytest.mark.parametrize("name", HTTP_PORTS)
def test_the_settings_of_a_service_are_known(name: str) -> None:
    environment = SERVICES[name]["environment"]
    shop = {key.removeprefix("SHOP_").lower() for key in environment if key.startswith("SHOP_")}
    assert shop - set(ServiceSettings.model_fields) == set()
    assert environment["LABAN_KEYS"] == BUSINESS_KEY_RULES


def test_the_settings_of_the_collector_are_known() -> None:
    environment = {
        key.removeprefix("LABAN_").lower(): value for key, value in SERVICES["laban"]["environment"].items()
    }
    settings = Settings(**environment)
    assert (settings.api, settings.kafka) == ("0.0.0.0:4320", "kafka:9092")
    access = Access.from_settings(settings)
    assert access.accepts_host("laban:4318")
    assert access.accepts_host("127.0.0.1:4318")


def test_all_clients_of_the_collector_have_its_token() -> None:
    token = SERVICES["laban"]["environment"]["LABAN_TOKEN"]
    assert token.startswith("${LABAN_TOKEN:-")
    assert SERVICES["dashboard"]["environment"]["LABAN_TOKEN"] == token
    for name in HTTP_PORTS:
        headers = SERVICES[name]["environment"]["OTEL_EXPORTER_OTLP_HEADERS"]
        assert headers == f"authorization=Bearer%20{token}"


def test_one_service_builds_the_image_and_none_pulls_it() -> None:
    policies = {name: service.get("pull_policy") for name, service in SERVICES.items() if name != "kafka"}
    assert {name for name, policy in policies.items() if policy == "build"} == {"laban"}
    assert {policy for name, policy in policies.items() if name != "laban"} == {"never"}
