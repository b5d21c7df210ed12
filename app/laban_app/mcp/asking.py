"""Asks a question of a source of answers, and makes a result of it; errors say what to do."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

from mcp_types import CallToolResult, TextContent

from laban_app.answers.protocol import TraceAnswers
from laban_app.errors import (
    AppError,
    CollectorUnreachable,
    NotInRange,
    RequestRefused,
    SeveralKeys,
    UnknownTrace,
    UnknownValue,
)
from laban_app.mcp.data_text import block
from laban_app.mcp.gate import Gate, TooBusy, TookTooLong
from laban_app.mcp.reply import Told, safe
from laban_collector.errors import CollectorError
from laban_mapper.errors import MapperError, UnknownPlace
from laban_mapper.times import parse_time

_MOST_NAMED: Final = 5
A = TypeVar("A")


class Source(Protocol):
    """Opens answers for one question, and closes them after it."""

    def __call__(self, *, settled: bool) -> AbstractContextManager[TraceAnswers]:
        """Open them.

        Args:
            settled: whether all acknowledged spans must be in the tables before the question.
        """
        ...


class InvalidArgument(Exception):
    """An argument of a tool is wrong; the text says what is expected."""


class Asking:
    """Asks questions.

    Args:
        source: opens the answers.
        gate: runs the questions.
    """

    def __init__(self, source: Source, gate: Gate) -> None:
        self._source = source
        self._gate = gate

    async def tell(self, question: Callable[[TraceAnswers], Told], *, settled: bool = True) -> CallToolResult:
        """The result of a tool: the answer, or what is wrong and what to do.

        Args:
            question: runs in a thread.
            settled: whether it needs all acknowledged spans; a story waits for its own spans alone.
        """
        try:
            return (await self.ask(question, settled=settled)).result()
        except Exception as error:
            text = explained(error)
            if text is None:
                raise
            return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)

    async def ask(self, question: Callable[[TraceAnswers], A], *, settled: bool = True) -> A:
        """The answer to a question; raises what the answers raise, and what the gate raises."""

        def run() -> A:
            with self._source(settled=settled) as answers:
                return question(answers)

        return await self._gate.ask(run)


def time_of(text: str | None) -> datetime | None:
    """A time of an argument; raises InvalidTimeRange."""
    return None if text is None else parse_time(text, datetime.now(UTC))


def explained(error: Exception) -> str | None:
    """What is wrong, and what to do; None if it is no error of laban's questions."""
    match error:
        case UnknownValue():
            return _unknown_value(error)
        case SeveralKeys():
            keys = ", ".join(safe(key) for key in error.keys[:_MOST_NAMED])
            return (
                "The value belongs to several business keys, and means different orders. Ask again with one "
                f"of them as `key`.\n{block([f'keys: {keys}'])}"
            )
        case NotInRange():
            return (
                f"It was seen between {error.first:%F %T} and {error.last:%F %T} UTC, and not in this time "
                "range. Ask again without `since` and `until`."
            )
        case UnknownTrace():
            return (
                "No span of this trace is stored. It may be too old, sampled out, or not sent yet: "
                "what_is_stored tells the time range."
            )
        case UnknownPlace():
            return f"{_data(error)}\nservice_map lists the services and calls that exist."
        case CollectorUnreachable() | RequestRefused():
            return f"laban cannot answer now.\n{_data(error)}"
        case TooBusy():
            return "Too many questions are open. Wait for their answers, and then ask again."
        case TookTooLong():
            return (
                "This takes too long. Ask for less: a shorter time range (since), one service, or one order."
            )
        case InvalidArgument():
            return _data(error, 400)
        case AppError() | MapperError() | CollectorError():
            return _data(error)
        case _:
            return None


def _unknown_value(error: UnknownValue) -> str:
    if error.keys:
        keys = ", ".join(safe(key) for key in error.keys[:_MOST_NAMED])
        return (
            "No trace carries it under this key, but under others: ask again with one of them as `key`.\n"
            f"{block([f'keys: {keys}'])}"
        )
    if error.nearest:
        nearest = ", ".join(safe(value) for value in error.nearest[:_MOST_NAMED])
        return (
            "No trace carries this value. Do not guess: ask the user, or list values with find_orders.\n"
            f"{block([f'similar known values: {nearest}'])}"
        )
    return (
        "No trace carries this business key at all. what_is_stored tells whether spans arrive; find_orders "
        "lists the orders that are known."
    )


def _data(error: Exception, most: int = 150) -> str:
    return block([f"error: {safe(str(error), most)}"])
