"""What the faults do to the work of a service."""

import subprocess
import sys
import threading
import time

import pytest

from laban_samples.fault_state import CRASH_STATUS, FaultInjected, FaultState
from laban_samples.faults import FaultName, parse_faults


def strikes(state: FaultState, times: int) -> list[bool]:
    """Whether each of so many units of work failed."""
    failed: list[bool] = []
    for _ in range(times):
        try:
            state.strike()
        except FaultInjected:
            failed.append(True)
        else:
            failed.append(False)
    return failed


def test_without_faults_nothing_happens() -> None:
    assert not any(strikes(FaultState(), 100))


def test_errors_hit_their_share_and_the_same_work_with_the_same_seed() -> None:
    first = strikes(FaultState(parse_faults("errors=0.3"), seed=5), 1000)
    assert first == strikes(FaultState(parse_faults("errors=0.3"), seed=5), 1000)
    assert first != strikes(FaultState(parse_faults("errors=0.3"), seed=6), 1000)
    assert 250 < sum(first) < 350


def test_latency_makes_the_work_take_longer() -> None:
    state = FaultState(parse_faults("latency=50ms"))
    start = time.monotonic()
    state.strike()
    assert time.monotonic() - start >= 0.05


def test_a_time_out_holds_the_work_until_the_fault_is_cleared() -> None:
    state = FaultState(parse_faults("timeout"))
    outcome: list[bool] = []
    worker = threading.Thread(target=lambda: outcome.extend(strikes(state, 1)))
    worker.start()
    worker.join(timeout=0.05)
    assert worker.is_alive()
    state.replace([])
    worker.join(timeout=10)
    assert outcome == [True]


def test_a_stopping_service_lets_held_work_go() -> None:
    state = FaultState(parse_faults("timeout,latency=1000s"))
    worker = threading.Thread(target=strikes, args=(state, 1))
    worker.start()
    state.release()
    worker.join(timeout=10)
    assert not worker.is_alive()


def test_a_crash_ends_the_process_at_the_next_work_with_its_own_status() -> None:
    code = (
        "from laban_samples.fault_state import FaultState\n"
        "from laban_samples.faults import parse_faults\n"
        "state = FaultState(parse_faults('crash'))\n"
        "print('alive', flush=True)\n"
        "state.strike()\n"
        "print('never', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (CRASH_STATUS, "alive\n")


def test_so_many_events_are_poisoned_as_the_fault_counts() -> None:
    state = FaultState(parse_faults("poison=2"))
    assert [state.draws_poison() for _ in range(4)] == [True, True, False, False]
    state.replace(parse_faults("poison=1"))
    assert [state.draws_poison() for _ in range(2)] == [True, False]


def test_faults_are_replaced_as_a_whole() -> None:
    state = FaultState(parse_faults("errors=1,stop-consumer"))
    state.replace(parse_faults("duplicate=1"))
    assert [fault.name for fault in state.active] == [FaultName.DUPLICATE]
    assert state.draws_duplicate()
    assert not state.has(FaultName.STOP_CONSUMER)


@pytest.mark.parametrize("share", ["0", "0.0"])
def test_a_share_of_nothing_hits_nothing(share: str) -> None:
    assert not any(strikes(FaultState(parse_faults(f"errors={share}")), 100))
