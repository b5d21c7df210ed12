"""The demo as a user starts it: everything real, traced, and nothing left behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from laban_samples.demo import FOREIGN_PREFIX, DemoOptions, run_demo
from laban_samples.faults import parse_service_fault


def processes_of(folder: Path) -> Iterator[str]:
    """The command lines of the processes that have a file in the folder of a run open."""
    if not Path("/proc").is_dir():
        pytest.skip("sees other processes through /proc, which only Linux has")
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                said = (process / "cmdline").read_bytes()
                opened = [str(link.readlink()) for link in (process / "fd").iterdir()]
            except OSError:
                continue  # it has ended meanwhile, or is somebody else's
            if any(name.startswith(str(folder)) for name in opened):
                yield said.replace(b"\0", b" ").decode()


def test_a_crashed_part_is_named_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = (parse_service_fault("payment:crash"),)
    options = DemoOptions(orders=3, faults=faults, once=True, json_output=True, run_dir=tmp_path)
    assert run_demo(options) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "laban demo: payment ended with status 70" in err
    assert not list(processes_of(tmp_path))


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_demo(DemoOptions(kafka="127.0.0.1:9", once=True, run_dir=tmp_path)) == 1
    assert "No Kafka broker answers at 127.0.0.1:9" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_without_end_stops_cleanly_when_told_to(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from laban_samples.demo import DemoOptions, run_demo\n"
        "options = DemoOptions(style='monolith', orders=1, run_dir=Path(sys.argv[1]), dashboard=False)\n"
        "sys.exit(run_demo(options))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stderr is not None
        said = ""
        for line in demo.stderr:
            said += line
            if line.startswith("now "):
                break
        assert list(processes_of(tmp_path))
        demo.send_signal(number)
        rest = demo.stderr.read()
        assert demo.wait() == 0, rest
    assert re.search(r"order 1001( --url http://127\.0\.0\.1:\d+)?\n", said)
    assert rest.endswith("stopping …\nstopped\n")
    assert not list(processes_of(tmp_path))


def test_topics_in_a_cluster_of_others_have_a_prefix() -> None:
    ours, others = DemoOptions(), DemoOptions(kafka="kafka:9092")
    assert (ours.prefix(ours.topic_prefix), others.prefix(others.topic_prefix)) == ("", FOREIGN_PREFIX)
    assert DemoOptions(kafka="kafka:9092", topic_prefix="").prefix("") == ""
