"""The settings of a service, and the rejection of invalid ones."""

import os
import subprocess
import sys

import pytest
from pydantic import ValidationError

from laban_samples.addresses import HTTP_PORTS, SERVICES
from laban_samples.runtime.settings import ServiceSettings, describe_errors


def test_every_service_has_its_own_port() -> None:
    settings = ServiceSettings()
    assert {settings.http_address(name) for name in SERVICES} == {
        ("127.0.0.1", port) for port in HTTP_PORTS.values()
    }
    assert len(set(HTTP_PORTS.values())) == len(SERVICES)


def test_an_argument_takes_precedence_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_STYLE", "monolith")
    monkeypatch.setenv("SHOP_HTTP", "0.0.0.0:80")
    assert ServiceSettings().style == "monolith"
    assert ServiceSettings(style="hybrid").style == "hybrid"
    assert ServiceSettings().http_address("order") == ("0.0.0.0", 80)


def test_faults_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_FAULTS", "latency=1s,crash")
    assert [str(fault) for fault in ServiceSettings().initial_faults] == ["latency=1s", "crash"]


def test_an_invalid_setting_is_reported_with_its_option_and_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOPIC_PREFIX", "")
    monkeypatch.setenv("SHOP_KAFKA", "nowhere")
    with pytest.raises(ValidationError) as refused:
        ServiceSettings()
    (line,) = describe_errors(refused.value)
    assert line == (
        "kafka (--kafka, SHOP_KAFKA): 'nowhere' is not an address: "
        "write HOST:PORT, for example 127.0.0.1:8101."
    )


@pytest.mark.parametrize(("option", "value"), [("--http", "nope"), ("--style", "baroque")])
def test_a_service_with_an_invalid_setting_exits_with_an_error(option: str, value: str) -> None:
    command = [sys.executable, "-m", "laban_samples.services.user", option, value]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 2
    assert option in done.stderr
    assert "Traceback" not in done.stderr
