import pytest

from batch.api.rerun_request import parse_rerun
from batch.errors import InvalidRequest


@pytest.mark.parametrize(
    ("body", "confirmed"),
    [
        (b"", False),
        (b" \r\n", False),
        (b"{}", False),
        (b'{"confirm_no_job": false}', False),
        (b'{"confirm_no_job": true}', True),
        (b'\xef\xbb\xbf{"confirm_no_job": true}', True),
    ],
)
def test_only_true_confirms(body: bytes, confirmed: bool) -> None:
    assert parse_rerun(body) is confirmed


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[]", "body"),
        (b"null", "body"),
        (b"true", "body"),
        (b'{"confirm_no_job": true', "body"),
        (b"\xff", "body"),
        (b'{"confirm_no_job": "true"}', "confirm_no_job"),
        (b'{"confirm_no_job": 1}', "confirm_no_job"),
        (b'{"confirm_no_job": null}', "confirm_no_job"),
        (b'{"confirm": true}', "confirm"),
    ],
)
def test_anything_else_is_refused_by_name(body: bytes, field: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse_rerun(body)
    assert [error.field for error in raised.value.errors] == [field]
