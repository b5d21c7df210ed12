"""The effect of faults on the work of a service."""

import subprocess
import sys
import threading
import time

import pytest

from laban_samples.faults.active_faults import CRASH_STATUS, ActiveFaults, FaultInjected
from laban_samples.faults.parsing import FaultName, parse_faults


def outcomes(state: ActiveFaults, times: int) -> list[bool]:
    """Apply the faults several times; return which attempts failed."""
    failed: list[bool] = []
    for _ in range(times):
        try:
            state.apply()
        except FaultInjected:
            failed.append(True)
        else:
            failed.append(False)
    return failed


def test_without_faults_work_is_unchanged() -> None:
    assert not any(outcomes(ActiveFaults(), 100))


def test_errors_have_the_configured_ratio_and_depend_on_the_seed() -> None:
    first = outcomes(ActiveFaults(parse_faults("errors=0.3"), seed=5), 1000)
    assert first == outcomes(ActiveFaults(parse_faults("errors=0.3"), seed=5), 1000)
    assert first != outcomes(ActiveFaults(parse_faults("errors=0.3"), seed=6), 1000)
    assert 250 < sum(first) < 350


def test_latency_delays_the_work() -> None:
    state = ActiveFaults(parse_faults("latency=50ms"))
    start = time.monotonic()
    state.apply()
    assert time.monotonic() - start >= 0.05


def test_a_timeout_blocks_the_work_until_the_fault_is_removed() -> None:
    state = ActiveFaults(parse_faults("timeout"))
    outcome: list[bool] = []
    worker = threading.Thread(target=lambda: outcome.extend(outcomes(state, 1)))
    worker.start()
    worker.join(timeout=0.05)
    assert worker.is_alive()
    state.replace([])
    worker.join(timeout=10)
    assert outcome == [True]


def test_a_stopping_service_unblocks_work() -> None:
    state = ActiveFaults(parse_faults("timeout,latency=1000s"))
    worker = threading.Thread(target=outcomes, args=(state, 1))
    worker.start()
    state.release()
    worker.join(timeout=10)
    assert not worker.is_alive()


def test_a_crash_ends_the_process_with_its_own_exit_status() -> None:
    code = (
        "from laban_samples.faults.active_faults import ActiveFaults\n"
        "from laban_samples.faults.parsing import parse_faults\n"
        "state = ActiveFaults(parse_faults('crash'))\n"
        "print('alive', flush=True)\n"
        "state.apply()\n"
        "print('never', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (CRASH_STATUS, "alive\n")


def test_poison_applies_to_the_configured_number_of_events() -> None:
    state = ActiveFaults(parse_faults("poison=2"))
    assert [state.take_poison() for _ in range(4)] == [True, True, False, False]
    state.replace(parse_faults("poison=1"))
    assert [state.take_poison() for _ in range(2)] == [True, False]


def test_replacing_faults_removes_the_old_ones() -> None:
    state = ActiveFaults(parse_faults("errors=1,stop-consumer"))
    state.replace(parse_faults("duplicate=1"))
    assert [fault.name for fault in state.active] == [FaultName.DUPLICATE]
    assert state.should_duplicate()
    assert not state.has(FaultName.STOP_CONSUMER)


@pytest.mark.parametrize("ratio", ["0", "0.0"])
def test_a_ratio_of_zero_has_no_effect(ratio: str) -> None:
    assert not any(outcomes(ActiveFaults(parse_faults(f"errors={ratio}")), 100))
