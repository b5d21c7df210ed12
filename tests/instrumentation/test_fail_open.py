"""A failure of the instrumentation's own code is logged once and suppressed."""

import pytest

from laban.fail_open import fail_open, failing_open, warn_once


def test_an_exception_is_suppressed_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        with fail_open("cannot count sheep"):
            raise ValueError("one is missing")
    (said,) = caplog.messages
    assert said == "laban cannot count sheep: ValueError: one is missing; the program continues without it"


def test_a_decorated_callback_fails_open(caplog: pytest.LogCaptureFixture) -> None:
    @failing_open("cannot call back")
    def callback(number: int) -> None:
        raise ValueError(number)

    callback(1)
    assert "laban cannot call back: ValueError: 1" in caplog.text


def test_a_base_exception_is_not_suppressed() -> None:
    with pytest.raises(KeyboardInterrupt), fail_open("cannot be stopped"):
        raise KeyboardInterrupt


def test_different_warnings_are_each_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    for message in ("first of these %s", "second of these %s", "first of these %s"):
        warn_once(message, "warnings")
    assert caplog.messages == ["first of these warnings", "second of these warnings"]
