"""The known examples of the redaction in the production host."""

import pytest

from functions_host.worker.redaction import HIDDEN, without_credentials


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("paths/key=1/data", f"paths/{HIDDEN}"),
        ("customer_key=42/, and more", f"customer_{HIDDEN}"),
        ('{"uri": "a/key=1/b", "c": 2}', '{"uri": "a/' + HIDDEN + '", "c": 2}'),
        ('{\\"uri\\": \\"a/key=1/b\\", \\"c\\": 2}', '{\\"uri\\": \\"a/' + HIDDEN + '", \\"c\\": 2}'),
        ("KEY=1'rest", f"{HIDDEN}'rest"),
        ("AccountKey=abc<br>", f"{HIDDEN}<br>"),
        ("Server=a;Password=b", HIDDEN),
        ("https://a/?sig=x&sv=1", f"https://a/{HIDDEN}"),
        ("https://a/?sv=1&code=x", f"https://a/?sv=1{HIDDEN}"),
        ("DefaultEndpointsProtocol=https;AccountName=a", HIDDEN),
        ("DefaultEndpointsProtocol=ftp", "DefaultEndpointsProtocol=ftp"),
        ("Data Source=here", HIDDEN),
        ("System, PublicKeyToken=null", "System, PublicKeyToken=null"),
        ("amqp://user:word@host:5672/x", f"{HIDDEN}/x"),
        ("https://host:443/x?wsid=/a", "https://host:443/x?wsid=/a"),
        ("two: token=a' and pwd=b\"!", f"two: {HIDDEN}' and {HIDDEN}\"!"),
    ],
)
def test_from_a_token_to_the_next_quote_the_text_is_hidden(text: str, left: str) -> None:
    assert without_credentials(text) == left
