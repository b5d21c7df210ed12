"""What an answer other than the expected one means: no token, another version, or something else."""

import json

import pytest

from laban_app.answers.http_client import HttpClient, Response
from laban_app.answers.remote import RemoteAnswers, error_of
from laban_app.errors import OtherVersion, RequestRefused, TokenRefused

URL = "http://127.0.0.1:4320"


def answered(status: int, body: object) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def test_a_collector_that_requires_a_token_says_so() -> None:
    error = error_of(URL, answered(401, {"error": "The token is missing or wrong"}), {})
    assert isinstance(error, TokenRefused)
    assert "Set LABAN_TOKEN" in str(error)


def test_an_older_collector_does_not_know_the_path() -> None:
    error = error_of(URL, answered(404, {"detail": "Not Found"}), {})
    assert isinstance(error, OtherVersion)
    assert "its laban is older" in str(error)


def test_another_failure_is_told_with_its_status() -> None:
    error = error_of(URL, answered(503, {"error": "The disk is full"}), {})
    assert isinstance(error, RequestRefused)
    assert not isinstance(error, OtherVersion | TokenRefused)
    assert "503: The disk is full" in str(error)


def test_an_answer_in_another_form_is_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = RemoteAnswers(URL)

    def request(*_: object, **__: object) -> Response:
        return answered(200, {"spans": "many"})

    monkeypatch.setattr(HttpClient, "request", request)
    with pytest.raises(OtherVersion, match="Run the same version of laban on both sides"):
        answers.status()
