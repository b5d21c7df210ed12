"""The rules, one file each. A new rule needs a line in each of the two lists."""

from types import ModuleType
from typing import Final

from laban_mapper.findings import (
    async_candidate,
    broken_traces,
    cascading_failure,
    chatty_calls,
    circuit_breaker,
    cycle,
    dead_letters,
    deep_sync_chain,
    distributed_monolith,
    duplicates,
    group_stopped,
    latency_objective,
    longer_timeout,
    lost_context,
    message_details,
    missing_consumer,
    new_version_fails,
    no_timeout,
    out_of_order,
    poison_messages,
    queue_objective,
    retry_storm,
    several_versions,
    single_point_of_failure,
    skewed_partitions,
    sync_call_in_consumer,
    topic_without_consumer,
    topic_without_producer,
)
from laban_mapper.findings.facts import Rule

_FILES: Final[tuple[ModuleType, ...]] = (
    async_candidate,
    broken_traces,
    cascading_failure,
    chatty_calls,
    circuit_breaker,
    cycle,
    dead_letters,
    deep_sync_chain,
    distributed_monolith,
    duplicates,
    group_stopped,
    latency_objective,
    longer_timeout,
    lost_context,
    message_details,
    missing_consumer,
    new_version_fails,
    no_timeout,
    out_of_order,
    poison_messages,
    queue_objective,
    retry_storm,
    several_versions,
    single_point_of_failure,
    skewed_partitions,
    sync_call_in_consumer,
    topic_without_consumer,
    topic_without_producer,
)

RULES: Final[tuple[Rule, ...]] = tuple(sorted((file.RULE for file in _FILES), key=lambda rule: rule.code))


def rule_of(name: str) -> Rule | None:
    """The rule with a code or a name, in any case; None if there is none."""
    wanted = name.strip().lower()
    return next((rule for rule in RULES if wanted in {rule.code.lower(), rule.name}), None)
