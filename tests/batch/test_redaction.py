"""Which texts are refused because they hold a secret that would be stored, and what is removed from messages."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.errors import ErrorCode, RunError
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
def test_a_secret_is_recognized_in_any_spelling(text: str) -> None:
    assert holds_secret(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_that_only_looks_like_a_secret_is_accepted(text: str) -> None:
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
        "Login failed: Server=tcp:db;UID=app;PWD=SECRET;Encrypt=yes",
        "connect(host='db', password='SECRET')",
        "{'api_key': 'SECRET'}",
        "aws_secret_access_key = SECRET",
        "x-functions-key: SECRET",
        "refresh_token=SECRET",
        "POST https://a.azurewebsites.net/api/x?code=SECRET",
        "Authorization: Basic SECRET",
        "git+https://SECRET@github.com/a/b",
    ],
)
def test_secrets_in_other_spellings_are_removed_from_messages(text: str) -> None:
    assert "SECRET" not in redact(text)
    assert "[redacted]" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "There is no monkeyjournal-data.",
        "abfss://data@lake.dfs.core.windows.net/x",
        "KeyError: 'api_key'",
        "exit code=1, status_code=403",
        "Authorization: AuthorizationPermissionMismatch",
        "The tier Basic is not supported.",
    ],
)
def test_what_only_looks_like_a_secret_stays_in_a_message(text: str) -> None:
    assert redact(text) == text


FAKE_SECRET = "S3cr3tMarker"


def _segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


JWT = f"{_segment({'typ': 'JWT', 'alg': 'RS256'})}.{_segment({'aud': 'https://ml.azure.com'})}.{FAKE_SECRET}-sig_nature"


@pytest.mark.parametrize(
    "text",
    [
        JWT,
        f"token '{JWT}' was refused",
        f"Authorization: Bearer {JWT}",
        f"Authorization: Bearer {FAKE_SECRET}.opaque+/=",
        f"authorization: bearer {FAKE_SECRET}",
        f"BEARER {FAKE_SECRET}",
        f"client_id=a&client_secret={FAKE_SECRET}&scope=b",
        f"CLIENT_SECRET={FAKE_SECRET}",
        f"https://a.blob.core.windows.net/c?sv=2024&sig={FAKE_SECRET}%2B%3D&se=2026",
        f"?SIG={FAKE_SECRET}",
        f"{JWT}\n{JWT}",
    ],
)
def test_tokens_secrets_and_signatures_are_removed(text: str) -> None:
    assert FAKE_SECRET not in redact(text)
    assert "[redacted]" in redact(text)
    assert FAKE_SECRET not in str(RunError(ErrorCode.INTERNAL, text))


def test_the_text_around_a_secret_stays() -> None:
    assert (
        redact(f"a client_secret={FAKE_SECRET}&scope=b, sig={FAKE_SECRET} c")
        == "a client_secret=[redacted]&scope=b, sig=[redacted] c"
    )
    assert (
        redact("Job batchjob-1 failed: design=5, the bearer is me")
        == "Job batchjob-1 failed: design=5, the bearer [redacted] me"
    )


@given(st.text(max_size=80))
def test_redacting_twice_is_the_same_as_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "text",
    [
        f"Bearer  {FAKE_SECRET}",
        f"Bearer\n{FAKE_SECRET}",
        f'{{"client_secret": "{FAKE_SECRET}"}}',
        f"client_secret: {FAKE_SECRET}",
    ],
)
def test_secrets_are_removed_after_any_separator(text: str) -> None:
    assert FAKE_SECRET not in str(RunError(ErrorCode.INTERNAL, text))
