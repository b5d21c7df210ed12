"""L022: a consumer group that does not move while messages wait."""

from collections.abc import Iterator

from laban_mapper.findings.evidence import messages, proofs
from laban_mapper.findings.facts import Found, Rule, System
from laban_mapper.lag import how_it_stands
from laban_mapper.model import STANDS, GroupLag, GroupState
from laban_mapper.names import counted, listed
from laban_mapper.times import format_duration


def _find(system: System) -> Iterator[Found]:
    for group in system.lag.groups:
        standing = [one for one in group.topics if one.status in STANDS and one.messages]
        if not standing:
            continue
        topics = list(dict.fromkeys(one.topic for one in standing))
        waiting = sum(one.messages or 0 for one in group.topics if one.topic in topics)
        ages = [one.seconds for one in standing if one.seconds is not None]
        numbers: dict[str, float] = {"messages": waiting, "partitions": len(standing)}
        age = ""
        if ages:
            numbers["seconds"] = max(ages)
            age = f", the oldest for {format_duration(max(ages) * 1000)}"
        wait = "waits" if waiting == 1 else "wait"
        yield Found(
            place=f"group {group.group}",
            sentence=f"{group.group} {how_it_stands(group.status, group.members, group.topics)}; "
            f"{counted(waiting, 'message')} of {listed(topics)} {wait}{age}",
            numbers=numbers,
            traces=proofs(
                sent.trace for sent in messages(system) if _waits(sent.published.message.groups, group)
            ),
        )


def _waits(states: list[GroupState], group: GroupLag) -> bool:
    return any(state.group == group.group and state.state == "waiting" for state in states)


RULE = Rule(
    code="L022",
    name="group-stopped",
    severity="error",
    why="Nobody sees an error: the messages simply wait, and what should follow from them does not happen.",
    advice="`laban lag --waiting` says what takes the consumer long. Look at its log and its newest slow or "
    "failed span; restart it if it hangs.",
    find=_find,
    compares="The newest poll of the lag: groups with messages that wait whose status is STOP or STALL.",
    example="mail has no members and commits nothing; 14 messages of orders wait, the oldest for 2.0 min",
)
