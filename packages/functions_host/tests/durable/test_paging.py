"""Continuation tokens."""

from functions_host.durable.paging import decode_continuation, encode_continuation


def test_continuation_tokens() -> None:
    assert encode_continuation("test-72a333a4d9d9") == "dGVzdC03MmEzMzNhNGQ5ZDk= "
    assert decode_continuation("dGVzdC03MmEzMzNhNGQ5ZDk= ") == "test-72a333a4d9d9"
    assert decode_continuation(encode_continuation("ä").strip()) == "ä"
    assert decode_continuation(None) == ""
    assert [decode_continuation(bad) for bad in ("%", "garbage", "/w==")] == [None, None, None]
