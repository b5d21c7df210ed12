"""The four libraries of circuit breakers, each way to guard a call: open after two failures."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol

import aiobreaker
import circuitbreaker
import purgatory
import pybreaker
import pytest
from purgatory.domain.model import OpenedState

Guarded = Callable[[], str]

LONG_S = 3600


class Breaker(Protocol):
    """A circuit breaker named `user`."""

    def run(self, call: Guarded) -> object:
        """Make a guarded call. If it is refused, return REFUSED; what the call raises is not raised."""

    def expire(self) -> None:
        """Let the time of the open state be over."""


REFUSED = "refused"


class _OfCircuitbreaker:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._now = 0.0
        patch.setattr(circuitbreaker, "monotonic", lambda: self._now)
        self.breaker: Any = circuitbreaker.CircuitBreaker(2, LONG_S, name="user")

    def expire(self) -> None:
        self._now += 2 * LONG_S


class CircuitbreakerSync(_OfCircuitbreaker):
    def run(self, call: Guarded) -> object:
        try:
            return self.breaker.decorate(call)()
        except circuitbreaker.CircuitBreakerError:
            return REFUSED
        except Exception:  # noqa: BLE001 - whatever the call raises
            return None


class CircuitbreakerAsync(_OfCircuitbreaker):
    def run(self, call: Guarded) -> object:
        try:
            return asyncio.run(self.breaker.decorate(_coroutine_function(call))())
        except circuitbreaker.CircuitBreakerError:
            return REFUSED
        except Exception:  # noqa: BLE001
            return None


class CircuitbreakerFallback(_OfCircuitbreaker):
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__(patch)
        self.breaker._fallback_function = lambda: REFUSED

    def run(self, call: Guarded) -> object:
        with suppress(Exception):
            return self.breaker.decorate(call)()
        return None


class CircuitbreakerAsyncFallback(_OfCircuitbreaker):
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__(patch)
        self.breaker._fallback_function = _coroutine_function(lambda: REFUSED)

    def run(self, call: Guarded) -> object:
        with suppress(Exception):
            return asyncio.run(self.breaker.decorate(_coroutine_function(call))())
        return None


class _OfPurgatory:
    def __init__(self, _patch: pytest.MonkeyPatch) -> None:
        self.factory = purgatory.SyncCircuitBreakerFactory(default_threshold=2, default_ttl=LONG_S)

    def expire(self) -> None:
        context: Any = self.factory.get_breaker("user").context
        context._state.opened_at = 0.0

    def run(self, call: Guarded) -> object:
        try:
            return self.guarded(call)
        except OpenedState:
            return REFUSED
        except Exception:  # noqa: BLE001
            return None

    def guarded(self, call: Guarded) -> object:
        raise NotImplementedError


class PurgatoryBlock(_OfPurgatory):
    def guarded(self, call: Guarded) -> object:
        with self.factory.get_breaker("user"):
            return call()


class PurgatoryDecorator(_OfPurgatory):
    def guarded(self, call: Guarded) -> object:
        return self.factory("user")(call)()


class PurgatoryAsync(_OfPurgatory):
    def __init__(self, _patch: pytest.MonkeyPatch) -> None:
        self.async_factory = purgatory.AsyncCircuitBreakerFactory(default_threshold=2, default_ttl=LONG_S)

    def expire(self) -> None:
        context: Any = asyncio.run(self.async_factory.get_breaker("user")).context
        context._state.opened_at = 0.0

    def guarded(self, call: Guarded) -> object:
        async def run() -> str:
            async with await self.async_factory.get_breaker("user"):
                await asyncio.sleep(0)
                return call()

        return asyncio.run(run())


class _OfPybreaker:
    def __init__(self, _patch: pytest.MonkeyPatch) -> None:
        self.breaker: Any = pybreaker.CircuitBreaker(fail_max=2, reset_timeout=LONG_S, name="user")

    def expire(self) -> None:
        self.breaker._state_storage.opened_at -= timedelta(seconds=2 * LONG_S)

    def run(self, call: Guarded) -> object:
        before = self.breaker.current_state
        try:
            return self.guarded(call)
        except pybreaker.CircuitBreakerError as error:
            # The error of a call that opens the breaker is of the same type.
            return REFUSED if before == "open" and "Timeout" in str(error) else None
        except Exception:  # noqa: BLE001
            return None

    def guarded(self, call: Guarded) -> object:
        raise NotImplementedError


class PybreakerCall(_OfPybreaker):
    def guarded(self, call: Guarded) -> object:
        return self.breaker(call)()


class PybreakerBlock(_OfPybreaker):
    def guarded(self, call: Guarded) -> object:
        with self.breaker.calling():
            return call()


class _OfAiobreaker:
    def __init__(self, _patch: pytest.MonkeyPatch) -> None:
        duration = timedelta(seconds=LONG_S)
        self.breaker: Any = aiobreaker.CircuitBreaker(fail_max=2, timeout_duration=duration, name="user")

    def expire(self) -> None:
        self.breaker._state_storage.opened_at -= timedelta(seconds=2 * LONG_S)

    def run(self, call: Guarded) -> object:
        try:
            return self.guarded(call)
        except aiobreaker.CircuitBreakerError as error:
            return REFUSED if "Timeout" in error.message else None
        except Exception:  # noqa: BLE001
            return None

    def guarded(self, call: Guarded) -> object:
        raise NotImplementedError


class AiobreakerAsync(_OfAiobreaker):
    def guarded(self, call: Guarded) -> object:
        return asyncio.run(self.breaker(_coroutine_function(call))())


class AiobreakerSync(_OfAiobreaker):
    def guarded(self, call: Guarded) -> object:
        return self.breaker.call(call)


def _coroutine_function(call: Guarded) -> Callable[[], Awaitable[str]]:
    async def run() -> str:
        await asyncio.sleep(0)
        return call()

    return run


BREAKERS: dict[str, list[Callable[[pytest.MonkeyPatch], Breaker]]] = {
    "circuitbreaker": [
        CircuitbreakerSync,
        CircuitbreakerAsync,
        CircuitbreakerFallback,
        CircuitbreakerAsyncFallback,
    ],
    "purgatory": [PurgatoryBlock, PurgatoryDecorator, PurgatoryAsync],
    "pybreaker": [PybreakerCall, PybreakerBlock],
    "aiobreaker": [AiobreakerAsync, AiobreakerSync],
}
"""Library → the ways to guard a call."""
