"""The table `[alerts]` of the settings, checked. It has secrets: no error shows a value of it."""

from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from laban_collector.errors import BadSettings
from laban_collector.secret_values import remember
from laban_collector.settings import Settings
from laban_mapper.alerts.limits import AlertLimits
from laban_mapper.model import Severity

_CONFIG: Final = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
DASHBOARD: Final = "http://127.0.0.1:8501"


def _url(given: object) -> object:
    if isinstance(given, str) and not given.lower().startswith(("http://", "https://")):
        raise ValueError("it is not a URL such as http://localhost:9093")
    return given


def _from_file(values: Any, name: str) -> Any:
    """The values with the content of the file that `NAME_file` names as the secret `NAME`."""
    if not isinstance(values, dict) or f"{name}_file" not in values:
        return values
    rest = {key: value for key, value in values.items() if key != f"{name}_file"}
    try:
        return {**rest, name: Path(str(values[f"{name}_file"])).read_text(encoding="utf-8").strip()}
    except OSError as error:
        raise ValueError(f"{name}_file cannot be read: {error.strerror}") from error


SecretUrl = Annotated[SecretStr, BeforeValidator(_url)]


class Alertmanager(BaseModel):
    """`[alerts.alertmanager]`: sends to Prometheus' Alertmanager.

    Attributes:
        url: of the Alertmanager; a user and a password in it are sent as Basic credentials.
        token: sent as a bearer token; or `token_file`.
    """

    model_config = _CONFIG

    url: SecretUrl
    token: SecretStr | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, values: Any) -> Any:
        return _from_file(values, "token")


class Webhook(BaseModel):
    """`[alerts.webhook]`: sends JSON to a URL.

    Attributes:
        url: where to; it may contain a secret.
        secret: signs what is sent; or `secret_file`.
    """

    model_config = _CONFIG

    url: SecretUrl
    secret: SecretStr | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, values: Any) -> Any:
        return _from_file(values, "secret")


class AlertSettings(BaseModel):
    """What `laban.toml` says about alerts.

    Attributes:
        limits: when a condition is true.
        interval: seconds between two looks.
        resolve: seconds without a condition after which its alert is resolved.
        repeat: seconds after which a receiver is told again what still fires; an Alertmanager repeats itself.
        severity: the mildest alerts to tell.
        dashboard: the URL of the dashboard, for links.
        apprise: URLs of apprise, such as `mailto://…` or `slack://…`.
    """

    model_config = _CONFIG

    limits: AlertLimits = AlertLimits()
    interval: float = Field(default=30.0, ge=1, le=3600)
    resolve: float = Field(default=60.0, ge=0)
    repeat: float = Field(default=4 * 3600.0, ge=60)
    severity: Severity = "info"
    dashboard: str = DASHBOARD
    alertmanager: Alertmanager | None = None
    webhook: Webhook | None = None
    apprise: tuple[SecretStr, ...] = ()

    @property
    def secrets(self) -> list[str]:
        """Everything that must not be shown."""
        hidden = [*self.apprise]
        if self.alertmanager is not None:
            hidden += [one for one in (self.alertmanager.url, self.alertmanager.token) if one is not None]
        if self.webhook is not None:
            hidden += [one for one in (self.webhook.url, self.webhook.secret) if one is not None]
        return [one.get_secret_value() for one in hidden]


def alert_settings(settings: Settings) -> AlertSettings:
    """What the settings say about alerts.

    Raises:
        BadSettings: a name or a value is wrong; the message says where, and what is expected.
    """
    given = dict(settings.alerts)
    limits = {name: given.pop(name) for name in AlertLimits.model_fields if name in given}
    try:
        found = AlertSettings.model_validate({**given, "limits": limits})
    except ValidationError as error:
        raise BadSettings("\n".join(_explained(problem) for problem in error.errors())) from error
    for secret in found.secrets:
        remember(secret)
    return found


def _explained(problem: Any) -> str:
    """One line: where in `laban.toml`, and what is wrong."""
    path = [str(part) for part in problem["loc"] if part != "limits"]
    reason = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden" and len(path) == 1:
        names = [*AlertLimits.model_fields, *AlertSettings.model_fields]
        known = ", ".join(name for name in names if name != "limits")
        return f"[alerts] {path[0]}: no such setting. The settings are {known}"
    return f"[alerts] {'.'.join(path)}: {reason}"
