"""W3C trace contexts, and spans that have begun but not ended."""

import re
import secrets
from dataclasses import dataclass, replace
from typing import Self

# A version after 00 may add fields; they are ignored.
_TRACEPARENT = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True)
class TraceContext:
    """One span of one trace, with ids in hex. ``state`` is the header ``tracestate``, passed on unchanged."""

    trace_id: str
    span_id: str
    sampled: bool = True
    state: str = ""

    @classmethod
    def root(cls) -> Self:
        """The first span of a new trace."""
        return cls(secrets.token_hex(16), secrets.token_hex(8))

    @classmethod
    def parse(cls, traceparent: str | None, tracestate: str | None = None) -> Self | None:
        """From the two headers; None if the first is not a valid ``traceparent``."""
        found = _TRACEPARENT.fullmatch(traceparent or "")
        if found is None or (found["version"] == "00" and found["more"]):
            return None
        sampled = bool(int(found["flags"], 16) & _SAMPLED)
        return cls(found["trace"], found["span"], sampled, tracestate or "")

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"

    def child(self) -> Self:
        return replace(self, span_id=secrets.token_hex(8))


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """A span that is exported when it ends. It is stored with its work, so that it survives the process.

    ``parent_id`` is empty for the root of a trace; ``started_at`` is a formatted time, or empty while the
    work has not begun.
    """

    context: TraceContext
    parent_id: str = ""
    started_at: str = ""

    @classmethod
    def below(cls, parent: TraceContext | None, started_at: str = "") -> Self:
        """A new span: the parent's child, or without a parent the root of a trace."""
        if parent is None:
            return cls(TraceContext.root(), "", started_at)
        return cls(parent.child(), parent.span_id, started_at)

    @classmethod
    def from_text(cls, text: str | None) -> Self:
        """None, from a store of an older version of this program, begins a new trace."""
        if text is None:
            return cls.below(None)
        trace_id, span_id, sampled, parent_id, started_at, state = text.split(" ", 5)
        return cls(TraceContext(trace_id, span_id, sampled == "1", state), parent_id, started_at)

    def to_text(self) -> str:
        """Each episode reads and writes this text, so its form is cheap to parse."""
        context = self.context
        return (
            f"{context.trace_id} {context.span_id} {context.sampled:d} "
            f"{self.parent_id} {self.started_at} {context.state}"
        )
