"""Shell completion of `laban`, by the protocol of each shell, and in a real bash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from laban.commands import command_names

from ...serving import laban

LABAN = Path(sys.executable).with_name("laban")
SHELLS = ["bash", "zsh", "fish"]


def variables(shell: str, line: str) -> dict[str, str]:
    """The environment in which a shell asks for the completions of a command line."""
    match shell:
        case "bash":
            request = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
        case "zsh":
            request = {"_TYPER_COMPLETE_ARGS": line}
        case _:
            request = {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    return request | {"_LABAN_COMPLETE": f"complete_{shell}"}


def completions(shell: str, line: str) -> str:
    """The output of laban when a shell asks for the completions of a command line."""
    done = laban(environment=variables(shell, line))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_command_names_are_completed(shell: str) -> None:
    assert "status" in completions(shell, "laban st")
    assert "story" in completions(shell, "laban st")
    assert "serve" not in completions(shell, "laban st")


@pytest.mark.parametrize("shell", SHELLS)
def test_options_of_a_command_are_completed(shell: str) -> None:
    assert "--since" in completions(shell, "laban order 1001 --s")
    assert "--json" not in completions(shell, "laban order 1001 --s")


@pytest.mark.parametrize(
    ("command", "option"), [("run", "--service"), ("demo", "--fault"), ("dashboard", "--port")]
)
def test_options_of_a_command_of_each_package_are_completed(command: str, option: str) -> None:
    assert completions("bash", f"laban {command} {option[:4]}").split() == [option]


def test_without_a_prefix_all_commands_are_offered() -> None:
    assert completions("bash", "laban ").split() == command_names()


def test_options_of_laban_itself_are_completed() -> None:
    offered = completions("bash", "laban --").split()
    assert offered == ["--version", "--install-completion", "--show-completion", "--help"]


def in_bash(script: str, home: Path) -> str:
    """The output of a script in a bash that has laban on its PATH."""
    bash = shutil.which("bash")
    assert bash is not None
    path = f"{LABAN.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "--norc", "-c", script],
        env=os.environ | {"PATH": path, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_bash_completes_with_the_script_that_laban_shows(tmp_path: Path) -> None:
    script = """
        eval "$(laban --show-completion)"
        COMP_WORDS=(laban expo) COMP_CWORD=1
        _laban_completion laban
        echo "${COMPREPLY[@]}"
    """
    assert in_bash(script, tmp_path) == "export\n"


def test_installed_completion_is_read_by_the_next_bash(tmp_path: Path) -> None:
    assert "completion installed" in in_bash("laban --install-completion; true", tmp_path)
    script = """
        source ~/.bashrc
        complete -p laban
    """
    assert in_bash(script, tmp_path) == "complete -o default -F _laban_completion laban\n"
