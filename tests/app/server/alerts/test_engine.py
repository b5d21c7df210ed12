"""Alerts from the lag of a real store to real receivers, by a clock that the test moves."""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from laban_app.answers.alert_settings import AlertSettings
from laban_app.answers.local import LocalAnswers
from laban_app.server.alerts.engine import AlertEngine
from laban_app.server.alerts.start import receivers_of
from laban_app.server.metrics.text import Form
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.kept_state import KeptState
from laban_collector.store.rows import Lag
from laban_mapper.model import Finding

from ....promtool import free_port, needs_alertmanager, needs_prometheus, promtool, server, until

T0 = 1_790_000_000
S = 10**9
_FAILURES = 'laban_alert_notification_failures_total{receiver="webhook"}'
SENTENCE = "mail commits nothing: 40 messages of orders wait, the oldest for 1 min 30 s"


class Hook:
    """An HTTP server that keeps what it was sent."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if hook.status == 200:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    hook.received.append((self.path, headers, body))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Generator["Hook", None, None]:
        thread = Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def alerts(self) -> list[tuple[str, str]]:
        """Return status and sentence of all alerts that were sent, and forget them."""
        bodies = [json.loads(body) for _, _, body in self.received]
        self.received.clear()
        return [(one["status"], one["sentence"]) for body in bodies for one in body["alerts"]]


@pytest.fixture
def hook() -> Generator[Hook, None, None]:
    with Hook().running() as running:
        yield running


@pytest.fixture
def watch(tmp_path: Path) -> Generator["Callable[..., Watch]", None, None]:
    """A function that starts an engine over a store; again after a restart."""
    with DuckDBStore.open(tmp_path / "spans.duckdb") as store:

        def start(**settings: Any) -> Watch:
            return Watch(store, AlertSettings.model_validate(settings))

        yield start


class Watch:
    """An engine over a store with the lag of one group."""

    def __init__(self, store: DuckDBStore, settings: AlertSettings) -> None:
        self.now = float(T0)
        self.found: list[Finding] = []
        self._store = store
        look = LocalAnswers(store.reader(), alerting=settings).alerts_look()
        kept = KeptState(store.path, "alerts")
        receivers = receivers_of(settings)
        self.engine = AlertEngine(look, lambda: self.found, settings, receivers, kept, clock=lambda: self.now)

    def at(self, second: float, status: str = "STOP", findings: Sequence[Finding] = ()) -> None:
        """Poll and look, some seconds after the beginning."""
        self.now, self.found = T0 + second, list(findings)
        polled = round(self.now * S)
        messages = 0 if status == "OK" else 40
        seconds = None if status == "OK" else 90.0
        row = Lag(polled, "", "mail", "orders", 0, 1, 1 + messages, 0, messages, seconds, status)
        self._store.writer().write_lag([row])
        self.engine.work()


Watching = Callable[..., Watch]


def test_an_alert_is_told_once_signed_repeated_and_resolved_also_over_a_restart(
    watch: Watching, hook: Hook
) -> None:
    settings = {
        "repeat": 600,
        "webhook": {"url": f"http://{hook.address}/laban?of=shop", "secret": "hush-hush"},
    }
    before = watch(**settings)
    before.at(0)
    [(path, headers, body)] = hook.received
    assert path == "/laban?of=shop"
    timestamp = headers["x-laban-timestamp"]
    assert timestamp == str(T0)
    expected = hmac.new(b"hush-hush", timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["x-laban-signature"] == f"sha256={expected}"
    [alert] = json.loads(body)["alerts"]
    assert alert["link"] == "http://127.0.0.1:8501/lag?group=mail"
    assert (alert["status"], alert["sentence"]) == ("firing", SENTENCE)
    hook.received.clear()
    before.at(30)
    assert hook.alerts() == []
    after = watch(**settings)
    after.at(60)
    assert hook.alerts() == [], "it was told before the restart"
    [firing] = after.engine.alerts().alerts
    assert firing.since is not None
    assert firing.since.timestamp() == T0
    after.at(600)
    assert hook.alerts() == [("repeated", SENTENCE)]
    after.at(700, "OK")
    assert hook.alerts() == [("resolved", SENTENCE)]
    after.at(900, "OK")
    assert hook.alerts() == []
    assert after.engine.alerts().alerts == []


def test_a_receiver_that_is_down_is_tried_again_ever_more_rarely_and_counted(
    watch: Watching, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook.status = 503
    watching = watch(webhook={"url": f"http://{hook.address}/a-secret-path", "secret": "hush-hush"})
    tried: list[int] = []
    for second in range(0, 240, 10):
        watching.at(second)
        if f"{_FAILURES} {len(tried) + 1}" in watching.engine.render(Form.TEXT):
            tried.append(second)
    assert tried == [0, 30, 90, 210]
    hook.status = 200
    watching.at(450)
    assert hook.alerts() == [("firing", SENTENCE)]
    text = watching.engine.render(Form.TEXT)
    assert 'laban_alert_notifications_total{receiver="webhook"} 1' in text
    assert 'laban_alerts_firing{alertname="LabanGroupStopped",severity="error"} 1' in text
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1, "the first failure; the others are only counted"
    assert "a-secret-path" not in caplog.text
    assert "hush-hush" not in caplog.text


def test_findings_that_appear_are_told_and_those_that_were_there_are_not(watch: Watching, hook: Hook) -> None:
    watching = watch(webhook={"url": f"http://{hook.address}/"})
    old, new = finding("order → user"), finding("order → pricing")
    watching.at(0, "OK", [old])
    watching.at(200, "OK", [old, new])
    assert hook.alerts() == [("firing", "L001 deep-sync-chain, order → pricing: it waits for 3 calls")]


def finding(place: str) -> Finding:
    return Finding(
        code="L001", name="deep-sync-chain", severity="warning", place=place, sentence="it waits for 3 calls",
        advice="",
    )  # fmt: skip


def test_milder_alerts_than_the_chosen_severity_are_shown_and_not_told(watch: Watching, hook: Hook) -> None:
    watching = watch(severity="error", webhook={"url": f"http://{hook.address}/"})
    watching.at(0, "WARN")
    assert hook.alerts() == []
    assert [one.name for one in watching.engine.alerts().alerts] == ["LabanGroupBehind"]
    watching.at(60, "STOP")
    assert hook.alerts() == [("firing", SENTENCE)]


def test_apprise_delivers_to_chat_and_mail(watch: Watching, hook: Hook) -> None:
    watching = watch(apprise=[f"json://{hook.address}/chat"])
    watching.at(0)
    [(path, _, body)] = hook.received
    message = json.loads(body)
    assert path == "/chat"
    assert message["title"] == "laban: LabanGroupStopped"
    assert message["message"] == f"{SENTENCE}\nhttp://127.0.0.1:8501/lag?group=mail"
    assert message["type"] == "failure"
    hook.received.clear()
    watching.at(100, "OK")
    [(_, _, body)] = hook.received
    assert json.loads(body)["title"] == "laban: resolved: LabanGroupStopped"


@needs_alertmanager
def test_a_real_alertmanager_has_the_alert_once_over_a_restart_until_it_is_resolved(
    watch: Watching, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    (tmp_path / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    command = ["prometheus-alertmanager", "--config.file=alertmanager.yml", "--storage.path=data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    with server(command, f"{url}/-/ready", tmp_path):
        # Its clock is the real one, so the alert is of now.
        seconds = httpx.Timeout(10)
        active = f"{url}/api/v2/alerts?active=true"
        now = current_second()
        for _ in range(2):  # the second engine is that of a restart
            watch(alertmanager={"url": url}).at(now)
            [alert] = httpx.get(active, timeout=seconds).json()
            assert alert["labels"] == {
                "alertname": "LabanGroupStopped",
                "severity": "error",
                "place": "group mail, topic orders",
                "source": "laban",
            }
            assert alert["annotations"]["summary"] == SENTENCE
            assert alert["annotations"]["link"] == alert["generatorURL"]
        resolving = watch(alertmanager={"url": url}, resolve=0)
        resolving.at(now + 1, "OK")
        until(lambda: httpx.get(active, timeout=seconds).json() == [], 30)


def current_second() -> float:
    return time.time() - T0 - 2


@needs_prometheus
def test_promtool_finds_nothing_to_complain_about(watch: Watching, hook: Hook) -> None:
    watching = watch(webhook={"url": f"http://{hook.address}/"})
    watching.at(0)
    assert promtool("check", "metrics", given=watching.engine.render(Form.TEXT).encode()) == ""
