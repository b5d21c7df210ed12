"""Detection of how a loop is left, without a broker, with and without a trace function."""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import suppress
from typing import Any, cast

import pytest

from laban.messaging.delivery import Delivery
from laban.messaging.loops import AsyncLoop, Loop, PolledRecords


class FakeDelivery:
    """Replaces a `Delivery`, and records for each loop whether the handler raised."""

    def __init__(self) -> None:
        self.failures: list[bool] = []
        self.open_span = "the span"

    def start(self, record: object) -> str:
        return self.open_span

    def finish(self, span: object) -> None:
        pass

    def leave_loop(self, span: object, *, failed: bool) -> None:
        if span is not None:
            self.failures.append(failed)


RECORDS = [1, 2, 3]


class Consumer:
    """Like an instrumented consumer: only the loop refers to the iterator."""

    def __init__(self, delivery: FakeDelivery) -> None:
        self._delivery = cast("Delivery", delivery)

    def __iter__(self) -> Iterator[int]:
        return Loop(iter(RECORDS), self._delivery)

    def __aiter__(self) -> AsyncIterator[int]:
        return AsyncLoop(one_by_one(), self._delivery)


def loop(delivery: FakeDelivery) -> Iterable[int]:
    return Consumer(delivery)


def batch(delivery: FakeDelivery) -> Iterable[int]:
    return PolledRecords(RECORDS, cast("Delivery", delivery))


Make = Callable[[FakeDelivery], Iterable[int]]


def breaks(records: Iterable[int]) -> None:
    for _ in records:
        break


def returns(records: Iterable[int]) -> int | None:
    for record in records:
        return record
    return None


def returns_from_with(records: Iterable[int]) -> None:
    for _ in records:
        with suppress(ValueError):
            return


def returns_from_finally(records: Iterable[int]) -> None:
    for _ in records:
        try:
            return
        finally:
            len(RECORDS)


def continues_after_a_caught_error(records: Iterable[int]) -> None:
    for _ in records:
        try:
            raise KeyError  # noqa: TRY301 - caught where it is raised: that is the case
        except KeyError:
            continue


def receives_some(records: Iterable[int]) -> None:
    list(itertools.islice(records, 2))


def comprehends(records: Iterable[int]) -> None:
    [record for record in records if record]


def unpacks(records: Iterable[int]) -> None:
    assert [*records]


def generates(records: Iterable[int]) -> Generator[int]:
    for record in records:  # noqa: UP028 - the loop is what is tested
        yield record


def closes_a_generator(records: Iterable[int]) -> None:
    generator = generates(records)
    next(generator)
    generator.close()


def drops_a_generator(records: Iterable[int]) -> None:
    next(generates(records))


def deletes_the_iterator(records: Iterable[int]) -> None:
    iterator: Iterator[int] | None = iter(records)
    del records
    assert iterator is not None
    for _ in iterator:
        break
    iterator = None


ON_PURPOSE = (
    *(
        breaks,
        returns,
        returns_from_with,
        returns_from_finally,
        continues_after_a_caught_error,
        receives_some,
    ),
    *(comprehends, unpacks, closes_a_generator, drops_a_generator, deletes_the_iterator),
)


def raises(records: Iterable[int]) -> None:
    for _ in records:
        raise KeyError


def raises_in_a_call(records: Iterable[int]) -> None:
    for _ in records:
        int("none")


def raises_in_an_expression(records: Iterable[int]) -> None:
    nothing: dict[int, int] = {}
    for record in records:
        nothing[record] += record // 0


def raises_in_an_attribute(records: Iterable[int]) -> None:
    for record in records:
        cast("Any", record).attribute = 1


def raises_in_with(records: Iterable[int]) -> None:
    for _ in records:
        with suppress(TypeError):
            int("none")


def raises_before_finally(records: Iterable[int]) -> None:
    for _ in records:
        try:
            int("none")
        finally:
            len(RECORDS)


def raises_in_a_generator(records: Iterable[int]) -> None:
    def handled() -> Generator[int]:
        for record in records:
            yield record // 0

    list(handled())


RAISING = (
    *(raises, raises_in_a_call, raises_in_an_expression, raises_in_an_attribute, raises_in_with),
    *(raises_before_finally, raises_in_a_generator),
)


@pytest.fixture(params=[False, True], ids=["plain", "traced"])
def traced(request: pytest.FixtureRequest) -> Generator[None]:
    """With and without a trace function, as coverage and debuggers set one."""
    before = sys.gettrace()
    if request.param:
        sys.settrace(trace)
    yield
    sys.settrace(before)


def trace(*_: object) -> Any:
    return trace


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("make", [loop, batch])
@pytest.mark.parametrize("shape", ON_PURPOSE)
def test_a_loop_left_on_purpose_is_not_a_failure(
    make: Make, shape: Callable[[Iterable[int]], object]
) -> None:
    delivery = FakeDelivery()
    for _ in range(20):  # often enough for CPython to specialise the code
        shape(make(delivery))
    assert set(delivery.failures) == {False}


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("make", [loop, batch])
@pytest.mark.parametrize("shape", RAISING)
def test_a_loop_left_by_an_exception_is_a_failure(make: Make, shape: Callable[[Iterable[int]], None]) -> None:
    delivery = FakeDelivery()
    for _ in range(20):
        with pytest.raises((ArithmeticError, AttributeError, LookupError, ValueError)):
            shape(make(delivery))
    assert set(delivery.failures) == {True}


async def one_by_one() -> AsyncIterator[int]:
    for record in RECORDS:
        yield record


async def async_breaks(records: AsyncIterable[int]) -> None:
    async for _ in records:
        await asyncio.sleep(0)
        break


async def async_returns(records: AsyncIterable[int]) -> None:
    async for _ in records:
        return


async def async_raises(records: AsyncIterable[int]) -> None:
    async for _ in records:
        raise KeyError


async def async_raises_after_await(records: AsyncIterable[int]) -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError

    async for _ in records:
        await fails()


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize(
    ("shape", "failed"),
    [(async_breaks, False), (async_returns, False), (async_raises, True), (async_raises_after_await, True)],
)
def test_the_end_of_asynchronous_loops_is_detected(
    shape: Callable[[AsyncIterable[int]], Any],
    failed: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    delivery = FakeDelivery()
    for _ in range(20):
        with suppress(KeyError):
            asyncio.run(shape(Consumer(delivery)))
    assert set(delivery.failures) == {failed}
