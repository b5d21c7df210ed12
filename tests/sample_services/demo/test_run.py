"""The demo with real, traced processes; it leaves no process behind."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from laban_samples.demo.run import OWN_CLUSTER_PREFIX, DemoOptions, run_demo
from laban_samples.faults.parsing import parse_service_fault


def processes_of(folder: Path) -> Iterator[str]:
    """Return the command lines of the processes with an open file in the folder of the run."""
    if not Path("/proc").is_dir():
        pytest.skip("needs /proc, which only Linux has")
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                command = (process / "cmdline").read_bytes()
                opened = [str(link.readlink()) for link in (process / "fd").iterdir()]
            except OSError:
                continue  # the process has ended or belongs to another user
            if any(name.startswith(str(folder)) for name in opened):
                yield command.replace(b"\0", b" ").decode()


def crashing_demo(folder: Path) -> int:
    faults = (parse_service_fault("payment:crash"),)
    return run_demo(DemoOptions(orders=3, faults=faults, once=True, json_output=True, run_dir=folder))


def test_a_crashed_process_is_named_and_no_process_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laban_samples.demo.shop_processes.CRASH_STATUS", None)  # as if nobody wanted it
    assert crashing_demo(tmp_path) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "laban demo: payment ended with status 70" in err
    assert not list(processes_of(tmp_path))


def test_a_demo_whose_fault_crashes_a_service_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert crashing_demo(tmp_path) == 0
    out, err = capsys.readouterr()
    assert "payment has crashed, as its fault wants" in err
    summary = json.loads(out)
    assert len(summary["orders"]) == 3
    assert [(row["group"], row["topic"], row["messages"]) for row in summary["left"]] == [
        ("payment", "orders", 3)
    ]


def test_an_unreachable_cluster_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_demo(DemoOptions(kafka="127.0.0.1:9", once=True, run_dir=tmp_path)) == 1
    assert "No Kafka broker responds at 127.0.0.1:9" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_continuous_demo_stops_cleanly_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from laban_samples.demo.run import DemoOptions, run_demo\n"
        "options = DemoOptions(style='monolith', orders=1, run_dir=Path(sys.argv[1]), dashboard=False)\n"
        "sys.exit(run_demo(options))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stderr is not None
        output = ""
        for line in demo.stderr:
            output += line
            if line.startswith("now "):
                break
        assert list(processes_of(tmp_path))
        demo.send_signal(number)
        rest = demo.stderr.read()
        assert demo.wait() == 0, rest
    assert re.search(r"order 1001( --url http://127\.0\.0\.1:\d+)?\n", output)
    assert rest.endswith("stopping …\nstopped\n")
    assert not list(processes_of(tmp_path))


def test_topics_in_the_users_own_cluster_have_a_prefix() -> None:
    ours, others = DemoOptions(), DemoOptions(kafka="kafka:9092")
    assert (ours.prefix(ours.topic_prefix), others.prefix(others.topic_prefix)) == ("", OWN_CLUSTER_PREFIX)
    assert DemoOptions(kafka="kafka:9092", topic_prefix="").prefix("") == ""
