from pathlib import Path
from typing import Any

import pytest

from laban_app.answers.alert_settings import alert_settings
from laban_collector.errors import BadSettings
from laban_collector.secret_values import without_secrets
from laban_collector.settings import load_settings


def problem(alerts: dict[str, Any]) -> str:
    with pytest.raises(BadSettings) as raised:
        alert_settings(load_settings(alerts=alerts))
    return str(raised.value)


def test_limits_and_receivers_share_the_table() -> None:
    found = alert_settings(
        load_settings(alerts={"drain": 60, "interval": 5, "webhook": {"url": "https://example.com/x"}})
    )
    assert (found.limits.drain, found.interval) == (60, 5)
    assert found.webhook is not None
    assert found.webhook.url.get_secret_value() == "https://example.com/x"


def test_secrets_come_from_files_and_are_hidden_from_then_on(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush-hush-hush\n")
    webhook = {"url": "https://example.com/a-secret-path", "secret_file": str(tmp_path / "secret")}
    settings = load_settings(alerts={"webhook": webhook, "apprise": ["slack://a-secret-token/b/c"]})
    found = alert_settings(settings)
    assert found.webhook is not None
    assert found.webhook.secret is not None
    assert found.webhook.secret.get_secret_value() == "hush-hush-hush"
    for text in (repr(found), repr(settings), without_secrets(" ".join(found.secrets))):
        assert "hush" not in text
        assert "a-secret" not in text


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        ({"drian": 1}, "[alerts] drian: no such setting. The settings are window, lag_statuses"),
        ({"drain": 0}, "[alerts] drain: Input should be greater than 0"),
        ({"webhook": {"url": "hush-hush"}}, "[alerts] webhook.url: it is not a URL such as http"),
        (
            {"webhook": {"url": "http://x", "secret_file": "/none"}},
            "secret_file cannot be read: No such file",
        ),
        ({"alertmanager": {}}, "[alerts] alertmanager.url: Field required"),
        ({"apprise": "hush-hush"}, "[alerts] apprise: Input should be a valid tuple"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(alerts: dict[str, Any], expected: str) -> None:
    text = problem(alerts)
    assert expected in text
    assert "hush" not in text
