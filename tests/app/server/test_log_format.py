import logging

import pytest

from laban_app.server.log_format import PrintableFormatter

from ...hostile import HOSTILE, UNSAFE

NASTY = "x\x1b[2J\r\n2026-11-28 INFO forged\u202e"


@pytest.fixture
def logger(caplog: pytest.LogCaptureFixture) -> logging.Logger:
    caplog.handler.setFormatter(PrintableFormatter())
    return logging.getLogger("laban_app.tests")


def test_a_message_is_one_line_without_control_characters(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    logger.warning("Group %s is unknown.", NASTY)
    [line] = caplog.text.splitlines()
    assert line.endswith(r"WARNING Group x\x1b[2J 2026-11-28 INFO forged\u202e is unknown.")


def test_a_traceback_forges_no_line_either(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    logger.error("Failed.", exc_info=ValueError(NASTY))
    assert caplog.text.splitlines()[1:] == [r"  ValueError: x\x1b[2J ", r"  2026-11-28 INFO forged\u202e"]


def test_no_hostile_text_reaches_a_log(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    for text in HOSTILE:
        logger.error("Group %s is unknown.", text, exc_info=ValueError(text))
    lines = caplog.text.split("\n")
    assert UNSAFE.search(" ".join(lines)) is None
    assert sum(not line.startswith("  ") for line in lines if line) == len(HOSTILE)
