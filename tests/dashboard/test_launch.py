import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from laban_dashboard.errors import PortTaken
from laban_dashboard.launch import environment, free_port, launch, streamlit_command
from laban_dashboard.place import DB_VARIABLE, URL_VARIABLE


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on for the time of the test."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_a_free_port_is_taken_as_asked() -> None:
    port = free_port("127.0.0.1", 0)
    assert free_port("127.0.0.1", port) == port


def test_a_port_in_use_moves_to_a_later_one(taken: int) -> None:
    assert taken < free_port("127.0.0.1", taken) < taken + 20


def test_an_address_that_is_not_ours_is_said_and_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert launch(None, None, "192.0.2.1", 8501) == 2
    assert "cannot listen on 192.0.2.1:8501" in capsys.readouterr().err
    with pytest.raises(PortTaken):
        free_port("192.0.2.1", 8501)


def test_where_to_ask_is_handed_over_in_the_environment(tmp_path: Path) -> None:
    found = environment("http://127.0.0.1:4320", tmp_path / "x.duckdb")
    assert found == {URL_VARIABLE: "http://127.0.0.1:4320", DB_VARIABLE: str(tmp_path / "x.duckdb")}
    assert environment(None, None) == {}


def test_only_names_of_this_machine_are_answered() -> None:
    command = streamlit_command("127.0.0.1", 8501)
    assert "--server.address=127.0.0.1" in command
    allowed = {part.partition("=")[2] for part in command if part.startswith("--server.allowedHosts=")}
    assert allowed == {"127.0.0.1", "localhost", "[::1]"}
