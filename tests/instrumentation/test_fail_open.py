"""What fails of ours is said once, and does no harm."""

import pytest

from laban.fail_open import fail_open, failing_open, warn_once


def test_an_exception_is_swallowed_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
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


def test_what_is_no_error_passes() -> None:
    with pytest.raises(KeyboardInterrupt), fail_open("cannot be stopped"):
        raise KeyboardInterrupt


def test_different_warnings_are_each_said(caplog: pytest.LogCaptureFixture) -> None:
    for message in ("first of these %s", "second of these %s", "first of these %s"):
        warn_once(message, "warnings")
    assert caplog.messages == ["first of these warnings", "second of these warnings"]
