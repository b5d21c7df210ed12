"""`laban run` and `laban --version`."""

import subprocess
import sys
from pathlib import Path

import pytest

from .processes import LABAN, environment

CONSOLE = {"OTEL_TRACES_EXPORTER": "console"}


def laban(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LABAN), *arguments],
        capture_output=True,
        text=True,
        env=environment(extra),
        timeout=60,
        check=False,
    )


def test_version_prints_the_version() -> None:
    done = laban("--version")
    assert (done.returncode, done.stdout) == (0, "laban 0.1.0\n")


def test_help_shows_how_to_run() -> None:
    done = laban("run", "--help")
    assert done.returncode == 0
    assert "laban run --service order -- python -m shop.order" in done.stdout


@pytest.mark.parametrize("arguments", [["run"], ["run", "--"], ["run", "--service", "x", "--"]])
def test_a_missing_command_is_a_usage_error(arguments: list[str]) -> None:
    done = laban(*arguments)
    assert done.returncode == 2
    assert "no command given" in done.stderr


def test_the_error_for_an_unknown_program_names_it() -> None:
    done = laban("run", "--", "no-such-program")
    assert done.returncode == 127
    assert done.stderr == "laban run: no-such-program: no such program on PATH\n"


def test_the_error_for_a_file_that_cannot_be_run_names_it(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    done = laban("run", "--", str(script))
    assert (done.returncode, "cannot be run" in done.stderr) == (126, True)


def test_the_command_gets_its_arguments_and_its_exit_code_is_kept() -> None:
    program = "import sys; print(sys.argv[1:]); sys.exit(5)"
    done = laban("run", "--", "python", "-c", program, "--service", "x", "--")
    assert (done.returncode, done.stdout) == (5, "['--service', 'x', '--']\n")


def test_the_python_that_laban_is_installed_in_runs() -> None:
    done = laban("run", "--", "python", "-c", "import sys; print(sys.executable)", PATH="/usr/bin:/bin")
    assert Path(done.stdout.strip()).parent == Path(sys.executable).parent


def test_options_set_variables_and_win_over_them() -> None:
    program = "import os; print(os.environ['OTEL_SERVICE_NAME'], os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'])"
    options = ["--service", "order", "--endpoint", "http://127.0.0.1:9"]
    done = laban("run", *options, "--", "python", "-c", program, OTEL_SERVICE_NAME="other")
    assert done.stdout == "order http://127.0.0.1:9\n"


def test_the_users_pythonpath_is_kept() -> None:
    done = laban("run", "--", "python", "-c", "import sys; print(sys.path)", PYTHONPATH="/somewhere")
    assert "/somewhere" in done.stdout
    assert "''" in done.stdout.split("/somewhere")[0]  # set by -c, as without laban


def test_a_malformed_rule_is_logged_and_the_program_runs() -> None:
    done = laban("run", "--", "python", "-c", "print('on')", LABAN_KEYS="order.id=nowhere", **CONSOLE)
    assert (done.returncode, done.stdout) == (0, "on\n")
    assert "LABAN_KEYS: 'order.id=nowhere'" in done.stderr
