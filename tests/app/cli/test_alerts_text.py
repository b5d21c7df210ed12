import io
import json

import pytest
from rich.console import Console

from laban_app.cli.alerts_text import show_alerts
from laban_mapper.model_alerts import Alerts

_OLDER = {"alerts": [], "window_s": 300, "time": "2026-11-28T12:00:00Z"}
"""What a collector answers that does not know `newest` yet."""


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, None),
        ({"newest": "2026-11-28T11:59:00Z"}, None),
        ({"newest": "2026-11-28T11:00:00Z"}, "the newest is of 2026-11-28 11:00:00 UTC, 1 h ago"),
        ({"newest": None}, "no span is stored"),
    ],
)
def test_silence_is_told_only_if_it_is_known(more: dict[str, str | None], expected: str | None) -> None:
    shown = io.StringIO()
    show_alerts(Alerts.model_validate_json(json.dumps(_OLDER | more)), Console(file=shown, width=200))
    if expected is None:
        assert "no span" not in shown.getvalue()
    else:
        assert expected in shown.getvalue()
