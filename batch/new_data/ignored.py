"""Why an upload starts nothing, in one word: for the log, and for the counts of uploads that no rule took."""

from collections.abc import Iterable
from enum import StrEnum


class IgnoreReason(StrEnum):
    """First what a rule says, in this order: the later, the closer the upload came to be taken."""

    CONTAINER = "container"
    PREFIX = "prefix"
    HIDDEN = "hidden"
    """A part of the path begins with ``_`` or ``.``."""
    MARKER = "marker"
    """The rule waits for its marker, and this is another file."""
    SUFFIX = "suffix"
    EMPTY = "empty"
    CREATED_ONLY = "created_only"
    """The file was created. Its content follows, or nobody has closed it."""

    API = "api"
    """A call that this app does not know wrote the blob."""
    MALFORMED = "malformed"
    NAME = "name"
    """A rule takes the upload, and with its name makes no valid request."""
    LATE = "late"
    """The rule ignores what comes after the run of its folder."""


def closest(reasons: Iterable[IgnoreReason]) -> IgnoreReason:
    """Of the reasons of several rules, the one that helps most. Without rules: none has the container."""
    return max(reasons, key=list(IgnoreReason).index, default=IgnoreReason.CONTAINER)
