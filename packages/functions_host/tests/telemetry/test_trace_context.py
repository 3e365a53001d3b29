"""W3C trace contexts: which headers are valid, and what the store keeps."""

import pytest

from functions_host.telemetry.trace_context import OpenSpan, TraceContext

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_both_headers_are_read() -> None:
    context = TraceContext.parse(f"00-{TRACE}-{SPAN}-01", "vendor=1")

    assert context == TraceContext(TRACE, SPAN, sampled=True, state="vendor=1")
    assert context.traceparent == f"00-{TRACE}-{SPAN}-01"


def test_a_trace_that_is_not_sampled_stays_so() -> None:
    context = TraceContext.parse(f"00-{TRACE}-{SPAN}-00")

    assert context is not None
    assert not context.sampled
    assert context.child().traceparent.endswith("-00")


def test_a_later_version_may_have_more_fields() -> None:
    assert TraceContext.parse(f"01-{TRACE}-{SPAN}-01-more") == TraceContext(TRACE, SPAN)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01x",
        f"00-{TRACE}-{SPAN}-01-more",
    ],
)
def test_an_invalid_header_is_none(header: str | None) -> None:
    assert TraceContext.parse(header) is None


def test_an_open_span_is_the_same_after_the_store() -> None:
    parent = TraceContext.parse(f"00-{TRACE}-{SPAN}-00", 'a=";",b=2')
    span = OpenSpan.below(parent, "2026-01-01T00:00:00.0000000Z")

    assert OpenSpan.from_text(span.to_text()) == span
    assert (span.context.trace_id, span.parent_id) == (TRACE, SPAN)
    assert span.context.span_id != SPAN


def test_without_a_parent_a_span_is_the_root_of_a_new_trace() -> None:
    one, other = OpenSpan.below(None), OpenSpan.from_text(None)

    assert one.parent_id == other.parent_id == ""
    assert one.context.trace_id != other.context.trace_id
