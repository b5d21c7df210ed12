"""The API of a collector with a token and TLS, and its defence against cross-origin requests."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from laban_app.answers.remote import RemoteAnswers
from laban_app.errors import RequestRefused
from laban_collector.receive.tls import client_context
from laban_collector.settings import load_settings

from ...collector.certificates import make_identity
from ...collector.json_requests import json_request, json_span
from ...serving import Serving, laban, serving

TOKEN = "correct-horse"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    directory = tmp_path_factory.mktemp("secured")
    certificate, key = make_identity(directory)
    environment = {"LABAN_TOKEN": TOKEN, "LABAN_TLS_CERTIFICATE": str(certificate), "LABAN_TLS_KEY": str(key)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with serving(directory / "spans.duckdb") as running:
            for name in environment:
                patch.delenv(name)
            yield running


def asking(secured: Serving, token: str | None) -> RemoteAnswers:
    trusted = client_context(load_settings(tls_ca=secured.db.with_name("certificate.pem")))
    return RemoteAnswers(f"https://{secured.api}", token, trusted)


def test_a_request_with_the_token_is_answered(secured: Serving) -> None:
    with asking(secured, TOKEN) as answers:
        assert answers.status().spans == 0


@pytest.mark.parametrize("token", [None, "wrong-horse"])
def test_a_request_without_the_token_is_refused(secured: Serving, token: str | None) -> None:
    with (
        asking(secured, token) as answers,
        pytest.raises(RequestRefused, match="Set LABAN_TOKEN"),
    ):
        answers.status()


def test_healthz_needs_no_token(secured: Serving) -> None:
    certificate = secured.db.with_name("certificate.pem")
    context = client_context(load_settings(tls_ca=certificate))
    assert httpx.get(f"https://{secured.api}/healthz", verify=context).status_code == 200


def test_a_command_finds_the_secured_collector_by_its_database(secured: Serving) -> None:
    (secured.db.parent / "laban.toml").write_text('tls_ca = "certificate.pem"\n', encoding="utf-8")
    asked = laban("status", "--db", secured.db.name, "--token", TOKEN, "--json", cwd=secured.db.parent)
    assert asked.returncode == 0, asked.stderr
    assert '"spans": 0' in asked.stdout


def test_the_secured_collector_accepts_an_import_with_the_token(secured: Serving) -> None:
    folder = secured.db.parent
    (folder / "laban.toml").write_text('tls_ca = "certificate.pem"\n', encoding="utf-8")
    (folder / "spans.json").write_text(json.dumps(json_request(json_span())), encoding="utf-8")
    arguments = ("import", "spans.json", "--url", f"https://{secured.api}", "--json")
    refused = laban(*arguments, cwd=folder)
    assert refused.returncode == 2
    assert "--token" in refused.stderr
    done = laban(*arguments, "--token", TOKEN, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["stored"] == 1


def test_a_collector_for_other_machines_needs_a_token(tmp_path: Path) -> None:
    refused = laban("serve", "--api", "0.0.0.0:0", cwd=tmp_path)
    assert refused.returncode == 2
    assert "LABAN_TOKEN" in refused.stderr
    assert not list(tmp_path.iterdir())


def test_foreign_hosts_and_origins_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path / "spans.duckdb") as running:
        url = f"{running.url}/api/v1/status"
        assert httpx.get(url).status_code == 200
        for header in ({"host": "evil.example"}, {"origin": "https://evil.example"}):
            answer = httpx.get(url, headers=header)
            assert answer.status_code == 403
            assert "evil.example" in answer.json()["error"]
