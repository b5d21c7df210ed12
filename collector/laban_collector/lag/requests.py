"""The requests of a poll and what their responses say, as plain values. No I/O.

Each response has an error code for each group, topic or partition; here, an error becomes a `Problem`. No
request creates a topic, joins a group or commits.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from kafka.errors import (
    AuthorizationError,
    LeaderNotAvailableError,
    NoError,
    NotLeaderForPartitionError,
    ReplicaNotAvailableError,
    UnknownTopicOrPartitionError,
    for_code,
)
from kafka.protocol.admin import DescribeGroupsRequest, ListGroupsRequest
from kafka.protocol.consumer import FetchRequest, ListOffsetsRequest, OffsetFetchRequest
from kafka.protocol.metadata import MetadataRequest

from laban_collector.lag.evaluation import Partition, Problem
from laban_collector.lag.filters import NameFilter

NOT_AUTHORISED: Final = "not authorised"
NO_LEADER: Final = "no leader"
NO_ANSWER: Final = "broker does not answer"

# The protocol types of consumer groups, of Kafka Streams, and of groups that only commit ("").
_CONSUMER_PROTOCOLS: Final = ("consumer", "streams", "")
_WITHOUT_MEMBERS: Final = ("Empty", "Dead")
_FIRST_BATCHED: Final = 8
"""The first version of OffsetFetch that asks for several groups."""
_GROUPS_PER_REQUEST: Final = 100
_LARGEST_FETCH: Final = 64 * 1024

Committed = dict[Partition, int | None]


class Topics(NamedTuple):
    """The partitions of the topics to read, by the broker that leads them, and those without a leader."""

    by_leader: dict[int, list[Partition]]
    problems: list[Problem]


class Group(NamedTuple):
    """A consumer group.

    Attributes:
        name: its name.
        state: its state in Kafka's words; "" if the broker is too old to say.
        describable: whether DescribeGroups knows this type of group.
    """

    name: str
    state: str
    describable: bool

    @property
    def is_empty(self) -> bool:
        """Whether its state says that it has no members."""
        return self.state in _WITHOUT_MEMBERS


def all_topics() -> MetadataRequest:
    """Return a request for all topics that the user may see."""
    return MetadataRequest(topics=MetadataRequest.ALL_TOPICS, allow_auto_topic_creation=False)


def read_topics(response: Any, wanted: NameFilter) -> Topics:
    """Read a MetadataResponse, without internal topics and those not wanted."""
    topics = Topics(defaultdict(list), [])
    for topic in response.topics:
        if topic.is_internal or topic.name not in wanted or _is(topic, UnknownTopicOrPartitionError):
            continue
        if (reason := _reason(topic.error_code)) is not None:
            topics.problems.append(Problem(None, topic.name, None, reason))
        for partition in topic.partitions:
            place = Partition(topic.name, partition.partition_index)
            # A missing replica is the leader's business.
            failed = None if _is(partition, ReplicaNotAvailableError) else _reason(partition.error_code)
            if failed is not None or partition.leader_id < 0:
                topics.problems.append(Problem(None, *place, failed or NO_LEADER))
            else:
                topics.by_leader[partition.leader_id].append(place)
    return topics


def list_groups() -> ListGroupsRequest:
    """Return a request for the groups that a broker coordinates."""
    return ListGroupsRequest(min_version=0)


def read_groups(response: Any, wanted: NameFilter) -> tuple[list[Group], list[Problem]]:
    """Read a ListGroupsResponse: the wanted consumer groups, or why there are none."""
    if (reason := _reason(response.error_code)) is not None:
        return [], [Problem(None, None, None, reason)]
    return [
        _group(group)
        for group in response.groups
        if group.protocol_type in _CONSUMER_PROTOCOLS and group.group_id in wanted
    ], []


def _group(group: Any) -> Group:
    kind = (group.group_type or "").lower()
    return Group(group.group_id, group.group_state or "", describable=kind in ("", "classic"))


def fetch_committed(groups: Sequence[str], version: int) -> Iterator[OffsetFetchRequest]:
    """Return requests for all committed offsets of the groups; one per group before version 8."""
    if version < _FIRST_BATCHED:
        for group in groups:
            yield OffsetFetchRequest(group_id=group, topics=None, min_version=2, max_version=7)
        return
    one = OffsetFetchRequest.OffsetFetchRequestGroup
    for start in range(0, len(groups), _GROUPS_PER_REQUEST):
        names = groups[start : start + _GROUPS_PER_REQUEST]
        asked = [one(group_id=name, topics=None) for name in names]
        yield OffsetFetchRequest(groups=asked, min_version=8, max_version=8)


def read_committed(
    request: Any, response: Any, wanted: NameFilter
) -> tuple[dict[str, Committed], list[Problem]]:
    """Read an OffsetFetchResponse: the committed offsets by group, without topics not wanted."""
    answers = [(request.group_id, response)]
    if response.API_VERSION >= _FIRST_BATCHED:
        answers = [(group.group_id, group) for group in response.groups]
    committed: dict[str, Committed] = {}
    problems: list[Problem] = []
    for group, answer in answers:
        if (reason := _reason(answer.error_code)) is not None:
            problems.append(Problem(group, None, None, reason))
            continue
        committed[group] = offsets = {}
        for place, partition in _partitions(answer):
            if place.topic not in wanted:
                continue
            if (failed := _reason(partition.error_code)) is not None:
                problems.append(Problem(group, *place, failed))
            else:  # Kafka returns -1 if nothing is committed
                offsets[place] = partition.committed_offset if partition.committed_offset >= 0 else None
    return committed, problems


def list_offsets(partitions: Iterable[Partition], spec: int) -> ListOffsetsRequest:
    """Return a request for an offset of each partition, to the broker that leads them.

    Args:
        partitions: the partitions.
        spec: a value of `OffsetSpec`.
    """
    topic = ListOffsetsRequest.ListOffsetsTopic
    partition = topic.ListOffsetsPartition
    return ListOffsetsRequest(
        isolation_level=0,
        min_version=1,
        topics=[
            topic(
                name=name,
                partitions=[partition(partition_index=place.number, timestamp=spec) for place in those],
            )
            for name, those in by_topic(partitions).items()
        ],
    )


def read_offsets(response: Any) -> tuple[dict[Partition, int], list[Problem]]:
    """Read a ListOffsetsResponse. A topic that was deleted meanwhile is no problem."""
    offsets: dict[Partition, int] = {}
    problems: list[Problem] = []
    for place, partition in _partitions(response):
        if (reason := _reason(partition.error_code)) is None:
            offsets[place] = partition.offset
        elif not _is(partition, UnknownTopicOrPartitionError):
            problems.append(Problem(None, *place, reason))
    return offsets, problems


def fetch(offsets: Mapping[Partition, int]) -> FetchRequest:
    """Return a request for the records at these offsets, to the broker that leads the partitions.

    There are records, so the broker does not wait. A partition whose next batch is larger than
    `_LARGEST_FETCH` gets none, except the first partition, as Kafka defines it.
    """
    topic = FetchRequest.FetchTopic
    partition = topic.FetchPartition
    return FetchRequest(
        max_wait_ms=100,
        min_bytes=1,
        max_bytes=len(offsets) * _LARGEST_FETCH,
        min_version=4,
        max_version=12,  # the last one that has the names of topics
        topics=[
            topic(
                topic=name,
                partitions=[
                    partition(
                        partition=place.number,
                        current_leader_epoch=-1,
                        fetch_offset=offsets[place],
                        last_fetched_epoch=-1,
                        log_start_offset=-1,
                        partition_max_bytes=_LARGEST_FETCH,
                    )
                    for place in places
                ],
            )
            for name, places in by_topic(offsets).items()
        ],
    )


def read_fetched(response: Any) -> Iterator[tuple[Partition, bytes, bool]]:
    """Read a FetchResponse: each partition, its records, and whether they may not be read."""
    for topic in response.responses:
        for partition in topic.partitions:
            refused = _reason(partition.error_code) == NOT_AUTHORISED
            yield Partition(topic.topic, partition.partition_index), bytes(partition.records or b""), refused


def describe_groups(groups: Iterable[str]) -> DescribeGroupsRequest:
    """Return a request for the members of groups, to their coordinator."""
    return DescribeGroupsRequest(groups=list(groups), include_authorized_operations=False)


def read_members(response: Any) -> dict[str, int | None]:
    """Read a DescribeGroupsResponse: the number of members by group; None where it is not told."""
    return {group.group_id: None if group.error_code else len(group.members) for group in response.groups}


def by_topic(partitions: Iterable[Partition]) -> dict[str, list[Partition]]:
    """Return the partitions of each topic."""
    topics: dict[str, list[Partition]] = defaultdict(list)
    for place in partitions:
        topics[place.topic].append(place)
    return topics


def fill(
    committed: Mapping[Partition, int | None], partitions: Mapping[str, Sequence[Partition]]
) -> Committed:
    """Add the partitions of a group's topics in which it has not committed; `partitions` is by topic."""
    topics = {place.topic for place in committed}
    missing = dict.fromkeys(place for topic in topics for place in partitions.get(topic, ()))
    return {**missing, **committed}


def _partitions(answer: Any) -> Iterator[tuple[Partition, Any]]:
    for topic in answer.topics:
        for partition in topic.partitions:
            yield Partition(topic.name, partition.partition_index), partition


def _is(answer: Any, error: type[Exception]) -> bool:
    return for_code(answer.error_code) is error


def _reason(code: int) -> str | None:
    """Return what a problem is called, or None if there is none."""
    error = for_code(code)
    if error is NoError:
        return None
    if issubclass(error, AuthorizationError):
        return NOT_AUTHORISED
    if error in (LeaderNotAvailableError, NotLeaderForPartitionError):
        return NO_LEADER
    return str(getattr(error, "message", None) or f"error {code}").replace("_", " ").lower()
