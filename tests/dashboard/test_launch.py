import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from laban_collector.settings import load_settings
from laban_dashboard.answer_source import BESIDE_VARIABLE, DB_VARIABLE, URL_VARIABLE
from laban_dashboard.errors import BadSource, OpenToEveryone, PortTaken
from laban_dashboard.launch import environment, free_port, launch, named_sources, streamlit_command
from laban_dashboard.login import GRANTED_S, Grants, check_exposure, lets_in, way_in


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
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABAN_TOKEN", "correct-horse")
    assert launch(None, None, "192.0.2.1", 8501) == 2
    assert "cannot listen on 192.0.2.1:8501" in capsys.readouterr().err
    with pytest.raises(PortTaken):
        free_port("192.0.2.1", 8501)


def test_the_answer_source_is_passed_in_the_environment(tmp_path: Path) -> None:
    found = environment("http://127.0.0.1:4320", tmp_path / "x.duckdb")
    assert found == {URL_VARIABLE: "http://127.0.0.1:4320", DB_VARIABLE: str(tmp_path / "x.duckdb")}
    assert environment(None, None) == {}
    assert environment(None, None, {"before": "/b.duckdb"}) == {BESIDE_VARIABLE: '{"before": "/b.duckdb"}'}


@pytest.fixture
def without_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the current one and as the home directory, without a token."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("LABAN_TOKEN", raising=False)
    return tmp_path


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "shop.example"])
def test_without_a_login_other_machines_are_refused(
    host: str, without_settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch(None, None, host, 0) == 2
    told = capsys.readouterr().err
    assert f"Other machines could open the dashboard at {host} and see all data" in told
    assert "Set LABAN_TOKEN" in told


def test_a_token_or_the_login_of_streamlit_let_other_machines_in(
    without_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = without_settings / ".streamlit"
    folder.mkdir()
    for text, way in (("[auth", "open"), ("[other]", "open"), ("[auth]", "streamlit")):
        (folder / "secrets.toml").write_text(text)
        assert way_in(load_settings()) == way
    check_exposure("0.0.0.0", load_settings())
    (folder / "secrets.toml").unlink()
    with pytest.raises(OpenToEveryone):
        check_exposure("0.0.0.0", load_settings())
    monkeypatch.setenv("LABAN_TOKEN", "correct-horse")
    check_exposure("0.0.0.0", load_settings())
    assert way_in(load_settings()) == "token"


def test_only_the_token_lets_in() -> None:
    settings = load_settings(token="correct-horse")
    assert all(lets_in(given, settings) for given in ("correct-horse", " correct-horse "))
    assert not any(lets_in(given, settings) for given in ("", "wrong", "correct-hors", "correct-horse-"))


def test_a_login_that_a_browser_keeps_ends_by_log_out_and_after_hours() -> None:
    now = [0.0]
    grants = Grants(lambda: now[0])
    kept, other = grants.give(), grants.give()
    assert kept != other
    assert all(map(grants.holds, (kept, other)))
    assert not grants.holds("")
    grants.take_back(kept)
    assert not grants.holds(kept)
    now[0] = GRANTED_S
    assert not grants.holds(other)


def test_without_a_token_nothing_is_the_token(without_settings: Path) -> None:
    assert not lets_in("", load_settings())


def test_sources_to_compare_with_have_names_and_exist(tmp_path: Path) -> None:
    file = tmp_path / "before.duckdb"
    file.touch()
    found = named_sources([f"before={file}", "staging=https://collector.example:4320"])
    assert found == {"before": str(file), "staging": "https://collector.example:4320"}
    for wrong in ("before", "=x", "before=", f"before={file}.gone"):
        with pytest.raises(BadSource, match="--beside"):
            named_sources([wrong])


def test_only_host_names_of_this_machine_are_allowed() -> None:
    command = streamlit_command("127.0.0.1", 8501)
    assert "--server.address=127.0.0.1" in command
    allowed = {part.partition("=")[2] for part in command if part.startswith("--server.allowedHosts=")}
    assert allowed == {"127.0.0.1", "localhost", "[::1]"}
