"""No secret in a list of processes, a log line, an error or the text form of the settings."""

import logging
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from laban_app.server.log_format import PrintableFormatter
from laban_collector import secret_values
from laban_collector.errors import BadSettings
from laban_collector.lag.brokers import _reason  # pyright: ignore[reportPrivateUsage] # it reads foreign texts
from laban_collector.lag.security import client_options
from laban_collector.secret_values import remember, without_secrets
from laban_collector.settings import load_settings

SECRET = "s3cret w/ord"
TOKEN = "t0ken-of-this-test"


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_values, "_known", {})


def test_secrets_of_settings_and_files_are_hidden_in_logs_and_tracebacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("from-a-file\n", encoding="utf-8")
    monkeypatch.setenv("LABAN_TOKEN", TOKEN)
    monkeypatch.setenv("LABAN_KAFKA__PROD__BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("LABAN_KAFKA__PROD__SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("LABAN_KAFKA__PROD__SASL_MECHANISM", "PLAIN")
    monkeypatch.setenv("LABAN_KAFKA__PROD__SASL_PLAIN_USERNAME", "laban")
    monkeypatch.setenv("LABAN_KAFKA__PROD__SASL_PLAIN_PASSWORD", SECRET)
    monkeypatch.setenv("LABAN_KAFKA__TEST__BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("LABAN_KAFKA__TEST__SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("LABAN_KAFKA__TEST__SASL_MECHANISM", "PLAIN")
    monkeypatch.setenv("LABAN_KAFKA__TEST__SASL_PLAIN_USERNAME", "laban")
    monkeypatch.setenv("LABAN_KAFKA__TEST__SASL_PLAIN_PASSWORD_FILE", str(file))
    settings = load_settings()
    client_options(settings.kafka_clusters["test"])
    said = f"refused {SECRET}, from-a-file, s3cret%20w%2Ford and Bearer {TOKEN}"
    error = ValueError(said)
    record = logging.LogRecord("kafka", logging.ERROR, "", 0, said, None, (ValueError, error, None))
    line = PrintableFormatter().format(record)
    shown = "refused [hidden], [hidden], [hidden] and Bearer [hidden]"
    assert line.count(shown) == 2
    assert _reason(Exception(said)) == shown
    for text in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.kafka_clusters)):
        assert not any(secret in text for secret in (SECRET, TOKEN, "from-a-file"))


def test_a_refused_setting_does_not_show_the_secrets_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABAN_TOKEN", "sh0rt")
    monkeypatch.setenv("LABAN_KAFKA__PROD__SASL_PLAIN_PASSWORD", SECRET)
    with pytest.raises(BadSettings) as refused:
        load_settings()
    text = "".join(traceback.format_exception(refused.value))
    assert "sh0rt" not in text
    assert SECRET not in text


def test_short_values_are_not_hidden_and_old_ones_are_forgotten() -> None:
    remember("abc")
    for number in range(200):
        remember(f"token {number}")
    assert without_secrets("abc token 0 token 199") == "abc token 0 [hidden]"


_SHOWS_ITS_ARGUMENTS = """
import sys
from pathlib import Path
from laban_app.cli.hidden_arguments import hide_secret_arguments
hide_secret_arguments(sys.argv)
print(Path("/proc/self/cmdline").read_bytes().decode().replace("\\0", " "))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("form", [["--token", TOKEN], [f"--token={TOKEN}"]])
def test_a_token_of_the_command_line_is_hidden_in_the_list_of_processes(form: list[str]) -> None:
    command = [sys.executable, "-c", _SHOWS_ITS_ARGUMENTS, "status", *form, "--json"]
    shown = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert TOKEN not in shown
    assert "*" * len(TOKEN) in shown
    assert shown.rstrip().endswith("--json")
