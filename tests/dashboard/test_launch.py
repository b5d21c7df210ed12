import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from laban_dashboard.answer_source import DB_VARIABLE, URL_VARIABLE
from laban_dashboard.errors import PortTaken
from laban_dashboard.launch import environment, free_port, launch, streamlit_command


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is in use during the test."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_a_free_port_is_used_as_requested() -> None:
    port = free_port("127.0.0.1", 0)
    assert free_port("127.0.0.1", port) == port


def test_if_a_port_is_in_use_a_later_port_is_used(taken: int) -> None:
    assert taken < free_port("127.0.0.1", taken) < taken + 20


def test_an_address_of_another_host_is_reported_with_exit_status_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert launch(None, None, "192.0.2.1", 8501) == 2
    assert "cannot listen on 192.0.2.1:8501" in capsys.readouterr().err
    with pytest.raises(PortTaken):
        free_port("192.0.2.1", 8501)


def test_the_answer_source_is_passed_in_the_environment(tmp_path: Path) -> None:
    found = environment("http://127.0.0.1:4320", tmp_path / "x.duckdb")
    assert found == {URL_VARIABLE: "http://127.0.0.1:4320", DB_VARIABLE: str(tmp_path / "x.duckdb")}
    assert environment(None, None) == {}


def test_only_host_names_of_this_machine_are_allowed() -> None:
    command = streamlit_command("127.0.0.1", 8501)
    assert "--server.address=127.0.0.1" in command
    allowed = {part.partition("=")[2] for part in command if part.startswith("--server.allowedHosts=")}
    assert allowed == {"127.0.0.1", "localhost", "[::1]"}
