import pytest

from batch.public_base import PublicBase


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("https://front.example", "https://front.example"),
        ("https://front.example/", "https://front.example"),
        ("https://front.example:8443/scoring/v1/", "https://front.example:8443/scoring/v1"),
        ("https://team-a.azure-api.net/batch", "https://team-a.azure-api.net/batch"),
        ("http://localhost:7071", "http://localhost:7071"),
        ("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/a"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_base_is_an_origin_and_perhaps_a_path(text: str, base: str) -> None:
    assert str(PublicBase.parse(text)) == base


@pytest.mark.parametrize(
    "text",
    [
        *("front.example", "//front.example", "ftp://front.example", "https://", "https:///a"),
        *("http://front.example", "http://localhost.example", "http://10.0.0.1"),
        *("https://front.example?a=1", "https://front.example/a?", "https://front.example/#a"),
        *("https://me@front.example", "https://front.example:0", "https://front.example:65536"),
        *("https://front.example/a//b", "https://front.example/../a", "https://front.example/./a"),
        *("https://front.example/a b", "https://front.example/%2e%2e", "https://front.example//"),
        *("https://front.example\n", "https://-front.example", "https://fr\u00f6nt.example"),
    ],
)
def test_anything_else_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="must be https://") as refusal:
        PublicBase.parse(text)
    assert text not in str(refusal.value) or text == "https://"
