"""Processes: started, watched, stopped in order, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from laban_samples import reaper
from laban_samples.errors import PartFailed
from laban_samples.processes import Parts
from laban_samples.watch import Watch

TIMEOUT_S = 20
# Says when it is up, and when it was asked to stop.
OBEDIENT = (
    "import signal, sys, time\n"
    "def stop(*_):\n"
    "    open(sys.argv[1], 'a').write(sys.argv[2] + '\\n')\n"
    "    sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, stop)\n"
    "print('up', flush=True)\n"
    "signal.pause()\n"
)
STUBBORN = (
    "import signal\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('up', flush=True)\n"
    "while True: signal.pause()\n"
)


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie, whose new parent has not looked after it yet, is not alive either.
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.02)


def test_parts_stop_in_stages_the_last_one_first(tmp_path: Path) -> None:
    order = tmp_path / "order"
    with Parts(tmp_path / "logs") as parts:
        started = [
            parts.start(name, python(OBEDIENT, str(order), name), stage)
            for stage, name in enumerate(("broker", "collector", "service"))
        ]
        parts.wait_until(lambda: all(part.tail().strip() == "up" for part in started), TIMEOUT_S, "up")
        parts.stop(2)
        assert order.read_text().split() == ["service"]
        assert [part.ended for part in started] == [False, False, True]
    assert order.read_text().split() == ["service", "collector", "broker"]


def test_a_part_that_ends_by_itself_is_named_with_its_last_words(tmp_path: Path) -> None:
    with Parts(tmp_path) as parts:
        parts.start("payment", python("import sys; sys.exit('out of money')"), 0)
        with pytest.raises(PartFailed, match=r"payment ended with status 1\.[^$]*out of money"):
            parts.wait_until(lambda: False, TIMEOUT_S, "never")


def test_what_does_not_come_to_be_in_time_is_an_error(tmp_path: Path) -> None:
    with Parts(tmp_path) as parts, pytest.raises(PartFailed, match=r"not ready after 0\.1 s"):
        parts.wait_until(lambda: False, 0.1, "it is not ready")


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with Parts(tmp_path) as parts, pytest.raises(PartFailed, match="broker could not be started"):
        parts.start("broker", [str(tmp_path / "no-such-program")], 0)


def test_a_part_that_does_not_want_to_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laban_samples.processes.STOP_TIMEOUT_S", 0.2)
    with Parts(tmp_path) as parts:
        part = parts.start("stubborn", python(STUBBORN), 0)
        parts.wait_until(lambda: part.tail().strip() == "up", TIMEOUT_S, "up")
        parts.stop()
    assert part.process.returncode == -signal.SIGKILL
    assert "killed: it did not stop" in part.log.read_text()


def test_an_error_in_the_block_stops_all_parts(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    part = parts.start("sleeper", python("import time; time.sleep(1000)"), 0)
    with pytest.raises(RuntimeError, match="boom"), parts:
        raise RuntimeError("boom")
    assert part.ended


def test_parts_of_a_killed_parent_are_ended(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from laban_samples.processes import Parts\n"
        "parts = Parts(Path(sys.argv[1]))\n"
        "part = parts.start('sleeper', [sys.executable, '-c', 'import time; time.sleep(1000)'], 0)\n"
        "print(part.process.pid, flush=True)\n"
        "time.sleep(1000)\n"
    )
    with subprocess.Popen(python(code, str(tmp_path)), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
        parent.wait()
    wait_until_gone(pid)


def test_the_reaper_knows_what_has_ended() -> None:
    assert reaper.follow(["+10\n", "+11\n", "-10\n", "\n"]) == {11}


def test_the_reaper_kills_what_does_not_want_to_end(tmp_path: Path) -> None:
    with subprocess.Popen(
        python(STUBBORN), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        reaper.end({process.pid}, grace=0.1)
        assert process.wait(TIMEOUT_S) == -signal.SIGKILL


def test_the_watch_tells_once_of_each_part_that_ends(tmp_path: Path) -> None:
    ended: list[str] = []
    with Parts(tmp_path) as parts:
        parts.start("stays", python("import time; time.sleep(1000)"), 0)
        parts.start("goes", python("pass"), 0)
        with Watch(parts, lambda part: ended.append(part.name)):
            deadline = time.monotonic() + TIMEOUT_S
            while not ended and time.monotonic() < deadline:
                time.sleep(0.02)
    assert ended == ["goes"]
