"""The consumer groups that the demo waits for."""

from laban_samples.demo.consumer_catch_up import SUBSCRIPTIONS, groups_able_to_catch_up
from laban_samples.faults.parsing import parse_service_fault


def test_without_faults_the_demo_waits_for_all_groups() -> None:
    assert groups_able_to_catch_up([]) == set(SUBSCRIPTIONS)


def test_the_demo_does_not_wait_for_a_group_that_cannot_catch_up() -> None:
    faults = [
        parse_service_fault(text)
        for text in ("email:stop-consumer", "payment:timeout", "analytics:crash", "order:errors=1")
    ]
    assert groups_able_to_catch_up(faults) == {"inventory", "order"}
