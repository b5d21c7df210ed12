"""Child processes are started, monitored and stopped in order; none is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from laban_samples.errors import ProcessFailed
from laban_samples.processes import orphan_cleanup
from laban_samples.processes.exit_monitor import ExitMonitor
from laban_samples.processes.supervisor import ProcessSupervisor

TIMEOUT_S = 20
# Prints when it is up, and records when it gets SIGTERM.
STOPS_ON_SIGTERM = (
    "import signal, sys, time\n"
    "def stop(*_):\n"
    "    open(sys.argv[1], 'a').write(sys.argv[2] + '\\n')\n"
    "    sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, stop)\n"
    "print('up', flush=True)\n"
    "signal.pause()\n"
)
IGNORES_SIGTERM = (
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
    # A zombie, which its new parent has not reaped yet, is not alive.
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} still exists"
        time.sleep(0.02)


def test_processes_stop_in_stages_from_the_last_to_the_first(tmp_path: Path) -> None:
    order = tmp_path / "order"
    with ProcessSupervisor(tmp_path / "logs") as supervisor:
        started = [
            supervisor.start(name, python(STOPS_ON_SIGTERM, str(order), name), stage)
            for stage, name in enumerate(("broker", "collector", "service"))
        ]
        supervisor.wait_until(
            lambda: all(process.tail().strip() == "up" for process in started), TIMEOUT_S, "up"
        )
        supervisor.stop(2)
        assert order.read_text().split() == ["service"]
        assert [process.ended for process in started] == [False, False, True]
    assert order.read_text().split() == ["service", "collector", "broker"]


def test_a_process_that_ends_is_named_with_its_last_output(tmp_path: Path) -> None:
    with ProcessSupervisor(tmp_path) as supervisor:
        supervisor.start("payment", python("import sys; sys.exit('out of money')"), 0)
        with pytest.raises(ProcessFailed, match=r"payment ended with status 1\.[^$]*out of money"):
            supervisor.wait_until(lambda: False, TIMEOUT_S, "never")


def test_an_end_that_was_asked_for_is_no_failure(tmp_path: Path) -> None:
    with ProcessSupervisor(tmp_path) as supervisor:
        crashed = supervisor.start("payment", python("raise SystemExit(70)"), 0, wanted_status=70)
        supervisor.wait_until(lambda: crashed.ended, TIMEOUT_S, "never")
        supervisor.check()
        failed = supervisor.start("order", python("raise SystemExit(1)"), 0, wanted_status=70)
        with pytest.raises(ProcessFailed, match="order ended with status 1"):
            supervisor.wait_until(lambda: False, TIMEOUT_S, "never")
    assert (crashed.failed, failed.failed) == (False, True)


def test_a_process_that_ended_can_be_forgotten_and_started_again(tmp_path: Path) -> None:
    with ProcessSupervisor(tmp_path) as supervisor:
        supervisor.start("payment", python("pass"), 0).popen.wait()
        assert [process.name for process in supervisor.forget_ended()] == ["payment"]
        supervisor.start("payment", python("import time; time.sleep(1000)"), 0)
        supervisor.check()


def test_a_timeout_is_an_error(tmp_path: Path) -> None:
    with (
        ProcessSupervisor(tmp_path) as supervisor,
        pytest.raises(ProcessFailed, match=r"not ready after 0\.1 s"),
    ):
        supervisor.wait_until(lambda: False, 0.1, "it is not ready")


def test_a_missing_program_is_an_error(tmp_path: Path) -> None:
    with (
        ProcessSupervisor(tmp_path) as supervisor,
        pytest.raises(ProcessFailed, match="broker could not be started"),
    ):
        supervisor.start("broker", [str(tmp_path / "no-such-program")], 0)


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laban_samples.processes.supervisor.STOP_TIMEOUT_S", 0.2)
    with ProcessSupervisor(tmp_path) as supervisor:
        process = supervisor.start("stubborn", python(IGNORES_SIGTERM), 0)
        supervisor.wait_until(lambda: process.tail().strip() == "up", TIMEOUT_S, "up")
        supervisor.stop()
    assert process.popen.returncode == -signal.SIGKILL
    assert "killed: did not stop" in process.log.read_text()


def test_an_error_in_the_block_stops_all_processes(tmp_path: Path) -> None:
    supervisor = ProcessSupervisor(tmp_path)
    process = supervisor.start("sleeper", python("import time; time.sleep(1000)"), 0)
    with pytest.raises(RuntimeError, match="boom"), supervisor:
        raise RuntimeError("boom")
    assert process.ended


def test_processes_of_a_killed_parent_are_terminated(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from laban_samples.processes.supervisor import ProcessSupervisor\n"
        "supervisor = ProcessSupervisor(Path(sys.argv[1]))\n"
        "process = supervisor.start('sleeper', [sys.executable, '-c', 'import time; time.sleep(1000)'], 0)\n"
        "print(process.popen.pid, flush=True)\n"
        "time.sleep(1000)\n"
    )
    with subprocess.Popen(python(code, str(tmp_path)), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
        parent.wait()
    wait_until_gone(pid)


def test_the_cleanup_keeps_track_of_ended_groups() -> None:
    assert orphan_cleanup.remaining_groups(["+10\n", "+11\n", "-10\n", "\n"]) == {11}


def test_the_cleanup_kills_a_group_that_ignores_sigterm(tmp_path: Path) -> None:
    with subprocess.Popen(
        python(IGNORES_SIGTERM), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        orphan_cleanup.terminate({process.pid}, grace=0.1)
        assert process.wait(TIMEOUT_S) == -signal.SIGKILL


def test_the_exit_monitor_reports_each_ended_process_once(tmp_path: Path) -> None:
    ended: list[str] = []
    with ProcessSupervisor(tmp_path) as supervisor:
        supervisor.start("stays", python("import time; time.sleep(1000)"), 0)
        supervisor.start("goes", python("pass"), 0)
        with ExitMonitor(supervisor, lambda process: ended.append(process.name)):
            deadline = time.monotonic() + TIMEOUT_S
            while not ended and time.monotonic() < deadline:
                time.sleep(0.02)
    assert ended == ["goes"]
