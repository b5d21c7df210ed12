"""Which consumers the demo waits for."""

from laban_samples.catch_up import SUBSCRIPTIONS, patient_groups
from laban_samples.faults import parse_service_fault


def test_without_faults_all_groups_are_waited_for() -> None:
    assert patient_groups([]) == set(SUBSCRIPTIONS)


def test_a_group_that_cannot_catch_up_is_not_waited_for() -> None:
    faults = [
        parse_service_fault(text) for text in ("email:stop-consumer", "payment:timeout", "order:errors=1")
    ]
    assert patient_groups(faults) == {"inventory", "analytics", "order"}
