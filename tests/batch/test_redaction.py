"""What is refused because it would be stored, and what messages lose. Messages: tests/batch/test_errors.py, too."""

import pytest

from batch.redaction import holds_secret, redact
from tests.batch.builders import body, refusals

SECRETS = [
    "https://a.blob.core.windows.net/c?sv=2024&sig=SECRET",
    "https://a.blob.core.windows.net/c/f.csv%3Fsv=2024%26sig%3DSECRET",
    "https://a.blob.core.windows.net/c/f.csv%3fsv=2024&SIG=SECRET",
    "https://a.blob.core.windows.net/c/f.csv;sig=SECRET",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=SECRET==",
    "Endpoint=sb://a;SharedAccessKey=SECRET",
    "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJhIn0.SECRET",
    "Bearer eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJhIn0.SECRET",
]
HARMLESS = [
    "",
    "append",
    "sig=0.05",
    "design=5",
    "https://a.blob.core.windows.net/monkeyjournal-data/in",
    "https://a.blob.core.windows.net/c/50%25%3F.csv",
    "eyJournal-of-keys",
    "azureml://datastores/lake/paths/signals/sig/",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_known_in_any_spelling(text: str) -> None:
    assert holds_secret(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_alike_is_let_through(text: str) -> None:
    assert not holds_secret(text)


@pytest.mark.parametrize("text", SECRETS)
def test_a_literal_with_a_secret_is_refused_and_not_repeated(text: str) -> None:
    literal = {"type": "Literal", "value": text}
    inputs = {"mode": literal, "data": {"type": "UriFolder", "uri": "azureml:data:1"}}
    [error] = refusals(body(endpoint_input_uri=None, inputs=inputs))
    assert error.field == "inputs.mode.value"
    assert "would be stored with the run" in error.message
    assert "SECRET" not in error.message


@pytest.mark.parametrize("text", SECRETS[1:4])
def test_data_with_a_signature_hidden_in_its_address_is_refused(text: str) -> None:
    [error] = refusals(body(endpoint_input_uri=text))
    assert error.field == "endpoint_input_uri"
    assert "SAS signature" in error.message
    assert "SECRET" not in error.message


@pytest.mark.parametrize(
    "text",
    [
        "sig%3DSECRET%2B",
        "client_secret%3DSECRET",
        "AccountKey=SECRET==;EndpointSuffix=core.windows.net",
        '{"access_token":"SECRET"}',
        "SharedAccessKey=SECRET",
    ],
)
def test_messages_lose_secrets_in_other_spellings(text: str) -> None:
    assert "SECRET" not in redact(text)
    assert "[redacted]" in redact(text)


def test_a_name_that_only_looks_like_a_token_stays_in_a_message() -> None:
    assert redact("There is no monkeyjournal-data.") == "There is no monkeyjournal-data."
