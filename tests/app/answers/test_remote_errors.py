"""What an answer other than the expected one means: no token, another version, or something else."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from laban_app.answers.http_client import HttpClient, Response
from laban_app.answers.remote import RemoteAnswers, error_of
from laban_app.errors import CollectorUnreachable, OtherVersion, RequestRefused, TokenRefused

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


@pytest.mark.parametrize("body", [{"code": 5, "message": "Unknown path."}, ["not", "found"], None])
def test_the_address_of_something_else_is_told_so(body: object) -> None:
    error = error_of(URL, answered(404, body), {})
    assert isinstance(error, RequestRefused)
    assert "404, but not as the API of laban" in str(error)


def test_an_answer_that_is_not_http_is_not_shown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor() as pool:
        asked = pool.submit(RemoteAnswers(f"http://127.0.0.1:{listening.getsockname()[1]}").status)
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"\x00\x00\x18\x04\x00\r\n")
            with pytest.raises(CollectorUnreachable, match="that is not HTTP/1"):
                asked.result(timeout=30)


def test_an_answer_in_another_form_is_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = RemoteAnswers(URL)

    def request(*_: object, **__: object) -> Response:
        return answered(200, {"spans": "many"})

    monkeypatch.setattr(HttpClient, "request", request)
    with pytest.raises(OtherVersion, match="Run the same version of laban on both sides"):
        answers.status()
