"""Brokers that answer from a script, for the reader: each may refuse, hang or fail alone."""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from kafka.errors import KafkaConnectionError, KafkaTimeoutError
from kafka.protocol.admin import (
    DescribeGroupsRequest,
    DescribeGroupsResponse,
    ListGroupsRequest,
    ListGroupsResponse,
)
from kafka.protocol.consumer import (
    FetchRequest,
    FetchResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    OffsetFetchRequest,
    OffsetFetchResponse,
)
from kafka.protocol.metadata import MetadataResponse

from laban_collector.lag.brokers import Brokers
from laban_collector.lag.evaluation import Partition

Result = TypeVar("Result")


class FakeBrokers(Brokers):
    """Answers requests from what its attributes say.

    Attributes:
        leaders: the broker that leads each partition; -1 for none.
        ends: the end of each log; the start is 0.
        groups: the committed offsets by group and partition, by coordinator.
        errors: the error code of a group, a topic or a partition.
        states: the state of a group; "Stable" unless said.
        kinds: the type of a group; "classic" unless said.
        down: the brokers that do not answer.
        records: the records of each partition, whatever offset is asked for.
        cannot_describe: whether DescribeGroups ends the connection.
        offset_fetch: the newest version of OffsetFetch that the brokers know.
        sent: the requests, in order.
    """

    def __init__(self) -> None:
        self.leaders: dict[Partition, int] = {}
        self.ends: dict[Partition, int] = {}
        self.groups: dict[int, dict[str, dict[Partition, int]]] = {1: {}, 2: {}}
        self.errors: dict[object, int] = {}
        self.states: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self.down: set[int | str] = set()
        self.records: dict[Partition, bytes] = {}
        self.cannot_describe = False
        self.offset_fetch = 8
        self.sent: list[tuple[int | str, Any]] = []

    def run(self, function: Callable[..., Awaitable[Result]], *arguments: object) -> Result:
        call: Any = function(*arguments)
        try:
            call.send(None)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        raise AssertionError("a fake answers at once")

    async def gather(self, calls: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
        return [await call for call in calls]

    async def version(self, broker: int, request: type[Any]) -> int:
        assert request is OffsetFetchRequest
        return self.offset_fetch

    def learn(self, metadata: Any) -> None:
        pass

    async def send_to_any(self, request: Any) -> Any:
        assert request.allow_auto_topic_creation is False
        topic = MetadataResponse.MetadataResponseTopic
        partition, broker = topic.MetadataResponsePartition, MetadataResponse.MetadataResponseBroker
        names = dict.fromkeys(place.topic for place in self.leaders)
        return MetadataResponse(
            brokers=[broker(number, "h", 1, None) for number in self.groups],
            cluster_id="fake",
            topics=[
                topic(
                    error_code=self.errors.get(name, 0),
                    name=name,
                    is_internal=name.startswith("__"),
                    partitions=[
                        partition(
                            error_code=5 if leader < 0 else 0,
                            partition_index=place.number,
                            leader_id=leader,
                        )
                        for place, leader in self.leaders.items()
                        if place.topic == name
                    ],
                )
                for name in names
            ],
        )

    async def send(self, broker: int | str, request: Any) -> Any:
        self.sent.append((broker, request))
        if broker in self.down:
            raise KafkaTimeoutError("silence")
        match request:
            case ListGroupsRequest():
                return self._list(int(broker))
            case OffsetFetchRequest():
                return self._committed(int(broker), request)
            case ListOffsetsRequest():
                return self._offsets(request)
            case FetchRequest():
                return self._fetch(request)
            case DescribeGroupsRequest():
                if self.cannot_describe:
                    raise KafkaConnectionError("socket disconnected")
                return self._describe(request)
            case _:
                raise AssertionError(request)

    def kinds_sent(self) -> list[str]:
        return [type(request).__name__ for _, request in self.sent]

    def _list(self, broker: int) -> Any:
        one = ListGroupsResponse.ListedGroup
        return ListGroupsResponse(
            error_code=self.errors.get(broker, 0),
            groups=[
                one(
                    group_id=group,
                    protocol_type="connect" if group.startswith("connect") else "consumer",
                    group_state=self.states.get(group, "Stable"),
                    group_type=self.kinds.get(group, "classic"),
                )
                for group in self.groups[broker]
            ],
        )

    def _committed(self, broker: int, request: Any) -> Any:
        if self.offset_fetch < 8:
            group = request.group_id
            topics = self._topics(OffsetFetchResponse.OffsetFetchResponseTopic, broker, group)
            error = self.errors.get(group, 0)
            return OffsetFetchResponse(version=7, topics=[] if error else topics, error_code=error)
        one = OffsetFetchResponse.OffsetFetchResponseGroup
        groups: Sequence[str] = [asked.group_id for asked in request.groups]
        return OffsetFetchResponse(
            version=8,
            groups=[
                one(
                    group_id=group,
                    error_code=self.errors.get(group, 0),
                    topics=[]
                    if self.errors.get(group)
                    else self._topics(one.OffsetFetchResponseTopics, broker, group),
                )
                for group in groups
            ],
        )

    def _topics(self, topic: Any, broker: int, group: str) -> list[Any]:
        partition = (
            getattr(topic, "OffsetFetchResponsePartitions", None) or topic.OffsetFetchResponsePartition
        )
        return [
            topic(
                name=place.topic,
                partitions=[
                    partition(
                        partition_index=place.number,
                        committed_offset=offset,
                        error_code=self.errors.get((group, place), 0),
                    )
                ],
            )
            for place, offset in self.groups[broker][group].items()
        ]

    def _offsets(self, request: Any) -> Any:
        topic = ListOffsetsResponse.ListOffsetsTopicResponse
        partition = topic.ListOffsetsPartitionResponse
        return ListOffsetsResponse(
            topics=[
                topic(
                    name=asked.name,
                    partitions=[
                        partition(
                            partition_index=one.partition_index,
                            error_code=self.errors.get(Partition(asked.name, one.partition_index), 0),
                            offset=0
                            if one.timestamp == -2
                            else self.ends[Partition(asked.name, one.partition_index)],
                        )
                        for one in asked.partitions
                    ],
                )
                for asked in request.topics
            ]
        )

    def _fetch(self, request: Any) -> Any:
        topic = FetchResponse.FetchableTopicResponse
        return FetchResponse(
            responses=[
                topic(
                    topic=asked.topic,
                    partitions=[
                        topic.PartitionData(
                            partition_index=one.partition,
                            error_code=self.errors.get(("fetch", asked.topic), 0),
                            records=self.records.get(Partition(asked.topic, one.partition)),
                        )
                        for one in asked.partitions
                    ],
                )
                for asked in request.topics
            ]
        )

    def _describe(self, request: Any) -> Any:
        one = DescribeGroupsResponse.DescribedGroup
        member = one.DescribedGroupMember
        return DescribeGroupsResponse(
            groups=[
                one(
                    group_id=group,
                    error_code=self.errors.get(("describe", group), 0),
                    members=[member(member_id=str(n)) for n in range(3)],
                )
                for group in request.groups
            ]
        )
