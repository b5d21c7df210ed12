"""Parts of URLs, compared with the standard library."""

from urllib.parse import quote, unquote, urlsplit

import pytest

from laban_mapper.urls import path_of_url, quoted_path, unquoted


@pytest.mark.parametrize("text", ["docs/a b.yaml", "ü/%41~", "/abs/ж", "a?b#c", "%E4%BD%A0%zz", "%ff"])
def test_paths_are_encoded_and_decoded(text: str) -> None:
    assert quoted_path(text) == quote(text, safe="/")
    assert unquoted(text) == unquote(text)
    assert unquoted(quoted_path(text)) == text


@pytest.mark.parametrize(
    "url",
    ["https://a.example/api/v1?x=1", "/api#top", "//host/x", "http://a.example", "api", "https://[::1]:8/x"],
)
def test_the_path_of_a_url(url: str) -> None:
    assert path_of_url(url) == urlsplit(url).path
